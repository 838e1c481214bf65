"""What logs and listeners get, and that nothing they do changes the outcome of a task."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest
from blinker import Signal

from taskhandler.delivery.notify import SILENCE_SECONDS, Notifier
from taskhandler.errors import Interrupted
from taskhandler.outcome import Outcome
from taskhandler.signals import (
    OF_OUTCOME,
    TaskEvent,
    task_completed,
    task_dead,
    task_fenced,
    task_refused,
    task_started,
)
from tests.test_task import a_task

APP = object()
DEAD = TaskEvent(
    outcome=Outcome.DEAD, handler="charge", queue="orders", task="t1", attempt=3, reason="ValueError: no card"
)
DONE = TaskEvent(outcome=Outcome.COMPLETED, handler="charge", queue="orders", task="t1", attempt=1)


@contextmanager
def heard(*signals: Signal) -> Iterator[list[tuple[str, TaskEvent]]]:
    """What is heard of the signals while the block lasts."""
    notified: list[tuple[str, TaskEvent]] = []
    listening = {signal: _listener(signal.name, notified) for signal in signals}  # type: ignore[attr-defined]  # they are named
    for signal, listener in listening.items():
        signal.connect(listener, APP)
    try:
        yield notified
    finally:
        for signal, listener in listening.items():
            signal.disconnect(listener, APP)


def _listener(name: str, notified: list[tuple[str, TaskEvent]]) -> Callable[..., None]:
    def listen(sender: object, *, event: TaskEvent) -> None:
        assert sender is APP
        notified.append((name, event))

    return listen


@contextmanager
def listening_badly(signal: Signal, error: BaseException) -> Iterator[None]:
    """A listener that raises at every event."""

    def listen(_sender: object, **_: object) -> None:
        raise error

    with signal.connected_to(listen, APP):
        yield


def test_the_start_of_a_task_sends_task_started():
    with heard(task_started) as notified:
        Notifier(APP, clock=lambda: 0.0).announce_start(a_task())
    event = TaskEvent(outcome=None, handler="charge", queue="orders", task="t1", attempt=3)
    assert notified == [("task-started", event)]


def test_an_event_without_an_outcome_sends_no_signal_of_an_outcome():
    with heard(*OF_OUTCOME.values()) as notified:
        Notifier(APP, clock=lambda: 0.0).announce_end(TaskEvent(outcome=None))
    assert notified == []


@pytest.mark.parametrize("outcome", Outcome)
def test_every_outcome_sends_its_own_signal_once(outcome: Outcome):
    event = TaskEvent(outcome=outcome)
    with heard(*set(OF_OUTCOME.values()), task_fenced, task_started) as notified:
        Notifier(APP, clock=lambda: 0.0).announce_end(event)
    assert notified == [(OF_OUTCOME[outcome].name, event)]  # type: ignore[attr-defined]  # they are named


def test_a_fenced_delivery_sends_task_fenced_beside_its_outcome():
    event = TaskEvent(outcome=Outcome.RETRY)
    with heard(OF_OUTCOME[Outcome.RETRY], task_fenced) as notified:
        Notifier(APP, clock=lambda: 0.0).announce_end(event, fenced=True)
    assert notified == [("task-retried", event), ("task-fenced", event)]


def test_listeners_of_another_app_are_not_called():
    with heard(task_completed, task_started) as notified:
        Notifier(object(), clock=lambda: 0.0).announce_end(DONE)
        Notifier(object(), clock=lambda: 0.0).announce_start(a_task())
    assert notified == []


def test_a_muted_signal_is_not_sent():
    with heard(task_completed, task_started) as notified, task_completed.muted(), task_started.muted():
        Notifier(APP, clock=lambda: 0.0).announce_end(DONE)
        Notifier(APP, clock=lambda: 0.0).announce_start(a_task())
    assert notified == []


@pytest.mark.parametrize("error", [ValueError("no"), Interrupted("draining")])
def test_a_listener_that_raises_or_stops_at_a_checkpoint_is_logged_and_the_others_are_called(
    error: Exception | Interrupted, caplog: pytest.LogCaptureFixture
):
    with heard(task_dead) as notified, listening_badly(task_dead, error):
        Notifier(APP, clock=lambda: 0.0).announce_end(DEAD)
    assert notified == [("task-dead", DEAD)]
    assert [line.exc_info[1] for line in caplog.records if line.exc_info and line.exc_info[1]] == [error]


async def listen_later(_sender: object, *, event: TaskEvent) -> None: ...


def test_an_async_listener_is_logged_since_it_is_not_awaited(caplog: pytest.LogCaptureFixture):
    with task_dead.connected_to(listen_later, APP):
        Notifier(APP, clock=lambda: 0.0).announce_end(DEAD)
    assert "listen_later" in caplog.text
    assert "the function's code has not run" in caplog.text


def test_system_exit_of_a_listener_goes_up():
    with listening_badly(task_dead, SystemExit(1)), pytest.raises(SystemExit):
        Notifier(APP, clock=lambda: 0.0).announce_end(DEAD)


@pytest.mark.parametrize("outcome", Outcome)
def test_every_outcome_is_logged_with_its_level(outcome: Outcome, caplog: pytest.LogCaptureFixture):
    quiet = {Outcome.COMPLETED, Outcome.CANCELLED, Outcome.DUPLICATE, Outcome.IN_FLIGHT}
    level = logging.INFO if outcome in quiet else logging.WARNING
    with caplog.at_level(logging.INFO, "taskhandler"):
        Notifier(APP, clock=lambda: 0.0).announce_end(TaskEvent(outcome=outcome))
    (line,) = caplog.records
    assert line.levelno == (logging.ERROR if outcome is Outcome.DEAD else level)
    assert line.getMessage() == f"{outcome.value}: task ? of queue ? for ?, attempt 0"


def test_the_line_of_an_outcome_names_the_task_and_the_reason(caplog: pytest.LogCaptureFixture):
    Notifier(APP, clock=lambda: 0.0).announce_end(DEAD)
    (line,) = caplog.records
    assert line.getMessage() == ("dead: task t1 of queue orders for charge, attempt 3: ValueError: no card")
    notified = {key: vars(line)[key] for key in ("outcome", "task", "queue", "handler", "attempt")}
    assert notified == {"outcome": "dead", "task": "t1", "queue": "orders", "handler": "charge", "attempt": 3}


def test_the_line_of_an_outcome_has_no_traceback_which_is_logged_apart(caplog: pytest.LogCaptureFixture):
    error, notifier = ValueError("no card"), Notifier(APP, clock=lambda: 0.0)
    notifier.announce_end(TaskEvent(outcome=Outcome.RETRY, error=error))
    notifier.log_error("/tasks/charge\n", error)
    assert [line.exc_info[1] if line.exc_info else None for line in caplog.records] == [None, error]
    assert caplog.records[1].getMessage() == "Exception on /tasks/charge [POST]"


class Unprintable(Exception):  # noqa: N818 - it is what it is
    def __str__(self) -> str:
        raise RuntimeError("no")


def test_an_error_that_cannot_be_printed_is_logged(caplog: pytest.LogCaptureFixture):
    Notifier(APP, clock=lambda: 0.0).log_error("/tasks/charge", Unprintable())
    assert "Unprintable" in caplog.text


def test_an_error_that_could_forge_a_line_is_logged_cleaned(caplog: pytest.LogCaptureFixture):
    Notifier(APP, clock=lambda: 0.0).log_error(
        "/tasks/charge", ValueError("no\n2026 CRITICAL forged \x1b[2J")
    )
    (line,) = caplog.records
    assert line.exc_info is None
    assert line.getMessage().endswith("\nValueError: no 2026 CRITICAL forged ?[2J")


def test_every_error_has_its_traceback(caplog: pytest.LogCaptureFixture):
    notifier = Notifier(APP, clock=lambda: 0.0)
    for _ in range(3):
        notifier.log_error("/tasks/charge", ValueError())
    assert len(caplog.records) == 3


def test_a_listener_that_raises_does_not_fill_the_logs(caplog: pytest.LogCaptureFixture):
    now = 0.0
    notifier = Notifier(APP, clock=lambda: now)
    with listening_badly(task_refused, ValueError("a\nb")):
        for number in range(50):
            notifier.announce_end(TaskEvent(outcome=Outcome.UNAUTHENTICATED, reason=f"r{number % 3}"))
        assert sum("failed" in line.getMessage() for line in caplog.records) == 1
        now = SILENCE_SECONDS
        notifier.announce_end(TaskEvent(outcome=Outcome.UNAUTHENTICATED))
    assert "failed (and 49 more before)" in caplog.records[-1].getMessage()


def test_a_warning_about_every_task_does_not_fill_the_logs(caplog: pytest.LogCaptureFixture):
    notifier = Notifier(APP, clock=lambda: 0.0)
    for _ in range(50):
        notifier.warn("charge", "the result is not kept")
    assert len(caplog.records) == 1


class Broken(logging.Handler):
    """A log that raises."""

    def emit(self, _record: logging.LogRecord) -> None:
        raise OSError("the disk is full")


@pytest.fixture
def broken_log() -> Iterator[None]:
    handler, logger = Broken(), logging.getLogger("taskhandler")
    logger.addHandler(handler)
    yield
    logger.removeHandler(handler)


@pytest.mark.usefixtures("broken_log")
def test_a_log_handler_that_raises_does_not_stop_the_notification():
    with heard(task_dead) as notified, listening_badly(task_dead, ValueError()):
        Notifier(APP, clock=lambda: 0.0).announce_end(DEAD)
    assert notified == [("task-dead", DEAD)]


def test_a_users_function_is_called_and_its_failure_logged(caplog: pytest.LogCaptureFixture):
    called: list[object] = []

    def fail(*arguments: object, **named: object) -> None:
        called.append((arguments, named))
        raise ValueError("no")

    Notifier(APP, clock=lambda: 0.0).call(fail, 1, named=2)
    assert called == [((1,), {"named": 2})]
    assert [line.levelno for line in caplog.records] == [logging.ERROR]


def test_a_listener_may_return_what_it_likes(caplog: pytest.LogCaptureFixture):
    Notifier(APP, clock=lambda: 0.0).call(lambda: ("later", 503))
    assert not caplog.records
