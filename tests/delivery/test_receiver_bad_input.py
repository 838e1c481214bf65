"""Bodies and handlers that misbehave: what comes back for each, and what the ledger holds afterwards."""

from __future__ import annotations

import logging
import sys
import threading
from collections.abc import Callable
from dataclasses import dataclass

import pytest
from flask import Flask

from taskhandler import Reject, Retry, Task, TaskBlueprint, TaskEvent, current_task, signals
from taskhandler.lifecycle.record import Record, State
from tests.web.local_app import app_with, dead_letter_of, deliver, outcome, record_of


@dataclass
class Order:
    """What a well-behaved body holds."""

    id: str
    cents: int = 0


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


def charging(tasks: TaskBlueprint, ran: list[object], *, on_invalid: str = "reject") -> Flask:
    """An app whose handler wants an order."""

    @tasks.handler("charge", on_invalid=on_invalid)
    def charge(order: Order) -> None:
        ran.append(order)

    return app_with(tasks)


BAD = {
    "not UTF-8": b'{"id": "\xff\xfe"}',
    "half a surrogate": b'{"id": "\\ud800"}',
    "not JSON": b"id=7",
    "truncated": b'{"id": "A7", "cen',
    "deep": b"[" * 100_000,
    "deep where a value is skipped": b'{"x": ' + b"[" * 100_000 + b"]" * 100_000 + b', "id": "a"}',
    "NaN": b'{"id": "a", "cents": NaN}',
    "Infinity": b'{"id": "a", "cents": Infinity}',
    "another type": b'{"id": 7}',
    "a number too large": b'{"id": "a", "cents": 1e400}',
    "a list": b'["A7"]',
    "a field missing": b'{"cents": 1}',
    "empty": b"",
    "blank": b" \n",
    "null": b"null",
    "two values": b'{"id": "a"} {"id": "b"}',
    "a NUL at the end": b'{"id": "a"}\0',
}


@pytest.mark.parametrize("body", BAD.values(), ids=BAD.keys())
def test_an_invalid_body_is_rejected_and_kept(tasks: TaskBlueprint, body: bytes):
    ran: list[object] = []
    app = charging(tasks, ran)
    response = deliver(app, "charge", body)
    assert outcome(response) == (200, "rejected")
    assert response.json == {"outcome": "rejected", "task": "t1", "attempt": 1}
    assert (recorded(app).state, recorded(app).attempt) == (State.REJECTED, 1)
    assert recorded(app).reason.startswith("invalid payload: ")
    dead_letter = dead_letter_of(app)
    assert dead_letter is not None
    assert dead_letter.content == body
    assert outcome(deliver(app, "charge", body, retry=1)) == (200, "duplicate")
    assert not ran


@pytest.mark.parametrize("body", [b"[" * 100_000, b"[1" * 100_000 + b"]" * 100_000, b'{"a":' * 50_000])
def test_a_body_nested_too_deeply_is_rejected_without_an_annotation_too(tasks: TaskBlueprint, body: bytes):
    tasks.handler("any")(lambda payload: payload)
    app = app_with(tasks)
    assert outcome(deliver(app, "any", body)) == (200, "rejected")
    assert recorded(app).state is State.REJECTED


def test_extra_fields_of_a_payload_are_ignored(tasks: TaskBlueprint):
    ran: list[object] = []
    app = charging(tasks, ran)
    assert outcome(deliver(app, "charge", b'{"id": "a", "more": [1, {"b": 2}]}')) == (200, "completed")
    assert ran == [Order("a")]


def test_an_invalid_body_is_retried_with_on_invalid_retry(tasks: TaskBlueprint):
    app = charging(tasks, [], on_invalid="retry")
    assert outcome(deliver(app, "charge", b"{")) == (503, "retry")
    assert (recorded(app).state, recorded(app).attempt) == (State.WAITING, 1)
    assert dead_letter_of(app) is None
    assert outcome(deliver(app, "charge", b"{", retry=1)) == (503, "retry")
    assert recorded(app).attempt == 2


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


def test_a_payload_changed_by_the_handler_is_still_the_same_task(tasks: TaskBlueprint):
    @tasks.handler("spoil")
    def spoil(payload: dict[str, list[int]]) -> None:
        payload["a"].clear()
        payload["b"] = [1]

    app = app_with(tasks)
    answers = [outcome(deliver(app, "spoil", b'{"a": [1]}', retry=retry)) for retry in (0, 1)]
    assert answers == [(200, "completed"), (200, "duplicate")]


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
