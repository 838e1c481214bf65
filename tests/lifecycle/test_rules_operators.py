"""The rules for dead tasks, for conflicts and for operators."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from taskhandler.lifecycle.record import State, Step
from taskhandler.lifecycle.rules import (
    KeepConflict,
    MarkNotified,
    Reset,
    Settle,
)
from taskhandler.lifecycle.verdict import (
    Completed,
    Fenced,
    Settled,
    Transition,
)
from tests.lifecycle.samples import OURS, THEIRS, snapshot

# The dead, the conflicting and the operator

DEAD = replace(THEIRS, state=State.DEAD)


def test_a_death_is_told_once():
    assert MarkNotified(4)(snapshot(DEAD)) == Transition(
        replace(DEAD, on_dead_called=True), Settled(State.DEAD)
    )
    assert MarkNotified(4)(snapshot(replace(DEAD, on_dead_called=True))) == Transition(
        None, Fenced(State.DEAD)
    )


def test_only_the_death_that_was_meant_is_told():
    assert MarkNotified(3)(snapshot(DEAD)) == Transition(None, Fenced(State.DEAD))


def test_whichever_death_is_told_if_none_is_named():
    assert MarkNotified()(snapshot(DEAD)) == Transition(
        replace(DEAD, on_dead_called=True), Settled(State.DEAD)
    )


def test_nothing_is_told_of_a_task_that_is_not_dead():
    assert MarkNotified(4)(None) == Transition(None, Fenced(None))
    assert MarkNotified(4)(snapshot(THEIRS)) == Transition(None, Fenced(None))
    assert MarkNotified(4)(snapshot(replace(THEIRS, state=State.COMPLETED))) == Transition(
        None, Fenced(State.COMPLETED)
    )


def test_a_conflicting_delivery_is_put_aside_once():
    why = "conflict: a task of this name is known with another body"
    nobody = replace(OURS, attempt=0, fence=0, lease_id="", lease=0.0)
    buried = replace(nobody, state=State.REJECTED, digest="e", retention=9.0, reason=why)
    bury = KeepConflict(digest="e", handler="h", retention=9.0)
    assert bury(None) == Transition(buried, Settled(State.REJECTED))
    assert bury(snapshot(buried, age=5.0)) == Transition(None, Settled(State.REJECTED))
    assert bury(snapshot(replace(buried, state=State.WAITING))) == Transition(None, Settled(State.WAITING))


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
    noted = ("0 reset by an operator",)
    fresh = replace(
        old, state=State.WAITING, lease_id="n", attempt=0, drained=0, on_dead_called=False, history=noted
    )
    fresh = replace(fresh, result=None)
    assert Reset("n")(snapshot(old)) == Transition(fresh, Settled(State.WAITING))
    assert Settle("theirs", Completed())(snapshot(fresh)).verdict == Fenced(None)


def test_ones_own_reset_is_recognised_when_the_reply_was_lost():
    fresh = replace(THEIRS, state=State.WAITING, lease_id="n")
    assert Reset("n")(snapshot(fresh)) == Transition(None, Settled(State.WAITING))


def test_there_is_nothing_to_reset_without_a_record():
    assert Reset("n")(None) == Transition(None, Fenced(None))
