"""The rules for dead tasks, for conflicts and for operators."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from taskhandler.lifecycle.record import Mark, State
from taskhandler.lifecycle.rules import (
    Bury,
    Reset,
    Settle,
    Tell,
)
from taskhandler.lifecycle.verdict import (
    Completed,
    Fenced,
    Settled,
    Step,
)
from tests.lifecycle.samples import OURS, THEIRS, found

# The dead, the conflicting and the operator

DEAD = replace(THEIRS, state=State.DEAD)


def test_a_death_is_told_once():
    assert Tell(4)(found(DEAD)) == Step(replace(DEAD, told=True), Settled(State.DEAD))
    assert Tell(4)(found(replace(DEAD, told=True))) == Step(None, Fenced(State.DEAD))


def test_only_the_death_that_was_meant_is_told():
    assert Tell(3)(found(DEAD)) == Step(None, Fenced(State.DEAD))


def test_whichever_death_is_told_if_none_is_named():
    assert Tell()(found(DEAD)) == Step(replace(DEAD, told=True), Settled(State.DEAD))


def test_nothing_is_told_of_a_task_that_is_not_dead():
    assert Tell(4)(None) == Step(None, Fenced(None))
    assert Tell(4)(found(THEIRS)) == Step(None, Fenced(None))
    assert Tell(4)(found(replace(THEIRS, state=State.COMPLETED))) == Step(None, Fenced(State.COMPLETED))


def test_a_conflicting_delivery_is_put_aside_once():
    why = "conflict: a task of this name is known with another body"
    nobody = replace(OURS, attempt=0, fence=0, lease_id="", lease=0.0)
    buried = replace(nobody, state=State.REJECTED, digest="e", retention=9.0, reason=why)
    bury = Bury(digest="e", handler="h", retention=9.0)
    assert bury(None) == Step(buried, Settled(State.REJECTED))
    assert bury(found(buried, age=5.0)) == Step(None, Settled(State.REJECTED))
    assert bury(found(replace(buried, state=State.WAITING))) == Step(None, Settled(State.WAITING))


@pytest.mark.parametrize("state", sorted(State))
def test_a_reset_fences_the_holder_and_keeps_the_steps(state: State):
    old = replace(
        THEIRS, state=state, drained=1, told=True, result="1", reason="r", marks=(Mark("s", 4, "5"),), beats=2
    )
    noted = ("0 reset by an operator",)
    fresh = replace(old, state=State.WAITING, lease_id="n", attempt=0, drained=0, told=False, history=noted)
    fresh = replace(fresh, result=None)
    assert Reset("n")(found(old)) == Step(fresh, Settled(State.WAITING))
    assert Settle("theirs", Completed())(found(fresh)).verdict == Fenced(None)


def test_ones_own_reset_is_recognised_when_the_reply_was_lost():
    fresh = replace(THEIRS, state=State.WAITING, lease_id="n")
    assert Reset("n")(found(fresh)) == Step(None, Settled(State.WAITING))


def test_there_is_nothing_to_reset_without_a_record():
    assert Reset("n")(None) == Step(None, Fenced(None))
