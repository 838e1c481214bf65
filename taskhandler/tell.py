"""Tells logs and listeners what has become of a delivery, once it is recorded and safe to fail."""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Callable
from functools import partial

from blinker import Signal

from taskhandler.errors import Steering
from taskhandler.handlers import Raised, run
from taskhandler.reply import Outcome
from taskhandler.signals import OF_OUTCOME, TaskEvent, task_fenced, task_started
from taskhandler.task import LOGGER, Task

LEVEL = {
    Outcome.COMPLETED: logging.INFO,
    Outcome.DUPLICATE: logging.INFO,
    Outcome.IN_FLIGHT: logging.INFO,
    Outcome.DEAD: logging.ERROR,
}
"""Of a log line, by outcome; a warning for all others."""


SILENCE = 1.0
"""Seconds between two log lines about strangers who came to the same: they are not to fill the logs."""


class Teller:
    """One for all deliveries of an app.

    Args:
        sender: of the signals: the app.
        clock: seconds of a clock that never goes back.
    """

    def __init__(self, sender: object, *, clock: Callable[[], float]) -> None:
        self._sender = sender
        self._clock = clock
        self._silent_until: dict[Outcome, float] = {}
        self._unsaid: Counter[Outcome] = Counter()

    def started(self, task: Task) -> None:
        """The task is claimed, and its handler is about to be called."""
        if task_started.receivers:
            event = TaskEvent(
                outcome=None, handler=task.handler, queue=task.queue, task=task.id, attempt=task.attempt
            )
            self._send(task_started, event)

    def ended(self, event: TaskEvent, *, fenced: bool = False) -> None:
        """A delivery has come to `event.outcome`, which is recorded."""
        if event.outcome is None:
            return
        level = LEVEL.get(event.outcome, logging.WARNING)
        if LOGGER.isEnabledFor(level) and (event.task or self._is_worth_a_line(event.outcome)):
            _log_event(level, event, unsaid=0 if event.task else self._unsaid.pop(event.outcome, 0))
        for signal in (OF_OUTCOME[event.outcome], *((task_fenced,) if fenced else ())):
            if signal.receivers:
                self._send(signal, event)

    def warn(self, handler: str, warning: str) -> None:
        """Say what people should know of a handler, although it changes nothing."""
        _log(logging.WARNING, "handler %s: %s", handler, warning)

    def call(self, function: Callable[..., object], *arguments: object, **named: object) -> None:
        """Call a user's function whose failure changes nothing, and log it if it fails."""
        called = run(partial(function, *arguments), named)
        if isinstance(called, Raised):
            _log(logging.ERROR, "%r failed", function, exc_info=called.error)

    def _is_worth_a_line(self, outcome: Outcome) -> bool:
        now = self._clock()
        if now < self._silent_until.get(outcome, now):
            self._unsaid[outcome] += 1
            return False
        self._silent_until[outcome] = now + SILENCE
        return True

    def _send(self, signal: Signal, event: TaskEvent) -> None:
        if signal.is_muted:
            return
        for receiver in signal.receivers_for(self._sender):
            self.call(receiver, self._sender, event=event)


def _log_event(level: int, event: TaskEvent, *, unsaid: int) -> None:
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
        f" (and {unsaid} more before)" if unsaid else "",
        exc_info=None if level <= logging.INFO or isinstance(event.error, Steering) else event.error,
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
