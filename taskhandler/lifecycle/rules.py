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

The numbers T1 to T16 are explained in docs/law.md.
"""

from __future__ import annotations

from msgspec import Struct
from msgspec.structs import replace

from taskhandler.lifecycle.record import Found, Mark, Record, State
from taskhandler.lifecycle.verdict import (
    Begun,
    Completed,
    Conflict,
    Drained,
    End,
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

HISTORY = 10
"""How many lines of history a record keeps."""


class Arrive(Struct, frozen=True, kw_only=True, gc=False):
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

    def __call__(self, seen: Found | None) -> Step:
        """Judge."""
        if seen is None:
            return Step(self._first(fence=1), Run())  # T1
        record = seen.record
        if record.ended and seen.age >= record.retention:
            return Step(self._first(fence=record.fence + 1), Run())  # T16
        if record.digest != self.digest:
            return Step(None, Conflict())  # T7
        if record.ended:
            return Step(None, Ended(record.state, told=record.told))  # T6
        if record.state is State.WAITING:
            return self._claim(record)  # T2
        if record.lease_id == self.lease_id:
            return Step(None, Run())  # T5
        if seen.age < record.lease:
            return Step(None, InFlight(record.lease - seen.age))  # T3
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

    def _claim(self, record: Record) -> Step:
        if is_last(record, max_attempts=self.max_attempts):
            reason = record.reason or "every attempt lost its worker"
            return Step(
                replace(record, state=State.DEAD, lease_id=self.lease_id, reason=reason), Spent()
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
        return Step(claimed, Run())


class Beat(Struct, frozen=True, gc=False):
    """A holder's sign of life, which extends its lease (T9)."""

    lease_id: str

    def __call__(self, seen: Found | None) -> Step:
        """Judge."""
        if seen is None or not _holds(seen.record, self.lease_id):
            return Step(None, _fenced(seen))
        return Step(replace(seen.record, beats=seen.record.beats + 1), Held())


class Begin(Struct, frozen=True, gc=False):
    """A holder is about to begin the at-most-once step `name` (T9)."""

    lease_id: str
    name: str

    def __call__(self, seen: Found | None) -> Step:
        """Judge."""
        if seen is None or not _holds(seen.record, self.lease_id):
            return Step(None, _fenced(seen))
        mark = marked(seen.record, self.name)
        if mark is None:
            return Step(_with_mark(seen.record, Mark(self.name, seen.record.fence)), Held())
        if mark.value is None and mark.fence == seen.record.fence:
            return Step(None, Held())  # our own write, whose reply was lost
        return Step(None, Begun(mark.value))


class Finish(Struct, frozen=True, gc=False):
    """A holder has done the `once` step `name`, which came to `value`, JSON (T9)."""

    lease_id: str
    name: str
    value: str

    def __call__(self, seen: Found | None) -> Step:
        """Judge."""
        if seen is None or not _holds(seen.record, self.lease_id):
            return Step(None, _fenced(seen))
        mark = marked(seen.record, self.name)
        if mark is not None and mark.value is not None:
            return Step(None, Held())  # our own write, whose reply was lost
        return Step(_with_mark(seen.record, Mark(self.name, seen.record.fence, self.value)), Held())


class Settle(Struct, frozen=True, gc=False):
    """A holder writes down what its attempt came to (T10 to T15)."""

    lease_id: str
    end: End

    def __call__(self, seen: Found | None) -> Step:
        """Judge."""
        if seen is None or seen.record.lease_id != self.lease_id:
            return Step(None, _fenced(seen))  # T13, somebody else's
        if seen.record.state is not State.RUNNING:
            return Step(None, Settled(seen.record.state))  # T13, our own
        settled = _settled(seen.record, self.end)
        return Step(settled, Settled(settled.state))


class Tell(Struct, frozen=True, gc=False):
    """The `on_dead` of a dead task has been called.

    `fence` is that of the dead record: a task that was reset meanwhile may have died another death,
    which is yet to be told. None for whichever death is found.
    """

    fence: int | None = None

    def __call__(self, seen: Found | None) -> Step:
        """Judge."""
        if seen is None or seen.record.state is not State.DEAD or seen.record.told:
            return Step(None, _fenced(seen))
        if self.fence not in {None, seen.record.fence}:
            return Step(None, _fenced(seen))
        return Step(replace(seen.record, told=True), Settled(State.DEAD))


class Bury(Struct, frozen=True, kw_only=True, gc=False):
    """A conflicting delivery is put aside, under a key of its own (T7)."""

    digest: str
    handler: str
    retention: float

    def __call__(self, seen: Found | None) -> Step:
        """Judge."""
        if seen is not None:
            return Step(None, Settled(seen.record.state))
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
        return Step(buried, Settled(State.REJECTED))


class Reset(Struct, frozen=True, gc=False):
    """An operator wants the task run again, whatever its state; `once` steps stay done.

    The holder of a lease on it is fenced.
    """

    nonce: str

    def __call__(self, seen: Found | None) -> Step:
        """Judge."""
        if seen is None:
            return Step(None, Fenced(None))
        if seen.record.lease_id == self.nonce:
            return Step(None, Settled(seen.record.state))  # our own write, whose reply was lost
        fresh = replace(
            seen.record,
            state=State.WAITING,
            lease_id=self.nonce,
            attempt=0,
            drained=0,
            told=False,
            result=None,
        )
        return Step(_noted(fresh, "reset by an operator"), Settled(State.WAITING))


Rule = Arrive | Beat | Begin | Finish | Settle | Tell | Bury | Reset


def is_last(record: Record, *, max_attempts: int | None) -> bool:
    """Whether a failure of the attempt that holds `record` leaves none to the handler."""
    return max_attempts is not None and record.charged >= max_attempts


def marked(record: Record, name: str) -> Mark | None:
    """The mark of the `once` step `name`, if it has been begun."""
    return next((mark for mark in record.marks if mark.name == name), None)


def _holds(record: Record, lease_id: str) -> bool:
    return record.lease_id == lease_id and record.state is State.RUNNING


def _fenced(seen: Found | None) -> Fenced:
    return Fenced(seen.record.state if seen is not None and seen.record.ended else None)


def _with_mark(record: Record, mark: Mark) -> Record:
    others = tuple(other for other in record.marks if other.name != mark.name)
    return replace(record, marks=(*others, mark))


def _settled(record: Record, end: End) -> Record:
    match end:
        case Completed(result=result):
            return replace(record, state=State.COMPLETED, result=result, reason="")
        case Rejected(reason=reason):
            return replace(record, state=State.REJECTED, reason=reason)
        case Failed(reason=reason):
            dead = end.last or is_last(record, max_attempts=end.max_attempts)
            return _failed(_noted(record, f"failed: {reason}"), reason=reason, dead=dead)
        case Drained():  # pragma: no branch - mypy has proved that there is no other
            drained = replace(record, drained=record.drained + 1)
            return _failed(_noted(drained, "drained"), reason="the worker was stopped", dead=end.last)


def _failed(record: Record, *, reason: str, dead: bool) -> Record:
    return replace(record, state=State.DEAD if dead else State.WAITING, reason=reason)


def _noted(record: Record, what: str) -> Record:
    return replace(record, history=(*record.history, f"{record.attempt} {what}")[-HISTORY:])
