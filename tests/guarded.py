"""An app with a handler that returns and one that raises, and with neighbours."""

from __future__ import annotations

from flask import Flask

from taskhandler import TaskBlueprint
from taskhandler.lifecycle.record import State
from tests.desk import record_of
from tests.neighbours import Neighbour, fail

ENDED = {State.COMPLETED, State.REJECTED, State.DEAD, State.CANCELLED}
SETTINGS = {"TASKHANDLER_AUTH": "none", "TASKHANDLER_LEDGER": "memory://"}


def an_app(*, before: list[Neighbour] = [], after: list[Neighbour] = [], **settings: object) -> Flask:  # noqa: B006 - not changed
    """An app with the handlers `ok` and `bad`, and neighbours who moved in before or after them."""
    tasks = TaskBlueprint("tasks", __name__)
    tasks.handler("ok")(lambda _: {"done": True})
    tasks.handler("bad")(lambda _: fail())
    app = Flask(__name__)
    app.config.update(SETTINGS)
    app.config.update({"TESTING": True, "PROPAGATE_EXCEPTIONS": False} | settings)
    for neighbour in before:
        neighbour.moves_in(app)
    app.register_blueprint(tasks, url_prefix="/tasks")
    for neighbour in after:
        neighbour.moves_in(app)
    return app


def is_recorded(app: Flask) -> bool:
    record = record_of(app)
    return record is not None and record.state in ENDED
