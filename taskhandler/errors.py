"""Everything that taskhandler raises, split by who has to act.

The tree::

TaskHandlerError
├── ConfigError         the operator's: a setting is missing or wrong; raised at start-up
├── UsageError          the programmer's: the API was called in a way that cannot work
├── EnqueueError        the producer's: a task could not be created
├── LedgerError         the ledger's: it cannot be opened or read
└── Steering            what a handler asks of the queue
    ├── Retry           not now: deliver again
    ├── RateLimited     not now, and slow the whole queue down
    └── Reject          never: record it and stop
BaseException
└── Interrupted         raised at a checkpoint of a handler that is to stop
"""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated, Any, cast

from taskhandler.text import mask_url
from taskhandler.validation import check, is_number, seconds

LONGEST_AFTER_SECONDS = 10**9
"""Thirty years: a bound for what makes sense. It is Cloud Tasks that decides."""

After = Annotated[float, seconds(0, LONGEST_AFTER_SECONDS)]

LEDGER_KEY = "TASKHANDLER_LEDGER"
"""The setting that each storage names in its errors."""

MASKED_KEYS = frozenset({"TASK_TARGET_URL", "TASKHANDLER_CERTS_URL", LEDGER_KEY})
"""Settings whose value is a URL that may hold a password."""


class TaskHandlerError(Exception):
    """The root of every error of this package."""


class ConfigError(TaskHandlerError):
    """A setting is missing or wrong. Carries the key and the value, of which the message masks passwords."""

    def __init__(self, key: str, value: object, problem: str, *, remedy: str = "") -> None:
        """Say which `key` with which `value` has what `problem`, and the remedy."""
        self.key = key
        self.value = value
        self.problem = problem
        self.remedy = remedy
        masked = mask_url(value) if isinstance(value, str) and key in MASKED_KEYS else value
        shown = "is not set" if value is None else f"= {masked!r}"
        super().__init__(f"{key} {shown}: {problem}" + (f". {remedy}" if remedy else ""))


class UsageError(TaskHandlerError):
    """The API was called in a way that cannot work; the message says what to write instead."""


class EnqueueError(TaskHandlerError):
    """A task could not be created. The cause is the error of the Cloud Tasks client."""


class LedgerError(TaskHandlerError):
    """The ledger cannot be opened or read. Never raised on the path of a delivery, which answers 503."""


class Steering(TaskHandlerError):  # noqa: N818 - what it asks for is not always an error
    """What a handler raises to say what should happen to its task."""

    reason: str = ""  # for subclasses whose __init__ does not call ours


class Retry(Steering):
    """Raised by a handler: this attempt failed, deliver the task again.

    Args:
        reason: for the logs and the record.
        after: seconds or a timedelta, sent as `Retry-After`. Cloud Tasks "considers" it; its own backoff
            decides.
    """

    after: float | timedelta | None = None

    def __init__(self, reason: str = "", *, after: float | timedelta | None = None) -> None:
        """See the class."""
        super().__init__(reason)
        self.reason = _check_reason(type(self), reason)
        self.after = _check_after(type(self), after)


class RateLimited(Steering):
    """Raised by a handler: something downstream is limiting us; slow the whole queue down (429).

    Args:
        reason: for the logs and the record.
        after: seconds or a timedelta, sent as `Retry-After`.
    """

    after: float | timedelta | None = None

    def __init__(self, reason: str = "", *, after: float | timedelta | None = None) -> None:
        """See the class."""
        super().__init__(reason)
        self.reason = _check_reason(type(self), reason)
        self.after = _check_after(type(self), after)


def retry_after(asked: Retry | RateLimited) -> float | None:
    """`asked.after` in seconds; None also where a subclass has put something else there."""
    try:
        return cast("float", check(asked.after, After))
    except ValueError:
        return None


class Reject(Steering):
    """Raised by a handler: this task can never succeed. Recorded with its body, never run again."""

    def __init__(self, reason: str = "") -> None:
        """`reason` is kept in the record and in the logs."""
        super().__init__(reason)
        self.reason = _check_reason(type(self), reason)


class Interrupted(BaseException):
    """Raised by `Task.checkpoint()`: the task is cancelled, the lease lost, the worker draining, or time out.

    A `BaseException`, so that `except Exception` in a handler does not swallow it.
    """

    def __init__(self, why: str) -> None:
        """`why` is `"cancelled"`, `"fenced"`, `"draining"` or `"out of time"`."""
        super().__init__(why)
        self.why = why


def _check_reason(word: type[Steering], reason: Any) -> str:  # noqa: ANN401 - what users write
    if isinstance(reason, str | BaseException):  # an error may stand for its message
        return cast("str", reason)
    if (is_number(reason) or isinstance(reason, timedelta)) and hasattr(word, "after"):
        raise UsageError(f"{word.__name__}({reason!r}): the reason comes first. Write after={reason!r}")
    raise UsageError(
        f"{word.__name__}: the reason must be a string or an error, not of type {type(reason).__name__}"
    )


def _check_after(word: type[Steering], after: object) -> float | None:
    if after is None:
        return None
    try:
        return cast("float", check(after, After))
    except ValueError as error:
        raise UsageError(f"{word.__name__}(after={after!r}): {error}") from None
