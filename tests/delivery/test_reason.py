"""Why a delivery came to its outcome."""

from __future__ import annotations

import pytest

from taskhandler.delivery.ending import REASON, Ending
from taskhandler.delivery.reason import reason_of
from taskhandler.lifecycle.record import State
from taskhandler.lifecycle.verdict import (
    Completed,
    Conflict,
    Fenced,
    InFlight,
    Refused,
    Settled,
    Undecided,
    Verdict,
)


@pytest.mark.parametrize(
    ("verdict", "last", "reason"),
    [
        (Undecided("down"), False, "the ledger: down"),
        (Refused("too large"), False, "the ledger: too large"),
        (Fenced(None), False, "the lease was lost"),
        (Fenced(State.COMPLETED), False, "the lease was lost"),
        (Fenced(State.CANCELLED), False, "the task was cancelled during this delivery"),
        (Conflict(), False, "a task of this name is known with another body; the body is kept"),
        (InFlight(3.0), False, ""),
        (InFlight(3.0), True, "it runs elsewhere; should that fail, no delivery comes after this one"),
        (Settled(State.COMPLETED), False, ""),
    ],
)
def test_each_verdict_has_its_reason(verdict: Verdict, last: bool, reason: str):  # noqa: FBT001 - a parameter of the test
    said = reason_of(verdict, None, last=last)
    assert said.startswith(reason)
    assert bool(said) == bool(reason)


def test_an_attempt_gives_its_own_reason():
    ending = Ending(Completed(), "as it was")
    assert reason_of(Settled(State.COMPLETED), ending, last=True) == "as it was"
    assert reason_of(Fenced(None), ending, last=True) == "the lease was lost"


@pytest.mark.parametrize("kind", [Undecided, Refused])
def test_what_a_storage_says_is_one_bounded_line(kind: type[Undecided | Refused]):
    said = reason_of(kind("down\n2026 CRITICAL forged\x1b[2J" + "x" * 10**6), None, last=False)
    assert said.isprintable()
    assert len(said) <= REASON
