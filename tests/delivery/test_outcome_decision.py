"""The outcome of a delivery and its reason; nothing is acknowledged that is not recorded."""

from __future__ import annotations

import pytest

from taskhandler.delivery.attempt import REASON_LIMIT_CHARACTERS, Ending
from taskhandler.delivery.outcome_decision import Conclusion, choose_outcome, choose_reason, conclude
from taskhandler.lifecycle.record import TERMINAL, State
from taskhandler.lifecycle.verdict import (
    AlreadyEnded,
    Completed,
    Conflict,
    Exhausted,
    Failed,
    Fenced,
    InFlight,
    Refused,
    Renewed,
    Run,
    Settled,
    StepBegun,
    Undecided,
    Verdict,
)
from taskhandler.outcome import Outcome

ERROR = ValueError("no")


@pytest.mark.parametrize(
    ("verdict", "outcome"),
    [
        (Settled(State.COMPLETED), Outcome.COMPLETED),
        (Settled(State.REJECTED), Outcome.REJECTED),
        (Settled(State.DEAD), Outcome.DEAD),
        (Settled(State.CANCELLED), Outcome.CANCELLED),
        (Settled(State.WAITING), Outcome.RETRY),
        (Settled(State.RUNNING), Outcome.RETRY),
        *(
            (AlreadyEnded(state, on_dead_called=called), Outcome.DUPLICATE)
            for state in sorted(TERMINAL - {State.CANCELLED})
            for called in (False, True)
        ),
        *((Fenced(state), Outcome.DUPLICATE) for state in sorted(TERMINAL - {State.CANCELLED})),
        (AlreadyEnded(State.CANCELLED, on_dead_called=False), Outcome.CANCELLED),
        (Fenced(State.CANCELLED), Outcome.CANCELLED),
        (Fenced(None), Outcome.RETRY),
        (Exhausted(), Outcome.DEAD),
        (InFlight(3.0), Outcome.IN_FLIGHT),
        (Conflict(), Outcome.CONFLICT),
        (Undecided("x"), Outcome.UNAVAILABLE),
        (Refused("x"), Outcome.UNAVAILABLE),
        (Run(), Outcome.UNAVAILABLE),
        (Renewed(), Outcome.UNAVAILABLE),
        (StepBegun("1"), Outcome.UNAVAILABLE),
    ],
)
def test_every_verdict_has_its_outcome(verdict: Verdict, outcome: Outcome):
    assert choose_outcome(verdict) is outcome


@pytest.mark.parametrize(
    ("verdict", "outcome"),
    [
        (Settled(State.WAITING), Outcome.RATE_LIMITED),
        (Settled(State.DEAD), Outcome.DEAD),
        (Fenced(None), Outcome.RETRY),
        (Fenced(State.COMPLETED), Outcome.DUPLICATE),
        (Undecided("down"), Outcome.UNAVAILABLE),
    ],
)
def test_rate_limited_is_answered_only_if_the_task_is_waiting(verdict: Verdict, outcome: Outcome):
    assert choose_outcome(verdict, is_limited=True) is outcome


@pytest.mark.parametrize(
    ("verdict", "is_last", "reason"),
    [
        (Undecided("down"), False, "ledger: down"),
        (Refused("too large"), False, "ledger: too large"),
        (Fenced(None), False, "the lease was lost"),
        (Fenced(State.COMPLETED), False, "the lease was lost"),
        (Fenced(State.CANCELLED), False, "the task was cancelled during this delivery"),
        (Conflict(), False, "a task with this name had another body; this body is kept"),
        (InFlight(3.0), False, ""),
        (InFlight(3.0), True, "another delivery runs this task; none follows if it fails"),
        (Settled(State.COMPLETED), False, ""),
    ],
)
def test_each_verdict_has_its_reason(verdict: Verdict, is_last: bool, reason: str):  # noqa: FBT001 - a parameter of the test
    said = choose_reason(verdict, is_last=is_last)
    assert said.startswith(reason)
    assert bool(said) == bool(reason)


@pytest.mark.parametrize("kind", [Undecided, Refused])
def test_text_of_a_storage_becomes_one_bounded_line(kind: type[Undecided | Refused]):
    said = choose_reason(kind("down\n2026 CRITICAL forged\x1b[2J" + "x" * 10**6), is_last=False)
    assert said.isprintable()
    assert len(said) <= REASON_LIMIT_CHARACTERS


def test_a_delivery_that_ran_the_task_has_its_attempt_and_the_handlers_reason():
    ending = Ending(Failed("no"), ERROR, after=3.0)
    assert conclude(Settled(State.WAITING), ending, attempt=2, is_last=False) == Conclusion(
        Outcome.RETRY, "no", 2, 3.0, ERROR, is_error=True, is_fenced=False
    )


def test_a_rate_limited_failure_has_the_outcome_rate_limited():
    ending = Ending(Failed("no"), ERROR, limited=True)
    assert conclude(Settled(State.WAITING), ending, attempt=1, is_last=False).outcome is Outcome.RATE_LIMITED


def test_the_reason_of_a_fenced_delivery_is_the_lost_lease_and_not_the_handlers():
    concluded = conclude(Fenced(None), Ending(Failed("no"), ERROR), attempt=1, is_last=False)
    assert (concluded.reason, concluded.is_fenced, concluded.error) == ("the lease was lost", True, ERROR)


def test_a_delivery_that_did_not_run_the_task_has_no_attempt():
    assert conclude(
        AlreadyEnded(State.DEAD, on_dead_called=True), None, attempt=5, is_last=True
    ) == Conclusion(Outcome.DUPLICATE, "", 0, None, None, is_error=False, is_fenced=False)


def test_a_delivery_in_flight_is_retried_when_the_lease_is_over():
    assert conclude(InFlight(3.5), None, attempt=1, is_last=False).after == 3.5


def test_a_completed_delivery_needs_no_reason():
    assert conclude(Settled(State.COMPLETED), Ending(Completed()), attempt=1, is_last=False).reason == ""
