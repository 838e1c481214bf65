"""The outcomes of deliveries of a task that is cancelled or reset from outside."""

from __future__ import annotations

from typing import Any

import pytest
from flask import Flask

from taskhandler import Retry, Task, TaskBlueprint, TaskEvent, task_cancelled, task_fenced
from taskhandler.ledger.amend import Unread
from taskhandler.ledger.storage import Key
from taskhandler.lifecycle.record import State
from taskhandler.lifecycle.rules import Cancel, Reset
from taskhandler.lifecycle.verdict import Settled
from tests.web.local_app import app_with, deliver, outcome, record_of

CANCEL = Cancel(nonce="n", reason="stock is gone", handler="charge", retention=900.0)


@pytest.fixture
def tasks() -> TaskBlueprint:
    return TaskBlueprint("tasks", __name__)


def cancel(app: Flask) -> None:
    ledger = app.extensions["taskhandler"].receiver.ledger
    done = ledger.amend(Key("", "q", "t1"), CANCEL, Unread(), timeout=5.0)
    assert done.verdict == Settled(State.CANCELLED)


def reset(app: Flask) -> None:
    ledger = app.extensions["taskhandler"].receiver.ledger
    done = ledger.amend(Key("", "q", "t1"), Reset("n"), Unread(), timeout=5.0)
    assert done.verdict == Settled(State.WAITING)


@pytest.mark.parametrize("retry", [0, 1])
def test_a_task_that_is_cancelled_before_it_comes_is_acknowledged_and_not_run(
    tasks: TaskBlueprint, retry: int
):
    runs: list[int] = []
    tasks.handler("charge")(lambda: runs.append(1))
    app = app_with(tasks)
    cancel(app)
    answer = deliver(app, "charge", retry=retry)
    assert (outcome(answer), runs) == ((200, "cancelled"), [])
    assert outcome(deliver(app, "charge", b'"another body"')) == (200, "cancelled")


@pytest.mark.parametrize("returns", [True, False])
def test_a_task_that_is_cancelled_while_it_runs_is_acknowledged(
    tasks: TaskBlueprint,
    returns: bool,  # noqa: FBT001 - a parameter of the test
):
    @tasks.handler("charge")
    def charge(task: Task) -> None:
        cancel(app)
        assert not task.heartbeat()
        if not returns:
            task.checkpoint()

    app = app_with(tasks)
    heard: list[tuple[str, TaskEvent]] = []
    first, second = _heard("cancelled", heard), _heard("fenced", heard)
    with task_cancelled.connected_to(first, app), task_fenced.connected_to(second, app):
        answer = deliver(app, "charge")
    assert outcome(answer) == (200, "cancelled")
    assert answer.json == {"outcome": "cancelled", "task": "t1", "attempt": 1}
    assert [name for name, _ in heard] == ["cancelled", "fenced"]
    assert {event.reason for _, event in heard} == {"the task was cancelled during this delivery"}
    record = record_of(app)
    assert record is not None
    assert (record.state, record.result, record.reason) == (State.CANCELLED, None, "stock is gone")


def test_a_failure_of_a_cancelled_handler_is_not_delivered_again(tasks: TaskBlueprint):
    @tasks.handler("charge")
    def charge() -> None:
        cancel(app)
        raise ConnectionError("no answer")

    app = app_with(tasks)
    assert outcome(deliver(app, "charge")) == (200, "cancelled")


@pytest.mark.parametrize("runs_again", [True, False])
def test_an_attempt_that_was_fenced_by_a_reset_is_reported_with_its_own_number(
    tasks: TaskBlueprint,
    runs_again: bool,  # noqa: FBT001 - a parameter of the test
):
    @tasks.handler("charge")
    def charge(task: Task) -> None:
        if task.fence == 1:
            raise Retry
        if task.fence == 2:
            reset(app)
            if runs_again:
                deliver(app, "charge", retry=2)

    app = app_with(tasks)
    deliver(app, "charge")
    answer = deliver(app, "charge", retry=1)
    assert outcome(answer) == ((200, "duplicate") if runs_again else (503, "retry"))
    assert (answer.json or {})["attempt"] == 2


def _heard(name: str, heard: list[tuple[str, TaskEvent]]) -> Any:  # noqa: ANN401 - a receiver of blinker
    return lambda _sender, event: heard.append((name, event))
