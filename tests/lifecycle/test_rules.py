"""Each rule of the law on each kind of record; the numbers are those of docs/state-machine.md."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from taskhandler.lifecycle.record import TERMINAL, State, Step
from taskhandler.lifecycle.rules import (
    HISTORY,
    BeginStep,
    FinishStep,
    Heartbeat,
    Settle,
    is_last,
)
from taskhandler.lifecycle.verdict import (
    AlreadyEnded,
    Completed,
    Conflict,
    Drained,
    Exhausted,
    Failed,
    Fenced,
    InFlight,
    Rejected,
    Renewed,
    Run,
    Settled,
    StepBegun,
    Transition,
)
from tests.lifecycle.samples import CLAIM, OURS, THEIRS, snapshot, written

# Claim: T1 to T8, T16


def test_the_first_delivery_of_a_task_runs_it():  # T1
    assert CLAIM(None) == Transition(OURS, Run())


def test_a_waiting_task_is_claimed_with_the_lease_and_retention_of_the_claimant():  # T2
    seen = replace(THEIRS, state=State.WAITING, reason="boom", history=("3 failed: boom",), drained=1)
    claimed = replace(
        seen, state=State.RUNNING, attempt=4, fence=5, lease_id="mine", lease=30.0, retention=900.0
    )
    assert CLAIM(snapshot(seen)) == Transition(claimed, Run())


def test_a_live_lease_is_respected_and_what_is_left_of_it_is_told():  # T3
    assert CLAIM(snapshot(THEIRS, age=19.5)) == Transition(None, InFlight(0.5))


def test_a_lease_has_lapsed_at_the_very_second():  # T4
    taken = replace(OURS, attempt=4, fence=5, history=("3 lost",))
    assert CLAIM(snapshot(THEIRS, age=20.0)) == Transition(taken, Run())


@pytest.mark.parametrize("age", [0.0, 29.0, 31.0])
def test_ones_own_claim_is_recognised_whatever_its_age(age: float):  # T5
    assert CLAIM(snapshot(OURS, age=age)) == Transition(None, Run())


@pytest.mark.parametrize("told", [False, True])
@pytest.mark.parametrize("state", sorted(TERMINAL))
def test_an_ended_task_is_a_duplicate(state: State, told: bool):  # noqa: FBT001 - a parameter of the test  # T6
    ended = replace(THEIRS, state=state, on_dead_called=told)
    assert CLAIM(snapshot(ended, age=799.9)) == Transition(None, AlreadyEnded(state, on_dead_called=told))


@pytest.mark.parametrize("state", sorted(State))
def test_another_body_under_the_same_name_never_runs(state: State):  # T7
    assert CLAIM(snapshot(replace(THEIRS, state=state, digest="e"), age=700.0)) == Transition(
        None, Conflict()
    )


def test_a_task_whose_attempts_are_lost_one_after_the_other_dies():  # T8
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


# The holder's acts: T9 to T15

ACTS = [Heartbeat("mine"), BeginStep("mine", "s"), FinishStep("mine", "s", "1")]


@pytest.mark.parametrize("act", [*ACTS, Settle("mine", Completed())])
def test_an_act_without_a_record_is_fenced(act: Heartbeat | BeginStep | FinishStep | Settle):
    assert act(None) == Transition(None, Fenced(None))


@pytest.mark.parametrize("act", [*ACTS, Settle("mine", Completed())])
@pytest.mark.parametrize("state", sorted(State))
def test_an_act_on_anothers_record_is_fenced_and_told_the_end(
    act: Heartbeat | BeginStep | FinishStep | Settle, state: State
):
    ended = state if state in TERMINAL else None
    assert act(snapshot(replace(THEIRS, state=state))) == Transition(None, Fenced(ended))


@pytest.mark.parametrize("act", ACTS)
@pytest.mark.parametrize("state", sorted(set(State) - {State.RUNNING}))
def test_an_act_after_ones_own_settlement_is_fenced(act: Heartbeat | BeginStep | FinishStep, state: State):
    ended = state if state in TERMINAL else None
    assert act(snapshot(replace(OURS, state=state))) == Transition(None, Fenced(ended))


def test_a_heartbeat_changes_the_record_so_that_its_version_changes():  # T9
    assert Heartbeat("mine")(snapshot(replace(OURS, heartbeats=2), age=99.0)) == Transition(
        replace(OURS, heartbeats=3), Renewed()
    )


def test_a_step_is_begun_under_the_fence_of_its_attempt():  # T9
    other = Step("r", 1, "5")
    seen = replace(OURS, fence=3, steps=(other,))
    assert BeginStep("mine", "s")(snapshot(seen)) == Transition(
        replace(seen, steps=(other, Step("s", 3))), Renewed()
    )


def test_a_step_that_this_attempt_began_is_held_when_the_reply_was_lost():  # T9, T14
    seen = snapshot(replace(OURS, steps=(Step("s", 1),)))
    assert BeginStep("mine", "s")(seen) == Transition(None, Renewed())


@pytest.mark.parametrize("step", [Step("s", 1), Step("s", 1, "5"), Step("s", 2, "5")])
def test_a_step_begun_by_an_earlier_attempt_or_done_is_not_begun_again(step: Step):  # T9
    assert BeginStep("mine", "s")(snapshot(replace(OURS, fence=2, steps=(step,)))) == Transition(
        None, StepBegun(step.value)
    )


@pytest.mark.parametrize("steps", [(), (Step("s", 1),), (Step("s", 2),)])
def test_what_a_step_came_to_is_marked_once(steps: tuple[Step, ...]):  # T9
    other = Step("r", 1)
    seen = replace(OURS, fence=2, steps=(*steps, other))
    done = replace(seen, steps=(other, Step("s", 2, "5")))
    assert FinishStep("mine", "s", "5")(snapshot(seen)) == Transition(done, Renewed())


def test_a_step_that_is_done_stays_as_it_is():  # T9, T14
    seen = snapshot(replace(OURS, steps=(Step("s", 1, "5"),)))
    assert FinishStep("mine", "s", "6")(seen) == Transition(None, Renewed())


def test_a_completion_keeps_the_result_and_forgets_the_last_failure():  # T10
    step = Settle("mine", Completed("7"))(snapshot(replace(OURS, reason="boom"), age=31.0))
    assert step == Transition(replace(OURS, state=State.COMPLETED, result="7"), Settled(State.COMPLETED))


def test_a_failure_waits_for_the_next_delivery():  # T11
    waiting = replace(OURS, state=State.WAITING, reason="boom", history=("1 failed: boom",))
    assert Settle("mine", Failed("boom"))(snapshot(OURS)) == Transition(waiting, Settled(State.WAITING))


@pytest.mark.parametrize(
    ("end", "state"),
    [
        (Failed("boom", last=True), State.DEAD),
        (Failed("boom", max_attempts=1), State.DEAD),
        (Failed("boom", max_attempts=2), State.WAITING),
        (Failed("boom", last=True, max_attempts=2), State.DEAD),
    ],
)
def test_a_failure_is_the_death_of_a_task_that_has_no_attempt_left(end: Failed, state: State):  # T11
    failed = replace(OURS, state=state, reason="boom", history=("1 failed: boom",))
    assert Settle("mine", end)(snapshot(OURS)) == Transition(failed, Settled(state))


def test_a_rejection_is_an_end():  # T12
    rejected = replace(OURS, state=State.REJECTED, reason="why")
    assert Settle("mine", Rejected("why"))(snapshot(OURS)) == Transition(rejected, Settled(State.REJECTED))


@pytest.mark.parametrize("state", sorted(set(State) - {State.RUNNING}))
def test_ones_own_settlement_is_recognised_whatever_is_asked_for_now(state: State):  # T13
    assert Settle("mine", Failed("x"))(snapshot(replace(OURS, state=state))) == Transition(
        None, Settled(state)
    )


@pytest.mark.parametrize(("last", "state"), [(False, State.WAITING), (True, State.DEAD)])
def test_a_drained_attempt_is_not_charged(last: bool, state: State):  # noqa: FBT001 - a parameter of the test  # T15
    step = Settle("mine", Drained(last=last))(snapshot(OURS))
    drained = replace(OURS, state=state, drained=1, reason="the worker was stopped", history=("1 drained",))
    assert step == Transition(drained, Settled(state))
    assert drained.charged == 0


def test_history_is_a_short_memory():
    record = replace(OURS, history=tuple(f"{n} lost" for n in range(HISTORY)))
    noted = written(Settle("mine", Failed("x"))(snapshot(record)))
    assert noted.history == (*(f"{n} lost" for n in range(1, HISTORY)), "1 failed: x")


def test_the_attempt_that_reaches_the_limit_is_the_last():
    record = replace(THEIRS, attempt=4, drained=1)
    limits = [None, 2, 3, 4]
    assert [is_last(record, max_attempts=limit) for limit in limits] == [False, True, True, False]
