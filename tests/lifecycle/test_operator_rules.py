"""A task that is cancelled (T17 of docs/state-machine.md) or reset."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from taskhandler.lifecycle.record import MOST_ACTS, TERMINAL, OperatorAct, Record, State, Step
from taskhandler.lifecycle.rules import BeginStep, Cancel, FinishStep, Heartbeat, Reset, Settle
from taskhandler.lifecycle.verdict import AlreadyEnded, Completed, Fenced, Run, Settled, Transition
from tests.lifecycle.samples import CLAIM, OURS, THEIRS, snapshot, written

CANCEL = Cancel(nonce="n", reason="stock is gone", handler="h", retention=700.0)
UNDELIVERED = Record(
    state=State.CANCELLED,
    attempt=0,
    fence=0,
    lease_id="n",
    lease=0.0,
    digest="",
    retention=700.0,
    handler="h",
    reason="stock is gone",
    history=("0 cancelled: stock is gone",),
)
ACT = OperatorAct(action="cancel", who="ann", why="stock is gone", at=5.0)


def test_a_task_that_was_never_delivered_is_cancelled_at_once():
    assert CANCEL(None) == Transition(UNDELIVERED, Settled(State.CANCELLED))


@pytest.mark.parametrize("age", [0.0, 25.0])
@pytest.mark.parametrize("state", [State.RUNNING, State.WAITING])
def test_a_task_that_has_not_ended_is_cancelled_and_keeps_its_other_fields(state: State, age: float):
    seen = replace(THEIRS, state=state, reason="boom", steps=(Step("s", 4),), history=("2 failed: x",))
    history = ("2 failed: x", "3 cancelled: stock is gone")
    cancelled = replace(seen, state=State.CANCELLED, lease_id="n", reason="stock is gone", history=history)
    assert CANCEL(snapshot(seen, age=age)) == Transition(cancelled, Settled(State.CANCELLED))


@pytest.mark.parametrize(
    "act",
    [Heartbeat("mine"), BeginStep("mine", "s"), FinishStep("mine", "s", "1"), Settle("mine", Completed())],
)
def test_the_holder_of_a_cancelled_task_is_fenced(act: Heartbeat | BeginStep | FinishStep | Settle):
    cancelled = written(CANCEL(snapshot(OURS)))
    assert act(snapshot(cancelled)) == Transition(None, Fenced(State.CANCELLED))


@pytest.mark.parametrize("called", [False, True])
@pytest.mark.parametrize("state", sorted(TERMINAL))
def test_a_task_that_has_ended_is_not_cancelled(state: State, called: bool):  # noqa: FBT001 - a parameter of the test
    ended = replace(THEIRS, state=state, on_dead_called=called)
    already = AlreadyEnded(state, on_dead_called=called)
    assert CANCEL(snapshot(ended, age=799.9)) == Transition(None, already)


@pytest.mark.parametrize("state", sorted(TERMINAL))
def test_an_end_past_its_retention_is_cancelled_like_no_record_but_keeps_its_fence(state: State):
    old = replace(THEIRS, state=state, history=("x",), acts=(ACT,), steps=(Step("s", 4),))
    assert CANCEL(snapshot(old, age=800.0)) == Transition(
        replace(UNDELIVERED, fence=4), Settled(State.CANCELLED)
    )


@pytest.mark.parametrize("age", [0.0, 800.0])
def test_a_cancellation_whose_reply_was_lost_is_recognised(age: float):
    cancelled = replace(THEIRS, state=State.CANCELLED, lease_id="n")
    assert CANCEL(snapshot(cancelled, age=age)) == Transition(None, Settled(State.CANCELLED))


def test_a_cancellation_is_recorded_with_its_operator():
    assert written(replace(CANCEL, act=ACT)(None)).acts == (ACT,)
    assert written(replace(CANCEL, act=ACT)(snapshot(replace(OURS, acts=(ACT,))))).acts == (ACT, ACT)


def test_the_oldest_act_of_an_operator_is_dropped_from_a_full_record():
    acts = tuple(replace(ACT, at=float(n)) for n in range(MOST_ACTS))
    assert written(replace(CANCEL, act=ACT)(snapshot(replace(OURS, acts=acts)))).acts == (*acts[1:], ACT)


def test_a_task_cancelled_before_its_first_delivery_runs_after_a_reset():
    waiting = written(Reset("m")(snapshot(UNDELIVERED)))
    history = (*UNDELIVERED.history, "0 reset by an operator, was cancelled: stock is gone")
    assert CLAIM(snapshot(waiting)) == Transition(replace(OURS, history=history), Run())


@pytest.mark.parametrize("state", sorted(State))
def test_a_reset_fences_the_holder_and_keeps_the_steps(state: State):
    old = replace(
        THEIRS,
        state=state,
        drained=1,
        on_dead_called=True,
        result="1",
        reason="r",
        steps=(Step("s", 4, "5"),),
        heartbeats=2,
    )
    noted = (f"3 reset by an operator, was {state.value}: r",)
    fresh = replace(
        old, state=State.WAITING, lease_id="n", attempt=0, drained=0, on_dead_called=False, history=noted
    )
    fresh = replace(fresh, result=None, reason="")
    assert Reset("n")(snapshot(old)) == Transition(fresh, Settled(State.WAITING))
    assert Settle("theirs", Completed())(snapshot(fresh)).verdict == Fenced(None)


def test_a_reset_of_a_task_without_a_reason_adds_none():
    noted = ("3 reset by an operator, was running",)
    assert written(Reset("n")(snapshot(THEIRS))).history == noted


def test_a_reset_whose_reply_was_lost_is_recognised():
    fresh = replace(THEIRS, state=State.WAITING, lease_id="n")
    assert Reset("n")(snapshot(fresh)) == Transition(None, Settled(State.WAITING))


def test_a_reset_without_a_record_is_fenced():
    assert Reset("n")(None) == Transition(None, Fenced(None))
