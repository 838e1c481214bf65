"""The rules for what cannot be run: a death is marked as notified, a conflict is kept."""

from __future__ import annotations

from msgspec import Struct
from msgspec.structs import replace

from taskhandler.lifecycle.record import Record, Snapshot, State, end_of
from taskhandler.lifecycle.verdict import Fenced, Settled, Transition


class MarkNotified(Struct, frozen=True, gc=False):
    """The `on_dead` of a dead task has been called.

    `fence` is that of the dead record: a task that was reset meanwhile may have died again, and then
    `on_dead` is still to be called for that death. None for any death.
    """

    fence: int | None = None

    def __call__(self, snapshot: Snapshot | None) -> Transition:
        if snapshot is None or snapshot.record.state is not State.DEAD or snapshot.record.on_dead_called:
            return Transition(None, Fenced(end_of(snapshot)))
        if self.fence not in {None, snapshot.record.fence}:
            return Transition(None, Fenced(end_of(snapshot)))
        return Transition(replace(snapshot.record, on_dead_called=True), Settled(State.DEAD))


class KeepConflict(Struct, frozen=True, kw_only=True, gc=False):
    """Keep a conflicting delivery, under its own key (T7)."""

    digest: str
    handler: str
    retention: float

    def __call__(self, snapshot: Snapshot | None) -> Transition:
        if snapshot is not None:
            return Transition(None, Settled(snapshot.record.state))
        kept = Record(
            state=State.REJECTED,
            attempt=0,
            fence=0,
            lease_id="",
            lease=0.0,
            digest=self.digest,
            retention=self.retention,
            handler=self.handler,
            reason="conflict: a task with this name had another body",
        )
        return Transition(kept, Settled(State.REJECTED))
