"""Tells logs and listeners the outcome of a delivery, once it is recorded and it is safe to fail."""

from __future__ import annotations

import logging
from collections.abc import Callable
from functools import partial

from blinker import Signal

from taskhandler.handlers.call import Raised, Returned, check_has_run, run
from taskhandler.log_throttle import LogThrottle, and_more
from taskhandler.outcome import Outcome
from taskhandler.signals import OF_OUTCOME, TaskEvent, task_fenced, task_started
from taskhandler.task import LOGGER, Task
from taskhandler.text import one_line
from taskhandler.throttled_log import log_error

LOG_LEVELS = {
    Outcome.COMPLETED: logging.INFO,
    Outcome.DUPLICATE: logging.INFO,
    Outcome.CANCELLED: logging.INFO,
    Outcome.IN_FLIGHT: logging.INFO,
    Outcome.DEAD: logging.ERROR,
}
"""Of a log line, by outcome; a warning for all others."""

FINAL_OUTCOMES = frozenset({Outcome.COMPLETED, Outcome.REJECTED, Outcome.DEAD, Outcome.CONFLICT})
"""Outcomes that a task has once: each is logged. The others may come with every delivery."""

SILENCE_SECONDS = 10.0
"""Between two log lines of one handler, outcome and reason."""


class Notifier:
    """One for all deliveries of an app.

    Args:
        sender: of the signals: the app.
        clock: seconds of a clock that never goes back.
    """

    def __init__(self, sender: object, *, clock: Callable[[], float]) -> None:
        self._sender = sender
        self._throttle = LogThrottle(seconds=SILENCE_SECONDS, clock=clock)

    def announce_start(self, task: Task) -> None:
        """The task is claimed, and its handler is about to be called."""
        if task_started.receivers:
            event = TaskEvent(
                outcome=None, handler=task.handler, queue=task.queue, task=task.id, attempt=task.attempt
            )
            self._send(task_started, event)

    def announce_end(self, event: TaskEvent, *, fenced: bool = False) -> None:
        """A delivery has come to `event.outcome`, which is recorded."""
        if event.outcome is None:
            return
        level = _choose_level(event.outcome, event.reason)
        left_out = self._count_left_out(event) if LOGGER.isEnabledFor(level) else None
        if left_out is not None:
            _log_event(level, event, left_out)
        for signal in (OF_OUTCOME[event.outcome], *((task_fenced,) if fenced else ())):
            if signal.receivers:
                self._send(signal, event)

    def warn(self, handler: str, warning: str) -> None:
        """Log what people should know about a handler, although it changes nothing."""
        left_out = self._throttle.count_left_out((handler, "warning"), warning)
        if left_out is not None:
            _log(logging.WARNING, "handler %s: %s%s", handler, warning, and_more(left_out))

    def call(self, function: Callable[..., object], *arguments: object, **named: object) -> None:
        """Call a user's function whose failure changes nothing, and log it if it fails."""
        called = run(partial(function, *arguments), named, check=check_has_run)
        if isinstance(called, Raised):
            self._log_failure(function, called.error)

    def _log_failure(self, function: Callable[..., object], error: BaseException) -> None:
        who = _find_name(function)
        left_out = self._throttle.count_left_out((who, "failed"), type(error).__qualname__)
        if left_out is not None:
            _log_error(error, "%s failed%s", who, and_more(left_out))

    def log_error(self, path: str, error: Exception) -> None:
        """Log the traceback of an error that was not logged elsewhere; never raises."""
        _log_error(error, "Exception on %s [POST]", one_line(path, limit=200))

    def warn_unguarded(self, path: str) -> None:
        """Warn of a delivery whose answer the app's hooks may change."""
        where = one_line(path, limit=200)
        if self._throttle.count_left_out((where, "unguarded")) is not None:
            _log(
                logging.WARNING,
                "a task for %s bypassed the guard: app.wsgi_app was replaced, or a middleware that was there "
                "before the blueprint passes on only a part of the request. Register the blueprint first, "
                "then wrap the app",
                where,
            )

    def _count_left_out(self, event: TaskEvent) -> int | None:
        if event.outcome in FINAL_OUTCOMES:
            return 0
        return self._throttle.count_left_out((event.outcome, event.handler), event.reason)

    def _send(self, signal: Signal, event: TaskEvent) -> None:
        if signal.is_muted:
            return
        for receiver in signal.receivers_for(self._sender):
            self.call(receiver, self._sender, event=event)


def _choose_level(outcome: Outcome, reason: str) -> int:
    unusual = outcome is Outcome.IN_FLIGHT and reason
    return logging.WARNING if unusual else LOG_LEVELS.get(outcome, logging.WARNING)


def _log_event(level: int, event: TaskEvent, left_out: int) -> None:
    outcome = "" if event.outcome is None else event.outcome.value
    _log(
        level,
        "%s: task %s of queue %s for %s, attempt %d%s%s",
        outcome,
        event.task or "?",
        event.queue or "?",
        event.handler or "?",
        event.attempt,
        f": {event.reason}" if event.reason else "",
        and_more(left_out),
        extra={
            "outcome": outcome,
            "task": event.task,
            "queue": event.queue,
            "handler": event.handler,
            "attempt": event.attempt,
        },
    )


def _log(level: int, message: str, *arguments: object, **named: object) -> None:
    run(partial(LOGGER.log, level, message, *arguments), named)  # a log that raises changes nothing either


def _log_error(error: BaseException, message: str, *arguments: object) -> None:
    run(
        partial(log_error, LOGGER, message, *arguments), {"error": error}
    )  # nor does one of an error's traceback


def _find_name(function: Callable[..., object]) -> str:
    """What a user's function is called, by a name that neither raises nor differs from call to call."""
    named = run(partial(getattr, function, "__qualname__", ""), {})
    found = named.value if isinstance(named, Returned) else ""
    return one_line(found or type(function).__qualname__, limit=200)
