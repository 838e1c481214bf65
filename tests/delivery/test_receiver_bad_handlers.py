"""Handlers that misbehave: what is answered for each, and what the ledger holds afterwards."""

from __future__ import annotations

import logging
import sys
import threading
from collections.abc import Callable

import pytest
from flask import Flask

from taskhandler import Reject, Retry, Task, TaskBlueprint, TaskEvent, current_task, signals
from taskhandler.lifecycle.record import Record, State
from tests.web.local_app import app_with, deliver, outcome, record_of


@pytest.fixture
def tasks() -> TaskBlueprint:
    return TaskBlueprint("tasks", __name__)


def recorded(app: Flask) -> Record:
    record = record_of(app)
    assert record is not None
    return record


def running() -> bool:
    """Whether a task's handler runs here."""
    try:
        return bool(current_task.id)
    except RuntimeError:
        return False


class Cyclic(dict[str, object]):
    """What JSON cannot hold."""

    def __init__(self) -> None:
        super().__init__()
        self["self"] = self


@pytest.mark.parametrize(
    "result",
    [
        object(),
        {1, object()},
        Cyclic(),
        "x" * (1 << 20),
        {(1, 2): 3},
        "\ud800",
        print,
    ],
    ids=["object", "set", "cycle", "huge", "keys", "surrogate", "function"],
)
def test_a_result_that_cannot_be_kept_is_dropped_and_the_task_completed(
    tasks: TaskBlueprint, result: object, caplog: pytest.LogCaptureFixture
):
    tasks.handler("odd")(lambda _: result)
    app = app_with(tasks)
    response = deliver(app, "odd")
    assert outcome(response) == (200, "completed")
    assert (recorded(app).state, recorded(app).result) == (State.COMPLETED, None)
    assert "the result is not kept" in caplog.text


@pytest.mark.parametrize("error", [SystemExit(1), KeyboardInterrupt(), GeneratorExit()])
def test_a_base_exception_of_a_handler_goes_up_and_releases_the_task(
    tasks: TaskBlueprint, error: BaseException
):
    def leave(task: Task) -> None:
        if task.attempt == 1:
            raise error

    tasks.handler("leave")(leave)
    app = app_with(tasks)
    with pytest.raises(type(error)):
        deliver(app, "leave")
    assert recorded(app).state is State.WAITING
    assert recorded(app).history == (f"1 failed: {type(error).__name__} stopped the worker",)
    assert not running()
    assert outcome(deliver(app, "leave", retry=1)) == (200, "completed")


def test_an_endless_recursion_in_a_handler_is_answered_503(tasks: TaskBlueprint):
    def down(payload: object) -> object:
        return down([payload])

    tasks.handler("down")(down)
    app = app_with(tasks)
    assert outcome(deliver(app, "down")) == (503, "retry")
    assert recorded(app).state is State.WAITING
    assert recorded(app).reason.startswith("RecursionError: ")


class Unspeakable(Exception):  # noqa: N818 - nobody can say what it is
    """An error that cannot be printed."""

    def __str__(self) -> str:
        """Fail."""
        raise ValueError

    __repr__ = __str__


def reject_unspeakably() -> None:
    raise Reject(Unspeakable())  # type: ignore[arg-type]  # a user's mistake


def raise_unspeakably() -> None:
    raise Unspeakable


@pytest.mark.parametrize(
    ("act", "status", "state"),
    [(raise_unspeakably, 503, State.WAITING), (reject_unspeakably, 200, State.REJECTED)],
)
def test_an_error_that_cannot_be_printed_is_recorded_as_a_failure(
    tasks: TaskBlueprint, act: Callable[[], None], status: int, state: State
):
    tasks.handler("odd")(act)
    app = app_with(tasks)
    assert deliver(app, "odd").status_code == status
    assert recorded(app).state is state
    assert "cannot be printed" in recorded(app).reason


@pytest.mark.parametrize("reason", ["\ud800", "x" * 10**6, "\0\r\n\x1b[31m", "", "é" * 5000])
@pytest.mark.parametrize("kind", [Retry, Reject, ValueError])
def test_an_odd_reason_of_retry_or_reject_is_cut_and_recorded(
    tasks: TaskBlueprint, kind: type[Exception], reason: str, caplog: pytest.LogCaptureFixture
):
    caplog.set_level(logging.CRITICAL, logger="taskhandler")  # xdist cannot pass half a surrogate on

    @tasks.handler("odd")
    def odd() -> None:
        raise kind(reason)

    app = app_with(tasks)
    response = deliver(app, "odd")
    assert response.status_code == (200 if kind is Reject else 503)
    assert len(response.data) < 200
    assert 0 < len(recorded(app).reason) <= 1000
    assert recorded(app).reason.isascii() or reason.startswith(("\ud800", "é", "x"))


def test_a_listener_that_raises_does_not_change_the_outcome(
    tasks: TaskBlueprint, caplog: pytest.LogCaptureFixture
):
    def shout(_: Flask, event: TaskEvent) -> None:
        raise RuntimeError(event.task)

    tasks.handler("quiet")(lambda _: 1)
    app = app_with(tasks)
    with signals.task_started.connected_to(shout, app), signals.task_completed.connected_to(shout, app):
        assert outcome(deliver(app, "quiet")) == (200, "completed")
    assert recorded(app).state is State.COMPLETED
    assert "shout" in caplog.text


def test_there_is_no_current_task_outside_of_a_handler(tasks: TaskBlueprint):
    seen: list[bool] = []

    def look(task: Task) -> None:
        other = threading.Thread(target=lambda: seen.append(running()))
        other.start()
        other.join()
        seen.append(current_task.id == task.id)

    tasks.handler("look")(look)
    app = app_with(tasks)
    assert outcome(deliver(app, "look")) == (200, "completed")
    assert seen == [False, True]  # a thread of the handler's own has none either
    assert not running()


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere so large a stack may be allowed")
def test_a_task_is_not_run_when_no_heartbeat_thread_can_be_started(tasks: TaskBlueprint):
    ran: list[int] = []
    tasks.handler("run")(lambda _: ran.append(1))
    app = app_with(tasks)
    app.extensions["taskhandler"].receiver.heartbeats.rest_and_wait(10)  # those of other tests' apps
    threading.stack_size(1 << 46)  # no thread can be started: the machine has no room for its stack
    try:
        assert outcome(deliver(app, "run")) == (503, "unavailable")
    finally:
        threading.stack_size(0)
    assert not running()
    assert recorded(app).state is State.RUNNING  # nor can it be given back: it lapses
    assert outcome(deliver(app, "run", retry=1)) == (429, "in-flight")
    assert outcome(deliver(app, "run", task="t2")) == (200, "completed")
    assert ran == [1]
