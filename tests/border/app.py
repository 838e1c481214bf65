"""An app of its own for every customization, all with the same tasks and over the same ledger file."""

from __future__ import annotations

import hashlib
import importlib
import threading
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from flask import Flask

from taskhandler import RateLimited, Reject, Retry, Task, TaskBlueprint
from tests.border import app_parts, bodies, hooks
from tests.border.customization import CUSTOMIZATIONS
from tests.serving import effects
from tests.serving.acts import ACTS, Asked

__all__ = ["CUSTOMIZATIONS", "CustomizedApps", "app_parts", "bodies", "build", "hooks"]
PREFIX = "/tasks"


class CustomizedApps:
    """Makes the app of each customization when it is first asked for.

    Args:
        settings: of taskhandler, and `BORDER_FOLDER`, where the apps write down what they do.
    """

    def __init__(self, settings: Mapping[str, str]) -> None:
        self._settings = settings
        self._apps: dict[str, Flask] = {}
        self._lock = threading.Lock()

    def app(self, customization: str) -> Flask:
        """The app that has this customization."""
        with self._lock:
            if customization not in self._apps:
                self._apps[customization] = build(customization, self._settings)
            return self._apps[customization]

    def close(self) -> None:
        """Give back what the apps hold."""
        for app in self._apps.values():
            app.extensions["taskhandler"].close()


def build(
    customization: str, settings: Mapping[str, str], *, prepare: Callable[[Flask], object] | None = None
) -> Flask:
    """An app with tasks at /tasks and a customization, registered before them (`name/early`) or after.

    Args:
        customization: its name, and when it is registered.
        settings: of the app, as the environment would have them.
        prepare: is given the app before anything is registered.
    """
    name, _, placement = customization.partition("/")
    if name not in CUSTOMIZATIONS:  # those that cost seconds to import are imported when they are asked for
        importlib.import_module("tests.border.extensions")
    known = CUSTOMIZATIONS[name]
    made = known.flask(__name__)
    made.secret_key = "known to everybody"
    made.config.update(settings)
    if prepare is not None:
        prepare(made)
    tasks = border_tasks(Path(settings["BORDER_FOLDER"]))
    if placement == "early":
        known.install(made, tasks)
    made.register_blueprint(tasks, url_prefix=PREFIX)
    if placement == "late":
        known.install(made, tasks)
    return made


def border_tasks(folder: Path) -> TaskBlueprint:
    """The handlers of all apps."""
    tasks = TaskBlueprint("tasks", __name__)
    bodies.reading_handler(tasks)

    def ran(task: Task) -> None:
        effects.write(str(folder / f"{task.id}.effects"), "ran", task.id, task.attempt)

    @tasks.handler("note")
    def note(payload: bytes, task: Task) -> str:
        ran(task)
        return hashlib.sha256(payload).hexdigest()

    @tasks.handler("decode")
    def decode(payload: dict[str, Any], task: Task) -> dict[str, Any]:
        ran(task)
        return payload

    @tasks.handler("fail")
    def fail(task: Task) -> None:
        ran(task)
        raise ConnectionError("the bank does not answer")

    @tasks.handler("retry")
    def retry(task: Task) -> None:
        ran(task)
        raise Retry(after=1)

    @tasks.handler("limit")
    def limit(task: Task) -> None:
        ran(task)
        raise RateLimited(after=1)

    @tasks.handler("reject")
    def reject(task: Task) -> None:
        ran(task)
        raise Reject("there is nothing to charge")

    @tasks.handler("wait")
    def wait(task: Task) -> None:
        ran(task)
        ACTS["wait"](Asked(task, "", folder))

    return tasks
