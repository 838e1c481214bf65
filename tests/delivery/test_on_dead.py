"""When the `on_dead` of a handler is called."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from taskhandler import Task, TaskBlueprint
from taskhandler.ledger.storage import Key
from taskhandler.lifecycle.record import State
from tests.web.local_app import app_with, dead_letter_of, deliver, outcome, record_of


@pytest.fixture
def tasks() -> TaskBlueprint:
    return TaskBlueprint("tasks", __name__)


def test_the_last_attempt_makes_a_task_dead_and_on_dead_is_called(tasks: TaskBlueprint) -> None:
    deaths: list[tuple[int, str]] = []

    @tasks.handler("doomed", max_attempts=2)
    def doomed(task: Task) -> None:
        raise ValueError(f"attempt {task.attempt}, last: {task.is_last_attempt}")

    @doomed.on_dead
    def alert(task: Task, error: Exception | None) -> None:
        deaths.append((task.attempt, str(error)))

    app = app_with(tasks)
    assert outcome(deliver(app, "doomed", b"[1]")) == (503, "retry")
    assert outcome(deliver(app, "doomed", b"[1]", retry=1)) == (200, "dead")
    assert deaths == [(2, "attempt 2, last: True")]
    record, dead_letter = record_of(app), dead_letter_of(app)
    assert record is not None
    assert record.state is State.DEAD
    assert record.on_dead_called
    assert dead_letter is not None
    assert dead_letter.content == b"[1]"
    assert outcome(deliver(app, "doomed", b"[1]", retry=2)) == (200, "duplicate")
    assert len(deaths) == 1


def test_an_on_dead_that_raises_leaves_the_task_dead_and_answered_200(
    tasks: TaskBlueprint, caplog: pytest.LogCaptureFixture
) -> None:
    @tasks.handler("doomed", max_attempts=1)
    def doomed() -> None:
        raise ValueError

    @doomed.on_dead
    def alert(_task: Task, _error: Exception | None) -> None:
        raise RuntimeError("the pager is broken")

    assert outcome(deliver(app_with(tasks), "doomed")) == (200, "dead")
    assert "alert" in caplog.text


def test_on_dead_is_called_by_a_fenced_delivery_when_the_writer_of_the_death_died(
    tasks: TaskBlueprint,
) -> None:
    deaths: list[str] = []

    @tasks.handler("zombie")
    def zombie(task: Task) -> None:
        storage = app.extensions["taskhandler"].receiver.ledger.storage
        key = Key("", task.queue, task.id)
        found = storage.read(key)
        storage.replace(key, replace(found.record, state=State.DEAD, lease_id="another's"), found.version)

    @zombie.on_dead
    def alert(task: Task, _error: Exception | None) -> None:
        deaths.append(task.id)

    app = app_with(tasks)
    assert outcome(deliver(app, "zombie")) == (200, "duplicate")
    assert outcome(deliver(app, "zombie", retry=1)) == (200, "duplicate")
    assert deaths == ["t1"]
