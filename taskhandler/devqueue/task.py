"""One task in a queue: what is to be sent, and what has come of it so far."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from taskhandler.devqueue.backoff import RetryPolicy
from taskhandler.devqueue.names import short

DEFAULT_DEADLINE = 600.0
# recorded from the real service for an attempt that got no response before its deadline
NO_RESPONSE = 504


@dataclass(frozen=True, slots=True)
class Oidc:
    """Whose token a delivery carries, and for whom it is made."""

    email: str
    audience: str


@dataclass(frozen=True, slots=True)
class Target:
    """The HTTP request that the producer asked for. `oauth`: with an access token (which is opaque)."""

    url: str
    method: str = "POST"
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""
    oidc: Oidc | None = None
    oauth: str | None = None


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back: a status, or None and the reason why nothing did."""

    status: int | None
    retry_after: str | None = None
    error: str | None = None

    @property
    def completes(self) -> bool:
        """Is the task done? Only 2xx says so."""
        return self.status is not None and 200 <= self.status <= 299  # noqa: PLR2004 - HTTP's own numbers

    @property
    def counted(self) -> bool:
        """Is it one of `X-CloudTasks-TaskExecutionCount`? 5xx and silence are not (recorded)."""
        return self.status is not None and self.status < 500  # noqa: PLR2004 - HTTP's own numbers


@dataclass(frozen=True, slots=True)
class Delivery:
    """One attempt, as its headers tell it. Times are seconds since 1970."""

    number: int
    eta: float
    execution_count: int
    previous: int | None
    sent: float


@dataclass(slots=True)
class QueuedTask:
    """A task with its history. Times are seconds since 1970, `deadline` is seconds.

    `generation` grows whenever the task is scheduled or taken, which makes an older entry in the line void.
    """

    name: str
    target: Target
    due: float
    created: float
    deadline: float = DEFAULT_DEADLINE
    retry: RetryPolicy | None = None
    generation: int = 0
    dispatches: int = 0
    responses: int = 0
    executions: int = 0
    previous: int | None = None
    first_sent: float | None = None
    last: Delivery | None = None
    last_ended: float | None = None
    last_answer: Answer | None = None

    @property
    def id(self) -> str:
        """The short id."""
        return short(self.name)

    def begin(self, now: float) -> Delivery:
        """Count one more dispatch and return what its headers say."""
        delivery = Delivery(self.dispatches, self.due, self.executions, self.previous, now)
        self.dispatches += 1
        if self.first_sent is None:
            self.first_sent = now
        self.last, self.last_ended, self.last_answer = delivery, None, None
        return delivery

    def end(self, delivery: Delivery, answer: Answer, now: float) -> None:
        """Note what the delivery was answered."""
        self.responses += answer.status is not None
        self.executions += answer.counted
        self.previous = answer.status if answer.status is not None else NO_RESPONSE
        if delivery is self.last:
            self.last_ended, self.last_answer = now, answer
