"""`Cancel` and `Reset` with one piece weakened, as subclasses: the files that ship are not touched."""

from __future__ import annotations

from msgspec.structs import replace

from taskhandler.lifecycle import rules
from taskhandler.lifecycle.record import Snapshot, State
from taskhandler.lifecycle.verdict import (
    Transition,
)


class GentleReset(rules.Reset, frozen=True):
    """A reset leaves the holder be."""

    def __call__(self, snapshot: Snapshot | None) -> Transition:
        transition = super().__call__(snapshot)
        if transition.write is None or snapshot is None or snapshot.record.state is not State.RUNNING:
            return transition
        return Transition(
            replace(transition.write, state=State.RUNNING, lease_id=snapshot.record.lease_id),
            transition.verdict,
        )
