"""A database session in a handler, and the teardown that commits it unless there was an error."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from pathlib import Path

import pytest
from flask import Flask
from flask_sqlalchemy import SQLAlchemy
from sqlalchemy import text

from taskhandler import Reject, Retry, Task, TaskBlueprint
from tests.border.conftest import Serve
from tests.border.served import Served, lines
from tests.border.servers import SERVERS

TASKS = itertools.count()
database = SQLAlchemy()
tasks = TaskBlueprint("tasks", __name__)


def pay(task: Task) -> None:
    """Write a row, without committing it."""
    database.session.execute(text("INSERT INTO payments VALUES (:task)"), {"task": task.id})


@tasks.handler("returns")
def returns(task: Task) -> None:
    pay(task)


@tasks.handler("fails")
def fails(task: Task) -> None:
    pay(task)
    raise ConnectionError("the bank does not answer")


@tasks.handler("steers")
def steers(task: Task) -> None:
    pay(task)
    raise Retry(after=1)


@tasks.handler("rejects")
def rejects(task: Task) -> None:
    pay(task)
    raise Reject("there is nothing to pay")


@tasks.handler("breaks")
def breaks(task: Task) -> None:
    pay(task)
    pay(task)


@tasks.handler("commits")
def commits(task: Task) -> None:
    pay(task)
    database.session.commit()


@pytest.fixture
def served(running: Serve) -> Served:
    return running(SERVERS[0])


@pytest.fixture
def app(served: Served, tmp_path: Path) -> Iterator[Flask]:
    app = Flask(__name__)
    app.config.update(served.settings, SQLALCHEMY_DATABASE_URI=f"sqlite:///{tmp_path}/shop.db")
    database.init_app(app)
    app.register_blueprint(tasks, url_prefix="/tasks")

    @app.teardown_request
    def commit(error: BaseException | None) -> None:
        database.session.rollback() if error else database.session.commit()

    with app.app_context():
        database.session.execute(text("CREATE TABLE payments (task TEXT)"))
        database.session.commit()
    yield app
    with app.app_context():
        database.engine.dispose()


def outcome(app: Flask, handler: str) -> str:
    headers = dict(lines(f"d{next(TASKS)}"))
    return app.test_client().post(f"/tasks/{handler}", headers=headers).headers["X-TaskHandler-Outcome"]


def payments(app: Flask) -> int:
    with app.app_context():
        return len(list(database.session.scalars(text("SELECT task FROM payments"))))


@pytest.mark.parametrize(
    ("handler", "came_to", "is_paid"),
    [
        ("returns", "completed", True),
        ("commits", "completed", True),
        ("fails", "retry", False),
        ("steers", "retry", True),  # Retry is not an error: roll back in the handler
        ("rejects", "rejected", True),  # the same
    ],
)
def test_a_teardown_sees_a_handlers_error_and_does_not_commit(
    app: Flask, handler: str, came_to: str, *, is_paid: bool
):
    assert outcome(app, handler) == came_to
    assert payments(app) == is_paid


def test_a_database_commit_that_fails_in_the_teardown_leaves_the_task_completed(app: Flask):
    with app.app_context():
        database.session.execute(text("CREATE UNIQUE INDEX once ON payments (task)"))
        database.session.commit()

    def full(_: BaseException | None) -> None:
        raise OSError("the disk is full")

    app.teardown_request_funcs[None].append(full)
    assert outcome(app, "returns") == "completed"


def test_a_database_commit_that_fails_in_the_handler_fails_the_attempt(app: Flask):
    with app.app_context():
        database.session.execute(text("CREATE UNIQUE INDEX once ON payments (task)"))
        database.session.commit()
    assert outcome(app, "breaks") == "retry"
    assert payments(app) == 0
