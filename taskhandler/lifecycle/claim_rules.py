"""The rule that every delivery begins with: may it run its task?"""

from __future__ import annotations

from msgspec import Struct
from msgspec.structs import replace

from taskhandler.lifecycle.record import Record, Snapshot, State
from taskhandler.lifecycle.verdict import AlreadyEnded, Conflict, Exhausted, InFlight, Run, Transition


class Claim(Struct, frozen=True, kw_only=True, gc=False):
    """A delivery has come: may it run its task? (T1 to T8, T16, T17).

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
        if snapshot is None:
            return Transition(self._first_record(fence=1), Run())  # T1
        record = snapshot.record
        if snapshot.has_expired:
            return Transition(self._first_record(fence=record.fence + 1), Run())  # T16
        if record.state is not State.CANCELLED and record.digest not in {"", self.digest}:  # T17 before T7
            return Transition(None, Conflict())  # T7
        if record.is_terminal:
            return Transition(None, AlreadyEnded(record.state, on_dead_called=record.on_dead_called))  # T6
        if record.state is State.WAITING:
            return self._claim(record)  # T2
        if record.lease_id == self.lease_id:
            return Transition(None, Run())  # T5
        if snapshot.age < record.lease:
            return Transition(None, InFlight(record.lease - snapshot.age))  # T3
        return self._claim(record.noted("lost"))  # T4

    def _first_record(self, *, fence: int) -> Record:
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
        if record.is_last(max_attempts=self.max_attempts):
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
            digest=self.digest,
            retention=self.retention,
            handler=self.handler,
        )
        return Transition(claimed, Run())
