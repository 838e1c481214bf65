"""A task in a queue: the request to send, and the attempts so far."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from taskhandler.devqueue.backoff import RetryPolicy
from taskhandler.devqueue.names import short_id

DEFAULT_DEADLINE_SECONDS = 600.0
# recorded from the real service for an attempt that got no response before its deadline
NO_RESPONSE_STATUS = 504


@dataclass(frozen=True, slots=True)
class Oidc:
    """The account and the audience of a delivery's token."""

    email: str
    audience: str


@dataclass(frozen=True, slots=True)
class Target:
    """The HTTP request that the producer asked for. `oauth`: the account of an access token."""

    url: str
    method: str = "POST"
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""
    oidc: Oidc | None = None
    oauth: str | None = None


@dataclass(frozen=True, slots=True)
class Answer:
    """The receiver's answer: a status, or None and the reason why there is none."""

    status: int | None
    retry_after: str | None = None
    error: str | None = None

    @property
    def completes(self) -> bool:
        """Whether the task is completed: only by 2xx."""
        return self.status is not None and 200 <= self.status <= 299  # noqa: PLR2004 - HTTP's own numbers

    @property
    def counted(self) -> bool:
        """Whether `X-CloudTasks-TaskExecutionCount` counts it; 5xx and no answer it does not (recorded)."""
        return self.status is not None and self.status < 500  # noqa: PLR2004 - HTTP's own numbers


@dataclass(frozen=True, slots=True)
class Delivery:
    """One attempt, as its headers have it. Times are seconds since 1970."""

    number: int
    eta: float
    execution_count: int
    previous: int | None
    sent: float


@dataclass(slots=True)
class QueuedTask:
    """A task and its history. Times are seconds since 1970, `deadline` is seconds.

    `generation` grows whenever the task is scheduled or taken, which makes older schedule entries void.
    """

    name: str
    target: Target
    due: float
    created: float
    deadline: float = DEFAULT_DEADLINE_SECONDS
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
        return short_id(self.name)

    def begin(self, now: float) -> Delivery:
        """Count one more dispatch and return it."""
        delivery = Delivery(self.dispatches, self.due, self.executions, self.previous, now)
        self.dispatches += 1
        if self.first_sent is None:
            self.first_sent = now
        self.last, self.last_ended, self.last_answer = delivery, None, None
        return delivery

    def end(self, delivery: Delivery, answer: Answer, now: float) -> None:
        """Keep the answer of a delivery."""
        self.responses += answer.status is not None
        self.executions += answer.counted
        self.previous = answer.status if answer.status is not None else NO_RESPONSE_STATUS
        if delivery is self.last:
            self.last_ended, self.last_answer = now, answer
