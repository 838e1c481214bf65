"""May this delivery run its task? T1 to T8, T16 and T17 of docs/state-machine.md."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from taskhandler.lifecycle.record import TERMINAL, State, Step
from taskhandler.lifecycle.verdict import AlreadyEnded, Conflict, Exhausted, InFlight, Run, Transition
from tests.lifecycle.samples import CLAIM, OURS, THEIRS, snapshot, written


def test_the_first_delivery_of_a_task_runs_it():  # T1
    assert CLAIM(None) == Transition(OURS, Run())


def test_a_waiting_task_is_claimed_with_the_lease_and_retention_of_the_claimant():  # T2
    seen = replace(THEIRS, state=State.WAITING, reason="boom", history=("3 failed: boom",), drained=1)
    claimed = replace(
        seen, state=State.RUNNING, attempt=4, fence=5, lease_id="mine", lease=30.0, retention=900.0
    )
    assert CLAIM(snapshot(seen)) == Transition(claimed, Run())


def test_a_live_lease_is_not_taken_over_and_the_verdict_says_what_is_left_of_it():  # T3
    assert CLAIM(snapshot(THEIRS, age=19.5)) == Transition(None, InFlight(0.5))


def test_a_lease_is_taken_over_exactly_when_it_lapses():  # T4
    taken = replace(OURS, attempt=4, fence=5, history=("3 lost",))
    assert CLAIM(snapshot(THEIRS, age=20.0)) == Transition(taken, Run())


@pytest.mark.parametrize("age", [0.0, 29.0, 31.0])
def test_a_claim_whose_reply_was_lost_is_recognised_whatever_its_age(age: float):  # T5
    assert CLAIM(snapshot(OURS, age=age)) == Transition(None, Run())


@pytest.mark.parametrize("called", [False, True])
@pytest.mark.parametrize("state", sorted(TERMINAL))
def test_a_task_that_has_ended_is_not_run_again(state: State, called: bool):  # noqa: FBT001 - a parameter of the test  # T6
    ended = replace(THEIRS, state=state, on_dead_called=called)
    assert CLAIM(snapshot(ended, age=799.9)) == Transition(None, AlreadyEnded(state, on_dead_called=called))


@pytest.mark.parametrize("state", sorted(set(State) - {State.CANCELLED}))
def test_another_body_under_the_same_name_never_runs(state: State):  # T7
    assert CLAIM(snapshot(replace(THEIRS, state=state, digest="e"), age=700.0)) == Transition(
        None, Conflict()
    )


def test_a_cancelled_task_never_runs_whatever_its_body():  # T17 before T7
    cancelled = replace(THEIRS, state=State.CANCELLED, digest="e")
    ended = AlreadyEnded(State.CANCELLED, on_dead_called=False)
    assert CLAIM(snapshot(cancelled, age=799.9)) == Transition(None, ended)


def test_a_task_that_was_reset_before_any_body_was_known_takes_the_first_body():  # T2
    seen = replace(THEIRS, state=State.WAITING, attempt=0, fence=0, lease=0.0, digest="", handler="?")
    claimed = replace(OURS, attempt=1, fence=1)
    assert CLAIM(snapshot(seen)) == Transition(claimed, Run())


def test_a_task_whose_attempts_are_all_lost_is_dead():  # T8
    step = replace(CLAIM, max_attempts=3)(snapshot(THEIRS, age=20.0))
    why = "every attempt lost its worker"
    dead = replace(THEIRS, state=State.DEAD, lease_id="mine", reason=why, history=("3 lost",))
    assert step == Transition(dead, Exhausted())


def test_the_reason_of_the_last_failure_is_kept_by_a_task_that_dies_later():  # T8
    waiting = replace(THEIRS, state=State.WAITING, reason="boom")
    step = replace(CLAIM, max_attempts=2)(snapshot(waiting))
    assert step == Transition(replace(waiting, state=State.DEAD, lease_id="mine"), Exhausted())


def test_a_task_with_an_attempt_left_is_claimed():  # T8
    waiting = replace(THEIRS, state=State.WAITING)
    assert replace(CLAIM, max_attempts=4)(snapshot(waiting)).verdict == Run()
    assert replace(CLAIM, max_attempts=3)(snapshot(replace(waiting, drained=1))).verdict == Run()


@pytest.mark.parametrize("digest", ["d", "e"])
@pytest.mark.parametrize("state", sorted(TERMINAL))
def test_an_end_past_its_retention_counts_as_no_record_but_the_fence_grows(state: State, digest: str):  # T16
    old = replace(
        THEIRS,
        state=state,
        digest=digest,
        steps=(Step("s", 4),),
        history=("x",),
        reason="r",
        on_dead_called=True,
    )
    assert CLAIM(snapshot(old, age=800.0)) == Transition(replace(OURS, fence=5), Run())


@pytest.mark.parametrize("state", [State.RUNNING, State.WAITING])
def test_a_task_that_has_not_ended_is_never_past_its_retention(state: State):  # T16
    claimed = written(CLAIM(snapshot(replace(THEIRS, state=state), age=9000.0)))
    assert claimed.attempt == 4
