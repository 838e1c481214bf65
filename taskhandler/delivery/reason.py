"""Why a delivery came to its outcome, in one line for logs and listeners. Pure."""

from __future__ import annotations

from taskhandler.delivery.ending import REASON, Ending
from taskhandler.lifecycle.record import State
from taskhandler.lifecycle.verdict import Conflict, Fenced, InFlight, Refused, Undecided, Verdict
from taskhandler.text import one_line


def reason_of(verdict: Verdict, ending: Ending | None, *, last: bool) -> str:
    """The reason; empty where the outcome says it all.

    Args:
        verdict: of the law.
        ending: what the attempt came to, if there was one.
        last: whether the queue will not deliver the task again.
    """
    match verdict:
        case InFlight() if last:
            return "it runs elsewhere; should that fail, no delivery comes after this one, the queue's last"
        case Undecided(why=why) | Refused(why=why):
            return one_line(f"the ledger: {why}", limit=REASON)
        case Fenced(ended=State.CANCELLED):
            return "the task was cancelled during this delivery"
        case Fenced():
            return "the lease was lost"
        case Conflict():
            return "a task of this name is known with another body; the body is kept as a dead letter"
        case _:
            return "" if ending is None else ending.reason
