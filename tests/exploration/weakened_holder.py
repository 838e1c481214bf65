"""The acts of a holder, each with one piece weakened, as subclasses: the files that ship are not touched."""

from __future__ import annotations

from msgspec.structs import replace

from taskhandler.lifecycle import rules
from taskhandler.lifecycle.record import Snapshot, State, Step
from taskhandler.lifecycle.verdict import Completed, Drained, Failed, Rejected, Renewed, Settled, Transition


class ForgetfulSettle(rules.Settle, frozen=True):
    """A failure deletes the record, as far as a record can be deleted that is replaced."""

    def __call__(self, snapshot: Snapshot | None) -> Transition:
        transition = super().__call__(snapshot)
        if transition.write is None or not isinstance(self.disposition, Failed):
            return transition
        return Transition(
            replace(transition.write, attempt=0, drained=0, fence=0, steps=()), transition.verdict
        )


class UnfencedSettle(rules.Settle, frozen=True):
    """The end is written down no matter who holds the lease."""

    def __call__(self, snapshot: Snapshot | None) -> Transition:
        if snapshot is None:
            return super().__call__(snapshot)
        own = replace(snapshot.record, lease_id=self.lease_id, state=State.RUNNING)
        return super().__call__(replace(snapshot, record=own))


class UnfencedCompletion(UnfencedSettle, frozen=True):
    """A completion is written down no matter who holds the lease (AWS Powertools)."""

    def __call__(self, snapshot: Snapshot | None) -> Transition:
        unfenced = isinstance(self.disposition, Completed)
        return super().__call__(snapshot) if unfenced else rules.Settle.__call__(self, snapshot)


class UnfencedFailure(UnfencedSettle, frozen=True):
    """A failure is written down no matter who holds the lease (Oban's basic engine)."""

    def __call__(self, snapshot: Snapshot | None) -> Transition:
        unfenced = isinstance(self.disposition, Failed)
        return super().__call__(snapshot) if unfenced else rules.Settle.__call__(self, snapshot)


class UnfencedRejection(UnfencedSettle, frozen=True):
    """A rejection is written down no matter who holds the lease."""

    def __call__(self, snapshot: Snapshot | None) -> Transition:
        unfenced = isinstance(self.disposition, Rejected)
        return super().__call__(snapshot) if unfenced else rules.Settle.__call__(self, snapshot)


class StateGuardedSettle(rules.Settle, frozen=True):
    """The state is looked at, and not the holder (River, procrastinate)."""

    def __call__(self, snapshot: Snapshot | None) -> Transition:
        if snapshot is None or snapshot.record.state is not State.RUNNING:
            return super().__call__(snapshot)
        return super().__call__(replace(snapshot, record=replace(snapshot.record, lease_id=self.lease_id)))


class TwiceSettle(rules.Settle, frozen=True):
    """One's own end, whose reply was lost, is written down once more."""

    def __call__(self, snapshot: Snapshot | None) -> Transition:
        if snapshot is None or snapshot.record.lease_id != self.lease_id:
            return super().__call__(snapshot)
        return super().__call__(replace(snapshot, record=replace(snapshot.record, state=State.RUNNING)))


class AnotherKeysSettle(rules.Settle, frozen=True):
    """The end is written under the key of another task, where it is fenced."""

    def __call__(self, snapshot: Snapshot | None) -> Transition:  # noqa: ARG002 - it looks elsewhere
        return super().__call__(None)


class AnotherKeysUnfencedSettle(rules.Settle, frozen=True):
    """The end is written under the key of another task, no matter who holds that."""

    def __call__(self, snapshot: Snapshot | None) -> Transition:  # noqa: ARG002 - it looks elsewhere
        return Transition(None, Settled(State.COMPLETED))


class HopefulSettle(rules.Settle, frozen=True):
    """The failure of the queue's last delivery leaves the task waiting."""

    def __call__(self, snapshot: Snapshot | None) -> Transition:
        end = self.disposition
        if isinstance(end, Failed | Drained):
            end = replace(end, last=False)
        return rules.Settle(self.lease_id, end)(snapshot)


class ChargedDrain(rules.Settle, frozen=True):
    """A drained attempt is charged."""

    def __call__(self, snapshot: Snapshot | None) -> Transition:
        if isinstance(self.disposition, Drained):
            return rules.Settle(self.lease_id, Failed("", last=self.disposition.last, max_attempts=1))(
                snapshot
            )
        return super().__call__(snapshot)


class FreeFailure(rules.Settle, frozen=True):
    """A failure is not charged, as if it had been drained."""

    def __call__(self, snapshot: Snapshot | None) -> Transition:
        if isinstance(self.disposition, Failed):
            return rules.Settle(self.lease_id, Drained(last=self.disposition.last))(snapshot)
        return super().__call__(snapshot)


class UnfencedHeartbeat(rules.Heartbeat, frozen=True):
    """A heartbeat extends the lease no matter who holds it."""

    def __call__(self, snapshot: Snapshot | None) -> Transition:
        if snapshot is None or snapshot.record.state is not State.RUNNING:
            return super().__call__(snapshot)
        return Transition(replace(snapshot.record, heartbeats=snapshot.record.heartbeats + 1), Renewed())


class UnfencedFinishStep(rules.FinishStep, frozen=True):
    """What a step came to is written down no matter who holds the lease."""

    def __call__(self, snapshot: Snapshot | None) -> Transition:
        if snapshot is None:
            return super().__call__(snapshot)
        mark = Step(self.name, snapshot.record.fence, self.value)
        return Transition(replace(snapshot.record, steps=(mark,)), Renewed())
