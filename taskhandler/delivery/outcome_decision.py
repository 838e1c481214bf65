"""Decides the outcome of a delivery, and its reason; no other place does. Pure."""

from __future__ import annotations

from msgspec import Struct

from taskhandler.delivery.attempt import REASON_LIMIT_CHARACTERS, Ending
from taskhandler.lifecycle.record import State
from taskhandler.lifecycle.verdict import (
    AlreadyEnded,
    Completed,
    Conflict,
    Exhausted,
    Fenced,
    InFlight,
    Refused,
    Settled,
    Undecided,
    Verdict,
)
from taskhandler.outcome import Outcome
from taskhandler.text import one_line


class Conclusion(Struct, frozen=True):
    """The outcome of a delivery.

    Attributes:
        outcome: what it is answered with.
        reason: for people; empty where the outcome says it all.
        attempt: the attempt's number; 0 if the task was not run.
        after: seconds to the next delivery; None for the setting's.
        error: what the handler raised, if it did.
        is_error: whether the app's error handling should see the error, like any view's.
        is_fenced: whether the lease was lost.
    """

    outcome: Outcome
    reason: str
    attempt: int
    after: float | None
    error: Exception | None
    is_error: bool
    is_fenced: bool


def conclude(verdict: Verdict, ending: Ending | None, *, attempt: int, is_last: bool) -> Conclusion:
    """Decide the outcome of a delivery.

    Args:
        verdict: the state machine's last one; the body of a conflict must have been kept before.
        ending: how the attempt ended, if the task was run.
        attempt: its number when it was claimed.
        is_last: whether the queue will not deliver the task again.
    """
    ended = _NOT_RUN if ending is None else ending
    return Conclusion(
        choose_outcome(verdict, is_limited=ended.limited),
        choose_reason(verdict, is_last=is_last) or ended.reason,
        0 if ending is None else attempt,
        verdict.left if isinstance(verdict, InFlight) else ended.after,
        ended.error,
        ended.is_error,
        isinstance(verdict, Fenced),
    )


def choose_outcome(verdict: Verdict, *, is_limited: bool = False) -> Outcome:
    """The outcome of a delivery that ends with this verdict.

    Only a recorded end may become an outcome that is acknowledged.

    Args:
        verdict: of the state machine.
        is_limited: whether the handler asked for the whole queue to be slowed down.
    """
    match verdict:
        case Settled(state=state):
            return Outcome.RATE_LIMITED if is_limited and state is State.WAITING else _SETTLED[state]
        case AlreadyEnded(state=State.CANCELLED) | Fenced(ended=State.CANCELLED):
            return Outcome.CANCELLED
        case AlreadyEnded():
            return Outcome.DUPLICATE
        case Exhausted():
            return Outcome.DEAD
        case Fenced(ended=ended):
            return Outcome.RETRY if ended is None else Outcome.DUPLICATE
        case InFlight():
            return Outcome.IN_FLIGHT
        case Conflict():
            return Outcome.CONFLICT
        case _:
            return Outcome.UNAVAILABLE


def choose_reason(verdict: Verdict, *, is_last: bool) -> str:
    """Why, in one line for logs and listeners; empty where the outcome, or what the handler did, says it."""
    match verdict:
        case Settled():  # first, since most deliveries end here
            return ""
        case InFlight() if is_last:
            return "another delivery runs this task; none follows if it fails: this was the last attempt"
        case Undecided(why=why) | Refused(why=why):
            return one_line(f"ledger: {why}", limit=REASON_LIMIT_CHARACTERS)
        case Fenced(ended=State.CANCELLED):
            return "the task was cancelled during this delivery"
        case Fenced():
            return "the lease was lost"
        case Conflict():
            return "a task with this name had another body; this body is kept as a dead letter"
        case _:
            return ""


_NOT_RUN = Ending(Completed())
_SETTLED = {
    State.COMPLETED: Outcome.COMPLETED,
    State.REJECTED: Outcome.REJECTED,
    State.DEAD: Outcome.DEAD,
    State.CANCELLED: Outcome.CANCELLED,
    State.WAITING: Outcome.RETRY,
    State.RUNNING: Outcome.RETRY,
}
