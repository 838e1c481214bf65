"""The law: may this delivery run its task, and what may the holder of its lease write down?

This file does not know what time it is, where records are kept, what HTTP is, or what chance is. A rule
is shown the record as it was last seen and answers with the record to write (if any) and a verdict. It
is asked again when the record turns out to have changed: it is pure, hashable and compared by value::

                  T1             T10
    (no record) ─────▶ running ────────▶ completed ─┐
         ▲             ▲ │ ▲ │    T12               │
         │          T2 │ │ └─┘ ────────▶ rejected  ─┤ T16: past its retention
         │             │ │ T4 take-over             │
         │             │ ▼ T11, T15   T8, T11       │
         │           waiting ──────────▶ dead      ─┤
         └──────────────────────────────────────────┘

The numbers T1 to T17 are explained in docs/state-machine.md.
"""

from __future__ import annotations

from msgspec import Struct
from msgspec.structs import replace

from taskhandler.lifecycle.record import Record, Snapshot, State, Step
from taskhandler.lifecycle.verdict import (
    AlreadyEnded,
    Completed,
    Conflict,
    Disposition,
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

HISTORY = 10
"""How many lines of history a record keeps."""


class Claim(Struct, frozen=True, kw_only=True, gc=False):
    """A delivery has come: may it run its task? (T1 to T8, T16).

    Attributes:
        lease_id: the nonce of this delivery.
        digest: of the handler's name and the body.
        handler: the handler's name.
        lease: seconds.
        retention: seconds.
        max_attempts: charged claims after which the handler is not called again; None for no limit.
    """

    lease_id: str
    digest: str
    handler: str
    lease: float
    retention: float
    max_attempts: int | None = None

    def __call__(self, snapshot: Snapshot | None) -> Transition:
        """Judge."""
        if snapshot is None:
            return Transition(self._first(fence=1), Run())  # T1
        record = snapshot.record
        if record.is_terminal and snapshot.age >= record.retention:
            return Transition(self._first(fence=record.fence + 1), Run())  # T16
        if record.digest != self.digest:
            return Transition(None, Conflict())  # T7
        if record.is_terminal:
            return Transition(None, AlreadyEnded(record.state, on_dead_called=record.on_dead_called))  # T6
        if record.state is State.WAITING:
            return self._claim(record)  # T2
        if record.lease_id == self.lease_id:
            return Transition(None, Run())  # T5
        if snapshot.age < record.lease:
            return Transition(None, InFlight(record.lease - snapshot.age))  # T3
        return self._claim(_noted(record, "lost"))  # T4

    def _first(self, *, fence: int) -> Record:
        return Record(
            state=State.RUNNING,
            attempt=1,
            fence=fence,
            lease_id=self.lease_id,
            lease=self.lease,
            digest=self.digest,
            retention=self.retention,
            handler=self.handler,
        )

    def _claim(self, record: Record) -> Transition:
        if is_last(record, max_attempts=self.max_attempts):
            reason = record.reason or "every attempt lost its worker"
            return Transition(
                replace(record, state=State.DEAD, lease_id=self.lease_id, reason=reason), Exhausted()
            )  # T8
        claimed = replace(
            record,
            state=State.RUNNING,
            attempt=record.attempt + 1,
            fence=record.fence + 1,
            lease_id=self.lease_id,
            lease=self.lease,
            retention=self.retention,
        )
        return Transition(claimed, Run())


class Heartbeat(Struct, frozen=True, gc=False):
    """A holder's sign of life, which extends its lease (T9)."""

    lease_id: str

    def __call__(self, snapshot: Snapshot | None) -> Transition:
        """Judge."""
        if snapshot is None or not _holds(snapshot.record, self.lease_id):
            return Transition(None, _fenced(snapshot))
        return Transition(replace(snapshot.record, heartbeats=snapshot.record.heartbeats + 1), Renewed())


class BeginStep(Struct, frozen=True, gc=False):
    """A holder is about to begin the at-most-once step `name` (T9)."""

    lease_id: str
    name: str

    def __call__(self, snapshot: Snapshot | None) -> Transition:
        """Judge."""
        if snapshot is None or not _holds(snapshot.record, self.lease_id):
            return Transition(None, _fenced(snapshot))
        step = step_of(snapshot.record, self.name)
        if step is None:
            return Transition(_with_step(snapshot.record, Step(self.name, snapshot.record.fence)), Renewed())
        if step.value is None and step.fence == snapshot.record.fence:
            return Transition(None, Renewed())  # our own write, whose reply was lost
        return Transition(None, StepBegun(step.value))


class FinishStep(Struct, frozen=True, gc=False):
    """A holder has done the `once` step `name`, which came to `value`, JSON (T9)."""

    lease_id: str
    name: str
    value: str

    def __call__(self, snapshot: Snapshot | None) -> Transition:
        """Judge."""
        if snapshot is None or not _holds(snapshot.record, self.lease_id):
            return Transition(None, _fenced(snapshot))
        step = step_of(snapshot.record, self.name)
        if step is not None and step.value is not None:
            return Transition(None, Renewed())  # our own write, whose reply was lost
        return Transition(
            _with_step(snapshot.record, Step(self.name, snapshot.record.fence, self.value)), Renewed()
        )


class Settle(Struct, frozen=True, gc=False):
    """A holder writes down what its attempt came to (T10 to T15)."""

    lease_id: str
    disposition: Disposition

    def __call__(self, snapshot: Snapshot | None) -> Transition:
        """Judge."""
        if snapshot is None or snapshot.record.lease_id != self.lease_id:
            return Transition(None, _fenced(snapshot))  # T13, somebody else's
        if snapshot.record.state is not State.RUNNING:
            return Transition(None, Settled(snapshot.record.state))  # T13, our own
        settled = _settled(snapshot.record, self.disposition)
        return Transition(settled, Settled(settled.state))


class MarkNotified(Struct, frozen=True, gc=False):
    """The `on_dead` of a dead task has been called.

    `fence` is that of the dead record: a task that was reset meanwhile may have died another death,
    which is yet to be told. None for whichever death is found.
    """

    fence: int | None = None

    def __call__(self, snapshot: Snapshot | None) -> Transition:
        """Judge."""
        if snapshot is None or snapshot.record.state is not State.DEAD or snapshot.record.on_dead_called:
            return Transition(None, _fenced(snapshot))
        if self.fence not in {None, snapshot.record.fence}:
            return Transition(None, _fenced(snapshot))
        return Transition(replace(snapshot.record, on_dead_called=True), Settled(State.DEAD))


class KeepConflict(Struct, frozen=True, kw_only=True, gc=False):
    """A conflicting delivery is put aside, under a key of its own (T7)."""

    digest: str
    handler: str
    retention: float

    def __call__(self, snapshot: Snapshot | None) -> Transition:
        """Judge."""
        if snapshot is not None:
            return Transition(None, Settled(snapshot.record.state))
        buried = Record(
            state=State.REJECTED,
            attempt=0,
            fence=0,
            lease_id="",
            lease=0.0,
            digest=self.digest,
            retention=self.retention,
            handler=self.handler,
            reason="conflict: a task of this name is known with another body",
        )
        return Transition(buried, Settled(State.REJECTED))


class Reset(Struct, frozen=True, gc=False):
    """An operator wants the task run again, whatever its state; `once` steps stay done.

    The holder of a lease on it is fenced.
    """

    nonce: str

    def __call__(self, snapshot: Snapshot | None) -> Transition:
        """Judge."""
        if snapshot is None:
            return Transition(None, Fenced(None))
        if snapshot.record.lease_id == self.nonce:
            return Transition(None, Settled(snapshot.record.state))  # our own write, whose reply was lost
        fresh = replace(
            snapshot.record,
            state=State.WAITING,
            lease_id=self.nonce,
            attempt=0,
            drained=0,
            on_dead_called=False,
            result=None,
        )
        return Transition(_noted(fresh, "reset by an operator"), Settled(State.WAITING))


Rule = Claim | Heartbeat | BeginStep | FinishStep | Settle | MarkNotified | KeepConflict | Reset


def is_last(record: Record, *, max_attempts: int | None) -> bool:
    """Whether a failure of the attempt that holds `record` leaves none to the handler."""
    return max_attempts is not None and record.charged >= max_attempts


def step_of(record: Record, name: str) -> Step | None:
    """The mark of the `once` step `name`, if it has been begun."""
    return next((step for step in record.steps if step.name == name), None)


def _holds(record: Record, lease_id: str) -> bool:
    return record.lease_id == lease_id and record.state is State.RUNNING


def _fenced(snapshot: Snapshot | None) -> Fenced:
    return Fenced(snapshot.record.state if snapshot is not None and snapshot.record.is_terminal else None)


def _with_step(record: Record, step: Step) -> Record:
    others = tuple(other for other in record.steps if other.name != step.name)
    return replace(record, steps=(*others, step))


def _settled(record: Record, disposition: Disposition) -> Record:
    match disposition:
        case Completed(result=result):
            return replace(record, state=State.COMPLETED, result=result, reason="")
        case Rejected(reason=reason):
            return replace(record, state=State.REJECTED, reason=reason)
        case Failed(reason=reason):
            dead = disposition.last or is_last(record, max_attempts=disposition.max_attempts)
            return _failed(_noted(record, f"failed: {reason}"), reason=reason, dead=dead)
        case Drained():  # pragma: no branch - mypy has proved that there is no other
            drained = replace(record, drained=record.drained + 1)
            return _failed(_noted(drained, "drained"), reason="the worker was stopped", dead=disposition.last)


def _failed(record: Record, *, reason: str, dead: bool) -> Record:
    return replace(record, state=State.DEAD if dead else State.WAITING, reason=reason)


def _noted(record: Record, what: str) -> Record:
    return replace(record, history=(*record.history, f"{record.attempt} {what}")[-HISTORY:])
