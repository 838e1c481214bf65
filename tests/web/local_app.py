"""A local app: the real blueprint over a ledger in memory, and deliveries as Cloud Tasks makes them."""

from __future__ import annotations

from typing import Any

from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from taskhandler import TaskBlueprint
from taskhandler.ledger.storage import Key, TaskBody, Unavailable
from taskhandler.lifecycle.record import Record
from taskhandler.web.assembly import Assembly

PATH = "/tasks"


def app_with(blueprint: TaskBlueprint, **settings: object) -> Flask:
    """An app with `blueprint` at /tasks that checks no tokens and remembers in memory."""
    app = Flask(__name__)
    app.config.update({"TESTING": True, "TASKHANDLER_AUTH": "none", "TASKHANDLER_LEDGER": "memory://"})
    app.config.update(settings)
    app.register_blueprint(blueprint, url_prefix=PATH)
    return app


def headers_of(task: str = "t1", *, queue: str = "q", retry: int = 0, **more: str) -> dict[str, str]:
    """The headers of the `retry`-th delivery of a task."""
    headers = {
        "User-Agent": "Google-Cloud-Tasks",
        "X-CloudTasks-QueueName": queue,
        "X-CloudTasks-TaskName": task,
        "X-CloudTasks-TaskRetryCount": str(retry),
        "X-CloudTasks-TaskExecutionCount": "0",
        "X-CloudTasks-TaskETA": "1666670855.3296249",
    }
    if retry:
        headers |= {"X-CloudTasks-TaskPreviousResponse": "503", "X-CloudTasks-TaskRetryReason": ""}
    return headers | more


def deliver(
    app: Flask | FlaskClient,
    handler: str,
    body: bytes = b"null",
    *,
    task: str = "t1",
    retry: int = 0,
    **more: Any,  # noqa: ANN401 - whatever werkzeug's client takes
) -> TestResponse:
    """Deliver a task."""
    client = app.test_client() if isinstance(app, Flask) else app
    return client.post(f"{PATH}/{handler}", data=body, headers=headers_of(task, retry=retry), **more)


def record_of(app: Flask, task: str = "t1", *, queue: str = "q", conflict: str = "") -> Record | None:
    """What the ledger holds of a task."""
    found = _assembly(app).receiver.ledger.storage.read(Key("", queue, task, conflict))
    assert not isinstance(found, Unavailable)
    return None if found is None else found.record


def dead_letter_of(app: Flask, task: str = "t1", *, queue: str = "q", conflict: str = "") -> TaskBody | None:
    """The body that the ledger keeps of a rejected, dead or conflicting task."""
    dead_letter = _assembly(app).receiver.ledger.storage.dead_letter(Key("", queue, task, conflict))
    assert not isinstance(dead_letter, Unavailable)
    return dead_letter


def outcome(response: TestResponse) -> tuple[int, str]:
    """The status, and the outcome that the header names."""
    return response.status_code, response.headers["X-TaskHandler-Outcome"]


def _assembly(app: Flask) -> Assembly:
    assembly = app.extensions["taskhandler"]
    assert isinstance(assembly, Assembly)
    return assembly
