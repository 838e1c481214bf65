"""A delivery as it arrives: what the blueprint hands in, and what is known before the ledger is asked."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from msgspec import Struct

from taskhandler.auth.verifier import Caller
from taskhandler.delivery.attempt import AttemptBudget
from taskhandler.delivery.headers import TaskHeaders
from taskhandler.delivery.reply import Refusal, Reply
from taskhandler.handlers.handler import Handler
from taskhandler.ledger.lease import Lease
from taskhandler.ledger.storage import Key, TaskBody
from taskhandler.lifecycle.rules import Claim
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
    body: Callable[[], TaskBody | Refusal]


class Delivered(Struct, frozen=True):
    """The reply to a delivery, and the handler's error, which the app is to see like any view's."""

    reply: Reply
    error: Exception | None = None


class Delivery(Struct, frozen=True):
    """What is known of a delivery that was accepted, before the ledger is asked about it.

    `is_last`: the queue will not deliver the task again.
    """

    handler: Handler[Any, Any]
    caller: Caller
    task_headers: TaskHeaders
    headers: Headers
    body: TaskBody
    key: Key
    claim: Claim
    lease: Lease
    is_last: bool

    @property
    def budget(self) -> AttemptBudget:
        """What decides whether a failure of this delivery is final."""
        return AttemptBudget(last=self.is_last, max_attempts=self.claim.max_attempts)

    def __repr__(self) -> str:
        """Without the body: error trackers send what the variables of a frame print."""
        return f"Delivery(handler={self.handler!r}, headers={self.task_headers!r}, body={self.body!r})"

    def __rich_repr__(self) -> list[tuple[str, object]]:
        """The same for tracebacks of rich, which would print the fields."""
        return [("handler", self.handler), ("headers", self.task_headers), ("body", self.body)]

    def build_task(self, payload: object, *, draining: Callable[[], bool]) -> Task:
        """The task as its handler sees it."""
        task_headers, snapshot = self.task_headers, self.lease.snapshot
        return Task(
            id=task_headers.task,
            queue=task_headers.queue,
            handler=self.handler.name,
            payload=payload,
            attempt=0 if snapshot is None else snapshot.record.attempt,
            retry_count=task_headers.retry_count,
            execution_count=task_headers.execution_count,
            eta=task_headers.eta,
            previous_response=task_headers.previous_response,
            retry_reason=task_headers.retry_reason,
            is_last_attempt=self.is_last
            or (snapshot is not None and snapshot.record.is_last(max_attempts=self.claim.max_attempts)),
            fence=0 if snapshot is None else snapshot.record.fence,
            caller=self.caller.email,
            headers=self.headers,
            _lease=self.lease,
            _is_draining=draining,
        )
