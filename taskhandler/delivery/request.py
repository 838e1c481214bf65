"""A delivery as it arrives: what the blueprint hands in, and what is known before the ledger is asked."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from msgspec import Struct

from taskhandler.auth.verifier import Caller
from taskhandler.delivery.ending import Chances
from taskhandler.delivery.headers import TaskHeaders
from taskhandler.delivery.reply import Reply, Unreadable
from taskhandler.handlers.handler import Handler
from taskhandler.ledger.lease import Lease
from taskhandler.ledger.storage import Letter
from taskhandler.lifecycle.rules import is_last
from taskhandler.task import Headers, Task


class Incoming(Struct, frozen=True):
    """A request: what a delivery needs of it.

    Attributes:
        handler: the handler that it is for.
        call: the handler's function, ready to be called (an async one made synchronous).
        headers: looked up by name, in any case.
        body: reads the body; not called before the caller is known.
    """

    handler: Handler[Any, Any]
    call: Callable[..., object]
    headers: Headers
    body: Callable[[], bytes | Unreadable]


class Delivered(Struct, frozen=True):
    """The reply to a delivery, and the handler's error, which the app is to see like any view's."""

    reply: Reply
    error: Exception | None = None


class Delivery(Struct, frozen=True):
    """What is known of a delivery that was accepted, before the ledger is asked about it."""

    handler: Handler[Any, Any]
    caller: Caller
    about: TaskHeaders
    headers: Headers
    body: bytes
    letter: Letter
    lease: Lease
    chances: Chances

    def __repr__(self) -> str:
        """Without the body: error trackers send what the variables of a frame print."""
        return f"Delivery(handler={self.handler!r}, about={self.about!r}, letter={self.letter!r})"

    def __rich_repr__(self) -> list[tuple[str, object]]:
        """The same for tracebacks of rich, which would print the fields."""
        return [("handler", self.handler), ("about", self.about), ("letter", self.letter)]

    def task(self, payload: object, *, draining: Callable[[], bool]) -> Task:
        """The task as its handler sees it."""
        about, chances, found = self.about, self.chances, self.lease.found
        return Task(
            id=about.task,
            queue=about.queue,
            handler=self.handler.name,
            payload=payload,
            attempt=0 if found is None else found.record.attempt,
            retry_count=about.retry_count,
            execution_count=about.execution_count,
            eta=about.eta,
            previous_response=about.previous_response,
            retry_reason=about.retry_reason,
            is_last_attempt=chances.last
            or (found is not None and is_last(found.record, max_attempts=chances.max_attempts)),
            fence=0 if found is None else found.record.fence,
            caller=self.caller.email,
            headers=self.headers,
            hold=self.lease,
            draining=draining,
        )
