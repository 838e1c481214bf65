"""The task, as a handler sees it."""

from __future__ import annotations

import logging
from collections.abc import Callable
from contextvars import ContextVar
from typing import Protocol

from msgspec import Struct

from taskhandler.errors import Interrupted

LOGGER = logging.getLogger("taskhandler")

CURRENT: ContextVar[Task] = ContextVar("taskhandler.current_task")
"""The task whose handler runs here; `taskhandler.current_task` is a proxy of it."""


class HeldLease(Protocol):
    """What a task must know of the lease that it runs under."""

    fenced: bool
    cancelled: bool

    def remaining(self) -> float:
        """Seconds that are left of it."""

    def renew(self) -> bool:
        """Extend it; whether it still is ours, as far as is known."""


class Headers(Protocol):
    """The request's headers, looked up whatever their case."""

    def get(self, key: str, /) -> str | None:
        """The header's value, or None."""


class Task(Struct, frozen=True, kw_only=True, eq=False):
    """One delivery of a task to its handler.

    Attributes:
        id: the task's short name, unique in its queue.
        queue: the queue's short name.
        handler: the handler's name.
        payload: what the body was decoded to.
        attempt: how often the task has been claimed, from 1. Lost and drained attempts count here.
        retry_count: deliveries before this one, as Cloud Tasks counts them.
        execution_count: answers before this one other than 5xx, as Cloud Tasks counts them.
        eta: when the task was due, in seconds since 1970; None if the header cannot be read.
        previous_response: the status of the delivery before, or None. 504 may mean that it still runs.
        retry_reason: empty for HTTP targets, as far as has been seen.
        is_last_attempt: a failure of this attempt is the task's death.
        fence: grows with every claim of the task; a resource that refuses lower ones cannot be
            written to by an attempt that was taken over.
        caller: the verified e-mail of the service account that delivered it.
        headers: all of the request's headers; look them up with `get`.
    """

    id: str
    queue: str
    handler: str
    payload: object
    attempt: int
    retry_count: int
    execution_count: int
    eta: float | None
    previous_response: int | None
    retry_reason: str
    is_last_attempt: bool
    fence: int
    caller: str
    headers: Headers
    _lease: HeldLease
    _is_draining: Callable[[], bool]

    @property
    def log(self) -> logging.LoggerAdapter[logging.Logger]:
        """A logger that adds queue, task, handler, attempt and fence to every line, as `extra`."""
        bound = {
            "task": self.id,
            "queue": self.queue,
            "handler": self.handler,
            "attempt": self.attempt,
            "fence": self.fence,
        }
        return logging.LoggerAdapter(LOGGER, bound)

    def remaining(self) -> float:
        """Seconds of the lease that are left; heartbeats extend it while the handler runs.

        None are left when the lease is known to be lost: what is done from then on may be done by
        another delivery too.
        """
        return self._lease.remaining()

    def heartbeat(self) -> bool:
        """Extend the lease now, rather than when the next heartbeat is due.

        Returns:
            Whether the lease still is ours, as far as is known.
        """
        return self._lease.renew()

    def checkpoint(self) -> None:
        """Stop here if there is a reason to; call it where the work can be left and begun again.

        Raises:
            Interrupted: the task was cancelled, the lease is lost, the worker is draining, or the lease
                has run out. A `BaseException`; let it pass. A drained attempt is not charged.
        """
        if self._lease.cancelled:
            raise Interrupted("cancelled")
        if self._lease.fenced:
            raise Interrupted("fenced")
        if self._is_draining():
            raise Interrupted("draining")
        if self._lease.remaining() <= 0:
            raise Interrupted("out of time")

    def __repr__(self) -> str:
        """Name the task, not its payload."""
        return f"<Task {self.queue}/{self.id} for {self.handler!r}, attempt {self.attempt}>"
