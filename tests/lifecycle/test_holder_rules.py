"""What the holder of a lease may write: T9 to T15 of docs/state-machine.md."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from taskhandler.lifecycle.record import TERMINAL, State, Step
from taskhandler.lifecycle.rules import BeginStep, FinishStep, Heartbeat, Settle
from taskhandler.lifecycle.verdict import (
    Completed,
    Drained,
    Failed,
    Fenced,
    Rejected,
    Renewed,
    Settled,
    StepBegun,
    Transition,
)
from tests.lifecycle.samples import OURS, THEIRS, snapshot

ACTS = [Heartbeat("mine"), BeginStep("mine", "s"), FinishStep("mine", "s", "1")]


@pytest.mark.parametrize("act", [*ACTS, Settle("mine", Completed())])
def test_a_write_without_a_record_is_fenced(act: Heartbeat | BeginStep | FinishStep | Settle):
    assert act(None) == Transition(None, Fenced(None))


@pytest.mark.parametrize("act", [*ACTS, Settle("mine", Completed())])
@pytest.mark.parametrize("state", sorted(State))
def test_a_write_under_the_lease_of_another_is_fenced_and_the_verdict_names_the_end(
    act: Heartbeat | BeginStep | FinishStep | Settle, state: State
):
    ended = state if state in TERMINAL else None
    assert act(snapshot(replace(THEIRS, state=state))) == Transition(None, Fenced(ended))


@pytest.mark.parametrize("act", ACTS)
@pytest.mark.parametrize("state", sorted(set(State) - {State.RUNNING}))
def test_a_write_after_its_own_settlement_is_fenced(act: Heartbeat | BeginStep | FinishStep, state: State):
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


def test_a_step_may_run_after_the_reply_to_its_begin_was_lost():  # T9, T14
    seen = snapshot(replace(OURS, steps=(Step("s", 1),)))
    assert BeginStep("mine", "s")(seen) == Transition(None, Renewed())


@pytest.mark.parametrize("step", [Step("s", 1), Step("s", 1, "5"), Step("s", 2, "5")])
def test_a_step_begun_by_an_earlier_attempt_or_done_is_not_begun_again(step: Step):  # T9
    assert BeginStep("mine", "s")(snapshot(replace(OURS, fence=2, steps=(step,)))) == Transition(
        None, StepBegun(step.value)
    )


@pytest.mark.parametrize("steps", [(), (Step("s", 1),), (Step("s", 2),)])
def test_the_result_of_a_step_is_recorded_once(steps: tuple[Step, ...]):  # T9
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


def test_a_failure_leaves_the_task_waiting():  # T11
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
def test_a_failure_at_the_last_attempt_makes_the_task_dead(end: Failed, state: State):  # T11
    failed = replace(OURS, state=state, reason="boom", history=("1 failed: boom",))
    assert Settle("mine", end)(snapshot(OURS)) == Transition(failed, Settled(state))


def test_a_rejection_ends_the_task():  # T12
    rejected = replace(OURS, state=State.REJECTED, reason="why")
    assert Settle("mine", Rejected("why"))(snapshot(OURS)) == Transition(rejected, Settled(State.REJECTED))


@pytest.mark.parametrize("state", sorted(set(State) - {State.RUNNING}))
def test_a_settlement_of_the_same_lease_is_recognised_whatever_its_disposition(state: State):  # T13
    assert Settle("mine", Failed("x"))(snapshot(replace(OURS, state=state))) == Transition(
        None, Settled(state)
    )


@pytest.mark.parametrize(("last", "state"), [(False, State.WAITING), (True, State.DEAD)])
def test_a_drained_attempt_is_not_charged(last: bool, state: State):  # noqa: FBT001 - a parameter of the test  # T15
    step = Settle("mine", Drained(last=last))(snapshot(OURS))
    drained = replace(OURS, state=state, drained=1, reason="the worker was stopped", history=("1 drained",))
    assert step == Transition(drained, Settled(state))
    assert drained.charged == 0


def test_a_finished_step_keeps_the_fields_of_a_newer_version():  # T9
    begun = Step("s", OURS.fence, unknown=(("by", b'"somebody"'),))
    write = FinishStep("mine", "s", "5")(snapshot(replace(OURS, steps=(begun,)))).write
    assert write is not None
    assert write.steps == (replace(begun, value="5"),)
