"""The deliveries that are watched: an app with tasks, and one task for each way of a handler to end."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable

from flask import Flask

from tests.border.app import build

ENDS = {
    "note": "completed",
    "fail": "retry",
    "retry": "retry",
    "limit": "rate-limited",
    "reject": "rejected",
    "decode": "rejected",
}
"""The outcome of a task of each handler, if its body is not JSON."""


def watched_app(watch: Callable[[Flask], object] | None = None) -> Flask:
    """The app, watched from before its tasks are registered or, without `watch`, not yet."""
    settings = {
        key: value for key, value in os.environ.items() if key.startswith(("BORDER_", "TASKHANDLER_"))
    }
    return build("nothing/early", settings, prepare=watch)


def deliver_each(app: Flask) -> None:
    """Deliver a task to each handler."""
    for handler, outcome in ENDS.items():
        headers = json.loads(os.environ["BORDER_HEADERS"]) | {"X-CloudTasks-TaskName": handler}
        answer = app.test_client().post(f"/tasks/{handler}", data=b"not JSON", headers=headers)
        assert answer.headers["X-TaskHandler-Outcome"] == outcome, (handler, answer.headers)


def say(seen: object) -> None:
    """Hand the test what was seen."""
    json.dump(seen, sys.stdout)
