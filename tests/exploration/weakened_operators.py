"""`Cancel` and `Reset` with one piece weakened, as subclasses: the files that ship are not touched."""

from __future__ import annotations

from msgspec.structs import replace

from taskhandler.lifecycle import rules
from taskhandler.lifecycle.record import Snapshot, State
from taskhandler.lifecycle.verdict import AlreadyEnded, Settled, Transition


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


class GentleCancel(rules.Cancel, frozen=True):
    """A cancellation leaves the holder be: it only says that the task is not wanted."""

    def __call__(self, snapshot: Snapshot | None) -> Transition:
        transition = super().__call__(snapshot)
        if transition.write is None or snapshot is None or snapshot.record.state is not State.RUNNING:
            return transition
        return Transition(
            replace(transition.write, state=State.RUNNING, lease_id=snapshot.record.lease_id),
            transition.verdict,
        )


class LateCancel(rules.Cancel, frozen=True):
    """A task that has ended is cancelled."""

    def __call__(self, snapshot: Snapshot | None) -> Transition:
        if snapshot is None or not snapshot.record.is_terminal:
            return super().__call__(snapshot)
        return super().__call__(replace(snapshot, record=replace(snapshot.record, state=State.WAITING)))


class ForgetfulCancel(rules.Cancel, frozen=True):
    """A cancellation leaves nothing behind that keeps the task from being claimed."""

    def __call__(self, snapshot: Snapshot | None) -> Transition:
        transition = super().__call__(snapshot)
        if transition.write is None:
            return transition
        return Transition(replace(transition.write, state=State.WAITING), transition.verdict)


class SilentCancel(rules.Cancel, frozen=True):
    """A task that has never come is said to be cancelled, and that is not recorded."""

    def __call__(self, snapshot: Snapshot | None) -> Transition:
        return super().__call__(snapshot) if snapshot else Transition(None, Settled(State.CANCELLED))


class PoliteCancel(rules.Cancel, frozen=True):
    """A task that runs is said to have ended, instead of being cancelled."""

    def __call__(self, snapshot: Snapshot | None) -> Transition:
        if snapshot is None or snapshot.record.state is not State.RUNNING:
            return super().__call__(snapshot)
        return Transition(None, AlreadyEnded(State.COMPLETED, on_dead_called=False))


class NamelessCancel(rules.Cancel, frozen=True):
    """One's own cancellation, whose reply was lost, is not known again."""

    def __call__(self, snapshot: Snapshot | None) -> Transition:
        if snapshot is None or snapshot.record.lease_id != self.nonce:
            return super().__call__(snapshot)
        return super().__call__(replace(snapshot, record=replace(snapshot.record, lease_id="?")))


class TimelessCancel(rules.Cancel, frozen=True):
    """An end counts as one even after its retention."""

    def __call__(self, snapshot: Snapshot | None) -> Transition:
        return super().__call__(None if snapshot is None else replace(snapshot, age=0.0))


class RestartingCancel(rules.Cancel, frozen=True):
    """The fence begins again when a record that is past its retention is cancelled."""

    def __call__(self, snapshot: Snapshot | None) -> Transition:
        transition = super().__call__(snapshot)
        past = snapshot is not None and snapshot.record.is_terminal
        if transition.write is None or not past:
            return transition
        return Transition(replace(transition.write, fence=0), transition.verdict)
