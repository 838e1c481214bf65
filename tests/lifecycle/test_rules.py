"""Each rule of the law on each kind of record; the numbers are those of docs/law.md."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from taskhandler.lifecycle.record import ENDS, Mark, State
from taskhandler.lifecycle.rules import (
    HISTORY,
    Beat,
    Begin,
    Finish,
    Settle,
    is_last,
)
from taskhandler.lifecycle.verdict import (
    Begun,
    Completed,
    Conflict,
    Drained,
    Ended,
    Failed,
    Fenced,
    Held,
    InFlight,
    Rejected,
    Run,
    Settled,
    Spent,
    Step,
)
from tests.lifecycle.samples import ARRIVE, OURS, THEIRS, found, written

# Arrive: T1 to T8, T16


def test_the_first_delivery_of_a_task_runs_it():  # T1
    assert ARRIVE(None) == Step(OURS, Run())


def test_a_waiting_task_is_claimed_with_the_lease_and_retention_of_the_claimant():  # T2
    seen = replace(THEIRS, state=State.WAITING, reason="boom", history=("3 failed: boom",), drained=1)
    claimed = replace(
        seen, state=State.RUNNING, attempt=4, fence=5, lease_id="mine", lease=30.0, retention=900.0
    )
    assert ARRIVE(found(seen)) == Step(claimed, Run())


def test_a_live_lease_is_respected_and_what_is_left_of_it_is_told():  # T3
    assert ARRIVE(found(THEIRS, age=19.5)) == Step(None, InFlight(0.5))


def test_a_lease_has_lapsed_at_the_very_second():  # T4
    taken = replace(OURS, attempt=4, fence=5, history=("3 lost",))
    assert ARRIVE(found(THEIRS, age=20.0)) == Step(taken, Run())


@pytest.mark.parametrize("age", [0.0, 29.0, 31.0])
def test_ones_own_claim_is_recognised_whatever_its_age(age: float):  # T5
    assert ARRIVE(found(OURS, age=age)) == Step(None, Run())


@pytest.mark.parametrize("told", [False, True])
@pytest.mark.parametrize("state", sorted(ENDS))
def test_an_ended_task_is_a_duplicate(state: State, told: bool):  # noqa: FBT001 - a parameter of the test  # T6
    ended = replace(THEIRS, state=state, told=told)
    assert ARRIVE(found(ended, age=799.9)) == Step(None, Ended(state, told=told))


@pytest.mark.parametrize("state", sorted(State))
def test_another_body_under_the_same_name_never_runs(state: State):  # T7
    assert ARRIVE(found(replace(THEIRS, state=state, digest="e"), age=700.0)) == Step(None, Conflict())


def test_a_task_whose_attempts_are_lost_one_after_the_other_dies():  # T8
    step = replace(ARRIVE, max_attempts=3)(found(THEIRS, age=20.0))
    why = "every attempt lost its worker"
    dead = replace(THEIRS, state=State.DEAD, lease_id="mine", reason=why, history=("3 lost",))
    assert step == Step(dead, Spent())


def test_the_reason_of_the_last_failure_is_kept_by_a_task_that_dies_later():  # T8
    waiting = replace(THEIRS, state=State.WAITING, reason="boom")
    step = replace(ARRIVE, max_attempts=2)(found(waiting))
    assert step == Step(replace(waiting, state=State.DEAD, lease_id="mine"), Spent())


def test_a_task_with_an_attempt_left_is_claimed():  # T8
    waiting = replace(THEIRS, state=State.WAITING)
    assert replace(ARRIVE, max_attempts=4)(found(waiting)).verdict == Run()
    assert replace(ARRIVE, max_attempts=3)(found(replace(waiting, drained=1))).verdict == Run()


@pytest.mark.parametrize("digest", ["d", "e"])
@pytest.mark.parametrize("state", sorted(ENDS))
def test_an_end_past_its_retention_counts_as_no_record_but_the_fence_grows(state: State, digest: str):  # T16
    old = replace(
        THEIRS, state=state, digest=digest, marks=(Mark("s", 4),), history=("x",), reason="r", told=True
    )
    assert ARRIVE(found(old, age=800.0)) == Step(replace(OURS, fence=5), Run())


@pytest.mark.parametrize("state", [State.RUNNING, State.WAITING])
def test_a_task_that_has_not_ended_is_never_past_its_retention(state: State):  # T16
    claimed = written(ARRIVE(found(replace(THEIRS, state=state), age=9000.0)))
    assert claimed.attempt == 4


# The holder's acts: T9 to T15

ACTS = [Beat("mine"), Begin("mine", "s"), Finish("mine", "s", "1")]


@pytest.mark.parametrize("act", [*ACTS, Settle("mine", Completed())])
def test_an_act_without_a_record_is_fenced(act: Beat | Begin | Finish | Settle):
    assert act(None) == Step(None, Fenced(None))


@pytest.mark.parametrize("act", [*ACTS, Settle("mine", Completed())])
@pytest.mark.parametrize("state", sorted(State))
def test_an_act_on_anothers_record_is_fenced_and_told_the_end(
    act: Beat | Begin | Finish | Settle, state: State
):
    ended = state if state in ENDS else None
    assert act(found(replace(THEIRS, state=state))) == Step(None, Fenced(ended))


@pytest.mark.parametrize("act", ACTS)
@pytest.mark.parametrize("state", sorted(set(State) - {State.RUNNING}))
def test_an_act_after_ones_own_settlement_is_fenced(act: Beat | Begin | Finish, state: State):
    ended = state if state in ENDS else None
    assert act(found(replace(OURS, state=state))) == Step(None, Fenced(ended))


def test_a_heartbeat_changes_the_record_so_that_its_version_changes():  # T9
    assert Beat("mine")(found(replace(OURS, beats=2), age=99.0)) == Step(replace(OURS, beats=3), Held())


def test_a_step_is_begun_under_the_fence_of_its_attempt():  # T9
    other = Mark("r", 1, "5")
    seen = replace(OURS, fence=3, marks=(other,))
    assert Begin("mine", "s")(found(seen)) == Step(replace(seen, marks=(other, Mark("s", 3))), Held())


def test_a_step_that_this_attempt_began_is_held_when_the_reply_was_lost():  # T9, T14
    seen = found(replace(OURS, marks=(Mark("s", 1),)))
    assert Begin("mine", "s")(seen) == Step(None, Held())


@pytest.mark.parametrize("mark", [Mark("s", 1), Mark("s", 1, "5"), Mark("s", 2, "5")])
def test_a_step_begun_by_an_earlier_attempt_or_done_is_not_begun_again(mark: Mark):  # T9
    assert Begin("mine", "s")(found(replace(OURS, fence=2, marks=(mark,)))) == Step(None, Begun(mark.value))


@pytest.mark.parametrize("marks", [(), (Mark("s", 1),), (Mark("s", 2),)])
def test_what_a_step_came_to_is_marked_once(marks: tuple[Mark, ...]):  # T9
    other = Mark("r", 1)
    seen = replace(OURS, fence=2, marks=(*marks, other))
    done = replace(seen, marks=(other, Mark("s", 2, "5")))
    assert Finish("mine", "s", "5")(found(seen)) == Step(done, Held())


def test_a_step_that_is_done_stays_as_it_is():  # T9, T14
    seen = found(replace(OURS, marks=(Mark("s", 1, "5"),)))
    assert Finish("mine", "s", "6")(seen) == Step(None, Held())


def test_a_completion_keeps_the_result_and_forgets_the_last_failure():  # T10
    step = Settle("mine", Completed("7"))(found(replace(OURS, reason="boom"), age=31.0))
    assert step == Step(replace(OURS, state=State.COMPLETED, result="7"), Settled(State.COMPLETED))


def test_a_failure_waits_for_the_next_delivery():  # T11
    waiting = replace(OURS, state=State.WAITING, reason="boom", history=("1 failed: boom",))
    assert Settle("mine", Failed("boom"))(found(OURS)) == Step(waiting, Settled(State.WAITING))


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
    assert Settle("mine", end)(found(OURS)) == Step(failed, Settled(state))


def test_a_rejection_is_an_end():  # T12
    rejected = replace(OURS, state=State.REJECTED, reason="why")
    assert Settle("mine", Rejected("why"))(found(OURS)) == Step(rejected, Settled(State.REJECTED))


@pytest.mark.parametrize("state", sorted(set(State) - {State.RUNNING}))
def test_ones_own_settlement_is_recognised_whatever_is_asked_for_now(state: State):  # T13
    assert Settle("mine", Failed("x"))(found(replace(OURS, state=state))) == Step(None, Settled(state))


@pytest.mark.parametrize(("last", "state"), [(False, State.WAITING), (True, State.DEAD)])
def test_a_drained_attempt_is_not_charged(last: bool, state: State):  # noqa: FBT001 - a parameter of the test  # T15
    step = Settle("mine", Drained(last=last))(found(OURS))
    drained = replace(OURS, state=state, drained=1, reason="the worker was stopped", history=("1 drained",))
    assert step == Step(drained, Settled(state))
    assert drained.charged == 0


def test_history_is_a_short_memory():
    record = replace(OURS, history=tuple(f"{n} lost" for n in range(HISTORY)))
    noted = written(Settle("mine", Failed("x"))(found(record)))
    assert noted.history == (*(f"{n} lost" for n in range(1, HISTORY)), "1 failed: x")


def test_the_attempt_that_reaches_the_limit_is_the_last():
    record = replace(THEIRS, attempt=4, drained=1)
    limits = [None, 2, 3, 4]
    assert [is_last(record, max_attempts=limit) for limit in limits] == [False, True, True, False]
