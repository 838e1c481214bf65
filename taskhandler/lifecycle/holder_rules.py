"""The rules of a lease's holder. Each is fenced: the record must be running, and under the holder's lease."""

from __future__ import annotations

from msgspec import Struct
from msgspec.structs import replace

from taskhandler.lifecycle.record import Record, Snapshot, State, Step, end_of
from taskhandler.lifecycle.verdict import (
    Completed,
    Disposition,
    Drained,
    Failed,
    Fenced,
    Rejected,
    Renewed,
    Settled,
    StepBegun,
    Transition,
)


class Heartbeat(Struct, frozen=True, gc=False):
    """A holder's sign of life, which extends its lease (T9)."""

    lease_id: str

    def __call__(self, snapshot: Snapshot | None) -> Transition:
        if snapshot is None or not _holds(snapshot.record, self.lease_id):
            return Transition(None, Fenced(end_of(snapshot)))
        return Transition(replace(snapshot.record, heartbeats=snapshot.record.heartbeats + 1), Renewed())


class BeginStep(Struct, frozen=True, gc=False):
    """A holder is about to begin the at-most-once step `name` (T9)."""

    lease_id: str
    name: str

    def __call__(self, snapshot: Snapshot | None) -> Transition:
        if snapshot is None or not _holds(snapshot.record, self.lease_id):
            return Transition(None, Fenced(end_of(snapshot)))
        step = snapshot.record.find_step(self.name)
        if step is None:
            return Transition(_with_step(snapshot.record, Step(self.name, snapshot.record.fence)), Renewed())
        if step.value is None and step.fence == snapshot.record.fence:
            return Transition(None, Renewed())  # our own write, whose reply was lost
        return Transition(None, StepBegun(step.value))


class FinishStep(Struct, frozen=True, gc=False):
    """A holder has done the `once` step `name`, with the result `value`, JSON (T9)."""

    lease_id: str
    name: str
    value: str

    def __call__(self, snapshot: Snapshot | None) -> Transition:
        if snapshot is None or not _holds(snapshot.record, self.lease_id):
            return Transition(None, Fenced(end_of(snapshot)))
        step = snapshot.record.find_step(self.name) or Step(self.name, snapshot.record.fence)
        if step.value is not None:
            return Transition(None, Renewed())  # our own write, whose reply was lost
        finished = replace(step, fence=snapshot.record.fence, value=self.value)
        return Transition(_with_step(snapshot.record, finished), Renewed())


class Settle(Struct, frozen=True, gc=False):
    """A holder records how its attempt ended (T10 to T15)."""

    lease_id: str
    disposition: Disposition

    def __call__(self, snapshot: Snapshot | None) -> Transition:
        if snapshot is None or snapshot.record.lease_id != self.lease_id:
            return Transition(None, Fenced(end_of(snapshot)))  # T13, somebody else's
        if snapshot.record.state is not State.RUNNING:
            return Transition(None, Settled(snapshot.record.state))  # T13, our own
        settled = _settle(snapshot.record, self.disposition)
        return Transition(settled, Settled(settled.state))


def _holds(record: Record, lease_id: str) -> bool:
    return record.lease_id == lease_id and record.state is State.RUNNING


def _with_step(record: Record, step: Step) -> Record:
    others = tuple(other for other in record.steps if other.name != step.name)
    return replace(record, steps=(*others, step))


def _settle(record: Record, disposition: Disposition) -> Record:
    match disposition:
        case Completed(result=result):
            return replace(record, state=State.COMPLETED, result=result, reason="")
        case Rejected(reason=reason):
            return replace(record, state=State.REJECTED, reason=reason)
        case Failed(reason=reason):
            dead = disposition.last or record.is_last(max_attempts=disposition.max_attempts)
            return _fail(record.noted(f"failed: {reason}"), reason=reason, dead=dead)
        case Drained():  # pragma: no branch - mypy has proved that there is no other
            drained = replace(record, drained=record.drained + 1)
            return _fail(drained.noted("drained"), reason="the worker was stopped", dead=disposition.last)


def _fail(record: Record, *, reason: str, dead: bool) -> Record:
    return replace(record, state=State.DEAD if dead else State.WAITING, reason=reason)
