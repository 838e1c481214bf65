"""The rules of programs and operators, who act on a task from outside."""

from __future__ import annotations

from msgspec import Struct
from msgspec.structs import replace

from taskhandler.lifecycle.record import MOST_ACTS, OperatorAct, Record, Snapshot, State
from taskhandler.lifecycle.verdict import AlreadyEnded, Fenced, Settled, Transition


class Cancel(Struct, frozen=True, kw_only=True, gc=False):
    """A program or an operator does not want the task run any more (T17).

    The holder of a lease on it is fenced. What has ended stays as it is.

    Attributes:
        nonce: of this cancellation.
        reason: for people: one line (see `text.one_line`).
        handler: the handler's name, kept if no delivery has come yet.
        retention: seconds, likewise.
        act: what to keep of who cancels it, and why; None for a program.
    """

    nonce: str
    reason: str
    handler: str
    retention: float
    act: OperatorAct | None = None

    def __call__(self, snapshot: Snapshot | None) -> Transition:
        if snapshot is None:
            return self._cancel(self._undelivered_record(fence=0))
        record = snapshot.record
        if record.lease_id == self.nonce:
            return Transition(None, Settled(record.state))  # our own write, whose reply was lost
        if not record.is_terminal:
            return self._cancel(record)
        if snapshot.has_expired:
            return self._cancel(self._undelivered_record(fence=record.fence))  # T16
        return Transition(None, AlreadyEnded(record.state, on_dead_called=record.on_dead_called))

    def _undelivered_record(self, *, fence: int) -> Record:
        return Record(
            state=State.WAITING,
            attempt=0,
            fence=fence,
            lease_id="",
            lease=0.0,
            digest="",
            retention=self.retention,
            handler=self.handler,
        )

    def _cancel(self, record: Record) -> Transition:
        acts = record.acts if self.act is None else (*record.acts, self.act)[-MOST_ACTS:]
        cancelled = replace(record, state=State.CANCELLED, lease_id=self.nonce, reason=self.reason, acts=acts)
        return Transition(cancelled.noted(f"cancelled: {self.reason}"), Settled(State.CANCELLED))


class Reset(Struct, frozen=True, gc=False):
    """An operator wants the task run again, whatever its state; `once` steps stay done.

    The holder of a lease on it is fenced.
    """

    nonce: str

    def __call__(self, snapshot: Snapshot | None) -> Transition:
        if snapshot is None:
            return Transition(None, Fenced(None))
        if snapshot.record.lease_id == self.nonce:
            return Transition(None, Settled(snapshot.record.state))  # our own write, whose reply was lost
        noted = snapshot.record.noted(f"reset by an operator, was {_describe_end(snapshot.record)}")
        fresh = replace(
            noted,
            state=State.WAITING,
            lease_id=self.nonce,
            attempt=0,
            drained=0,
            on_dead_called=False,
            reason="",
            result=None,
        )
        return Transition(fresh, Settled(State.WAITING))


def _describe_end(record: Record) -> str:
    return f"{record.state.value}: {record.reason}" if record.reason else record.state.value
