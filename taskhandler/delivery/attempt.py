"""What it means for a task that its handler returned or raised this or that. Pure."""

from __future__ import annotations

from msgspec import Struct

from taskhandler.errors import Interrupted, RateLimited, Reject, Retry, Steering, UsageError, retry_after
from taskhandler.handlers.call import Raised, Returned
from taskhandler.handlers.payload import PayloadCodeError, PayloadError
from taskhandler.handlers.payload_reason import describe_raised
from taskhandler.handlers.result import Dropped, encode_result
from taskhandler.lifecycle.verdict import Completed, Disposition, Drained, Failed, Rejected
from taskhandler.text import one_line

REASON_LIMIT_CHARACTERS = 1000
"""Characters of a reason that are kept in the record."""


class AttemptBudget(Struct, frozen=True, gc=False):
    """What decides whether a failure is final: is it the queue's last delivery, and the limit of attempts."""

    last: bool
    max_attempts: int | None


class Ending(Struct, frozen=True):
    """How an attempt ended.

    Attributes:
        disposition: what is written down.
        error: what was raised, if anything was.
        after: seconds, where the handler said when to come back.
        limited: whether the whole queue is to be slowed down.
        warning: what people should know, although it changes nothing.
    """

    disposition: Disposition
    error: Exception | None = None
    after: float | None = None
    limited: bool = False
    warning: str = ""

    @property
    def reason(self) -> str:
        """Why, for people; empty where the task is completed."""
        if isinstance(self.disposition, Completed):
            return ""
        return "drained" if isinstance(self.disposition, Drained) else self.disposition.reason

    @property
    def is_error(self) -> bool:
        """Whether this is an error that the app's error handling should see, like any view's."""
        return self.error is not None and not isinstance(self.error, Steering | PayloadError)


def end_attempt(ran: Returned | Raised, budget: AttemptBudget) -> Ending:
    """What it means that the handler returned or raised this."""
    if isinstance(ran, Returned):
        return end_with_value(ran.value)
    error = ran.error
    if isinstance(error, Interrupted):
        return end_at_checkpoint(error, budget)
    if isinstance(error, Steering):
        error.__traceback__ = None  # an instance that is raised again and again would keep each payload
    return end_with_error(error, budget)


def end_with_value(value: object) -> Ending:
    """The handler returned `value`: the task is completed, whether or not JSON can hold the value."""
    result = encode_result(value)
    if isinstance(result, Dropped):
        return Ending(Completed(), warning=f"the result is not kept: {result.why}")
    return Ending(Completed(result))


def end_with_error(error: Exception, budget: AttemptBudget) -> Ending:
    """The handler raised `error`."""
    if isinstance(error, Reject):
        reason = _clean(error.reason) or "rejected"
        return Ending(Rejected(reason), error)
    if isinstance(error, RateLimited | Retry):
        asked = f"the handler raised it ({type(error).__name__})"
        reason = _clean(error.reason) or asked
        limited = isinstance(error, RateLimited)
        return Ending(_fail(reason, budget), error, retry_after(error), limited)
    reason = one_line(f"{type(error).__name__}: {_clean(error)}", limit=REASON_LIMIT_CHARACTERS)
    return Ending(_fail(reason, budget), error)


def _clean(said: object) -> str:
    """What was said, fit to be kept; not in a validator's own words, which quote the payload."""
    reason = describe_raised(said) if isinstance(said, Exception) else None
    return one_line(said if reason is None else reason, limit=REASON_LIMIT_CHARACTERS)


def end_with_invalid_payload(error: PayloadError, budget: AttemptBudget, *, on_invalid: str) -> Ending:
    """The body could not be made the handler's payload; a failure if that may not be the body's fault."""
    if isinstance(error, PayloadCodeError):
        return Ending(_fail(error.reason, budget), error)
    reason = one_line(f"invalid payload: {error}", limit=REASON_LIMIT_CHARACTERS)
    if on_invalid == "retry":
        return Ending(_fail(reason, budget), error)
    return Ending(Rejected(reason), error)


def end_at_checkpoint(why: Interrupted, budget: AttemptBudget) -> Ending:
    """The handler stopped at a checkpoint."""
    if why.why == "draining":
        return Ending(Drained(last=budget.last))
    reason = one_line(f"stopped at a checkpoint: {why.why}", limit=REASON_LIMIT_CHARACTERS)
    return Ending(_fail(reason, budget))


def end_with_exit(error: BaseException, budget: AttemptBudget, *, draining: bool) -> Ending:
    """The worker is ending in the middle of the handler (a time-out, an exit).

    gunicorn stops a worker first and then tells its handler: with exit status 0 if the worker is to end,
    with 1 if the handler has had its time (gunicorn 23 to 27), which is charged.
    """
    if draining and not getattr(error, "code", None):
        return Ending(Drained(last=budget.last))
    reason = f"{type(error).__name__} stopped the worker"
    return Ending(_fail(reason, budget))


def end_with_refusal(why: str, budget: AttemptBudget) -> Ending:
    """The storage refuses the completion: the handler asked it for a write that cannot be done."""
    reason = one_line(f"the ledger refused the completion: {why}", limit=REASON_LIMIT_CHARACTERS)
    return Ending(_fail(reason, budget), UsageError(reason))


def _fail(reason: str, budget: AttemptBudget) -> Failed:
    return Failed(reason, last=budget.last, max_attempts=budget.max_attempts)
