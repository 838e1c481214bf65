"""An app with a handler that returns and one that raises, and with customizations of its own."""

from __future__ import annotations

from flask import Flask

from taskhandler import TaskBlueprint
from taskhandler.lifecycle.record import State
from tests.web.customizations import Customization, fail
from tests.web.local_app import record_of

ENDED = {State.COMPLETED, State.REJECTED, State.DEAD, State.CANCELLED}
SETTINGS = {"TASKHANDLER_AUTH": "none", "TASKHANDLER_LEDGER": "memory://"}


def an_app(*, before: list[Customization] = [], after: list[Customization] = [], **settings: object) -> Flask:  # noqa: B006 - not changed
    """An app with the handlers `ok` and `bad`, and customizations that are installed before or after them."""
    tasks = TaskBlueprint("tasks", __name__)
    tasks.handler("ok")(lambda _: {"done": True})
    tasks.handler("bad")(lambda _: fail())
    app = Flask(__name__)
    app.config.update(SETTINGS)
    app.config.update({"TESTING": True, "PROPAGATE_EXCEPTIONS": False} | settings)
    for customization in before:
        customization.install(app)
    app.register_blueprint(tasks, url_prefix="/tasks")
    for customization in after:
        customization.install(app)
    return app


def is_recorded(app: Flask) -> bool:
    record = record_of(app)
    return record is not None and record.state in ENDED
