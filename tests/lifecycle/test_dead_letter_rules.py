"""A death is marked as notified, and a conflict kept."""

from __future__ import annotations

from msgspec.structs import replace

from taskhandler.lifecycle.record import State
from taskhandler.lifecycle.rules import KeepConflict, MarkNotified
from taskhandler.lifecycle.verdict import Fenced, Settled, Transition
from tests.lifecycle.samples import OURS, THEIRS, snapshot

DEAD = replace(THEIRS, state=State.DEAD)


def test_a_death_is_marked_as_notified_once():
    assert MarkNotified(4)(snapshot(DEAD)) == Transition(
        replace(DEAD, on_dead_called=True), Settled(State.DEAD)
    )
    assert MarkNotified(4)(snapshot(replace(DEAD, on_dead_called=True))) == Transition(
        None, Fenced(State.DEAD)
    )


def test_a_death_of_another_fence_is_not_marked():
    assert MarkNotified(3)(snapshot(DEAD)) == Transition(None, Fenced(State.DEAD))


def test_a_mark_without_a_fence_marks_any_death():
    assert MarkNotified()(snapshot(DEAD)) == Transition(
        replace(DEAD, on_dead_called=True), Settled(State.DEAD)
    )


def test_a_task_that_is_not_dead_is_not_marked():
    assert MarkNotified(4)(None) == Transition(None, Fenced(None))
    assert MarkNotified(4)(snapshot(THEIRS)) == Transition(None, Fenced(None))
    assert MarkNotified(4)(snapshot(replace(THEIRS, state=State.COMPLETED))) == Transition(
        None, Fenced(State.COMPLETED)
    )


def test_a_conflicting_delivery_is_kept_once():
    why = "conflict: a task with this name had another body"
    nobody = replace(OURS, attempt=0, fence=0, lease_id="", lease=0.0)
    kept = replace(nobody, state=State.REJECTED, digest="e", retention=9.0, reason=why)
    keep = KeepConflict(digest="e", handler="h", retention=9.0)
    assert keep(None) == Transition(kept, Settled(State.REJECTED))
    assert keep(snapshot(kept, age=5.0)) == Transition(None, Settled(State.REJECTED))
    assert keep(snapshot(replace(kept, state=State.WAITING))) == Transition(None, Settled(State.WAITING))
