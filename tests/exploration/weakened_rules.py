"""Rules of the law with one piece weakened, as subclasses: the files that ship are not touched."""

from __future__ import annotations

from msgspec.structs import replace

from taskhandler.lifecycle import rules as law
from taskhandler.lifecycle.record import Record, Snapshot, State, Step
from taskhandler.lifecycle.verdict import (
    Completed,
    Drained,
    Exhausted,
    Failed,
    InFlight,
    Rejected,
    Renewed,
    Run,
    Settled,
    Transition,
)


class ForgetfulSettle(law.Settle, frozen=True):
    """A failure deletes the record, as far as a record can be deleted that is replaced."""

    def __call__(self, snapshot: Snapshot | None) -> Transition:
        transition = super().__call__(snapshot)
        if transition.write is None or not isinstance(self.disposition, Failed):
            return transition
        return Transition(
            replace(transition.write, attempt=0, drained=0, fence=0, steps=()), transition.verdict
        )


class UnfencedSettle(law.Settle, frozen=True):
    """The end is written down whoever holds the lease."""

    def __call__(self, snapshot: Snapshot | None) -> Transition:
        if snapshot is None:
            return super().__call__(snapshot)
        own = replace(snapshot.record, lease_id=self.lease_id, state=State.RUNNING)
        return super().__call__(replace(snapshot, record=own))


class UnfencedCompletion(UnfencedSettle, frozen=True):
    """A completion is written down whoever holds the lease (AWS Powertools)."""

    def __call__(self, snapshot: Snapshot | None) -> Transition:
        unfenced = isinstance(self.disposition, Completed)
        return super().__call__(snapshot) if unfenced else law.Settle.__call__(self, snapshot)


class UnfencedFailure(UnfencedSettle, frozen=True):
    """A failure is written down whoever holds the lease (Oban's basic engine)."""

    def __call__(self, snapshot: Snapshot | None) -> Transition:
        unfenced = isinstance(self.disposition, Failed)
        return super().__call__(snapshot) if unfenced else law.Settle.__call__(self, snapshot)


class UnfencedRejection(UnfencedSettle, frozen=True):
    """A rejection is written down whoever holds the lease."""

    def __call__(self, snapshot: Snapshot | None) -> Transition:
        unfenced = isinstance(self.disposition, Rejected)
        return super().__call__(snapshot) if unfenced else law.Settle.__call__(self, snapshot)


class StateGuardedSettle(law.Settle, frozen=True):
    """The state is looked at, and not the holder (River, procrastinate)."""

    def __call__(self, snapshot: Snapshot | None) -> Transition:
        if snapshot is None or snapshot.record.state is not State.RUNNING:
            return super().__call__(snapshot)
        return super().__call__(replace(snapshot, record=replace(snapshot.record, lease_id=self.lease_id)))


class TwiceSettle(law.Settle, frozen=True):
    """One's own end, whose reply was lost, is written down once more."""

    def __call__(self, snapshot: Snapshot | None) -> Transition:
        if snapshot is None or snapshot.record.lease_id != self.lease_id:
            return super().__call__(snapshot)
        return super().__call__(replace(snapshot, record=replace(snapshot.record, state=State.RUNNING)))


class AnotherKeysSettle(law.Settle, frozen=True):
    """The end is written under the key of another task, where it is fenced."""

    def __call__(self, snapshot: Snapshot | None) -> Transition:  # noqa: ARG002 - it looks elsewhere
        return super().__call__(None)


class AnotherKeysUnfencedSettle(law.Settle, frozen=True):
    """The end is written under the key of another task, whoever holds that."""

    def __call__(self, snapshot: Snapshot | None) -> Transition:  # noqa: ARG002 - it looks elsewhere
        return Transition(None, Settled(State.COMPLETED))


class HopefulSettle(law.Settle, frozen=True):
    """The failure of the queue's last delivery leaves the task waiting."""

    def __call__(self, snapshot: Snapshot | None) -> Transition:
        end = self.disposition
        if isinstance(end, Failed | Drained):
            end = replace(end, last=False)
        return law.Settle(self.lease_id, end)(snapshot)


class ChargedDrain(law.Settle, frozen=True):
    """A drained attempt is charged."""

    def __call__(self, snapshot: Snapshot | None) -> Transition:
        if isinstance(self.disposition, Drained):
            return law.Settle(self.lease_id, Failed("", last=self.disposition.last, max_attempts=1))(snapshot)
        return super().__call__(snapshot)


class FreeFailure(law.Settle, frozen=True):
    """A failure is not charged, as if it had been drained."""

    def __call__(self, snapshot: Snapshot | None) -> Transition:
        if isinstance(self.disposition, Failed):
            return law.Settle(self.lease_id, Drained(last=self.disposition.last))(snapshot)
        return super().__call__(snapshot)


class UnfencedHeartbeat(law.Heartbeat, frozen=True):
    """A heartbeat extends the lease whoever holds it."""

    def __call__(self, snapshot: Snapshot | None) -> Transition:
        if snapshot is None or snapshot.record.state is not State.RUNNING:
            return super().__call__(snapshot)
        return Transition(replace(snapshot.record, heartbeats=snapshot.record.heartbeats + 1), Renewed())


class UnfencedFinishStep(law.FinishStep, frozen=True):
    """What a step came to is written down whoever holds the lease."""

    def __call__(self, snapshot: Snapshot | None) -> Transition:
        if snapshot is None:
            return super().__call__(snapshot)
        mark = Step(self.name, snapshot.record.fence, self.value)
        return Transition(replace(snapshot.record, steps=(mark,)), Renewed())


class GentleReset(law.Reset, frozen=True):
    """A reset leaves the holder be."""

    def __call__(self, snapshot: Snapshot | None) -> Transition:
        transition = super().__call__(snapshot)
        if transition.write is None or snapshot is None or snapshot.record.state is not State.RUNNING:
            return transition
        return Transition(
            replace(transition.write, state=State.RUNNING, lease_id=snapshot.record.lease_id),
            transition.verdict,
        )


class MarkingClaim(law.Claim, frozen=True):
    """The task is marked as done before it is run (SET NX, then work)."""

    def __call__(self, snapshot: Snapshot | None) -> Transition:
        transition = super().__call__(snapshot)
        if transition.write is None:
            return transition
        return Transition(replace(transition.write, state=State.COMPLETED), transition.verdict)


class FastClockClaim(law.Claim, frozen=True):
    """The claimant's own clock, which is ahead, says when a lease has lapsed."""

    def __call__(self, snapshot: Snapshot | None) -> Transition:
        ahead = None if snapshot is None else replace(snapshot, age=snapshot.age + self.lease)
        return super().__call__(ahead if ahead is not None and not ahead.record.is_terminal else snapshot)


class UnchargedClaim(law.Claim, frozen=True):
    """Attempts are counted when they fail, so that a crash is never counted."""

    def __call__(self, snapshot: Snapshot | None) -> Transition:
        transition = super().__call__(snapshot)
        if not isinstance(transition.verdict, Run) or transition.write is None:
            return transition
        return Transition(replace(transition.write, attempt=0), transition.verdict)


class NamelessClaim(law.Claim, frozen=True):
    """One's own claim is not known again."""

    def __call__(self, snapshot: Snapshot | None) -> Transition:
        if snapshot is None or snapshot.record.lease_id != self.lease_id:
            return super().__call__(snapshot)
        return super().__call__(replace(snapshot, record=replace(snapshot.record, lease_id="?")))


class NamesakeClaim(law.Claim, frozen=True):
    """The lease id names the worker and not the delivery."""

    def __call__(self, snapshot: Snapshot | None) -> Transition:
        if snapshot is None or snapshot.record.state is not State.RUNNING:
            return super().__call__(snapshot)
        return super().__call__(replace(snapshot, record=replace(snapshot.record, lease_id=self.lease_id)))


class MeekClaim(law.Claim, frozen=True):
    """A lapsed lease is not taken over."""

    def __call__(self, snapshot: Snapshot | None) -> Transition:
        return super().__call__(None if snapshot is None else replace(snapshot, age=min(snapshot.age, 1.0)))


class LateClaim(law.Claim, frozen=True):
    """A lease has lapsed only after its last second."""

    def __call__(self, snapshot: Snapshot | None) -> Transition:
        lapsing = (
            snapshot is not None
            and snapshot.record.state is State.RUNNING
            and snapshot.age == snapshot.record.lease
        )
        theirs = snapshot is not None and snapshot.record.lease_id != self.lease_id
        return Transition(None, InFlight(0.0)) if lapsing and theirs else super().__call__(snapshot)


class BlindClaim(law.Claim, frozen=True):
    """The body is not compared."""

    def __call__(self, snapshot: Snapshot | None) -> Transition:
        same = (
            None
            if snapshot is None
            else replace(snapshot, record=replace(snapshot.record, digest=self.digest))
        )
        return super().__call__(same)


class ImpatientClaim(law.Claim, frozen=True):
    """An end counts as no record at once, and not when its retention has passed."""

    def __call__(self, snapshot: Snapshot | None) -> Transition:
        gone = snapshot is not None and snapshot.record.is_terminal
        return super().__call__(
            replace(snapshot, age=self.retention) if gone and snapshot is not None else snapshot
        )


class FencelessClaim(law.Claim, frozen=True):
    """The fence does not grow when a lease is taken over."""

    def __call__(self, snapshot: Snapshot | None) -> Transition:
        transition = super().__call__(snapshot)
        if transition.write is None or snapshot is None:
            return transition
        return Transition(replace(transition.write, fence=snapshot.record.fence), transition.verdict)


class RestartingClaim(law.Claim, frozen=True):
    """The fence begins again at 1 when a record is past its retention."""

    def __call__(self, snapshot: Snapshot | None) -> Transition:
        transition = super().__call__(snapshot)
        again = snapshot is not None and snapshot.record.is_terminal and transition.write is not None
        return Transition(_first(transition.write), transition.verdict) if again else transition


class SilentClaim(law.Claim, frozen=True):
    """A task whose attempts are spent is said to be dead, and nobody writes it down."""

    def __call__(self, snapshot: Snapshot | None) -> Transition:
        transition = super().__call__(snapshot)
        return Transition(None, Exhausted()) if isinstance(transition.verdict, Exhausted) else transition


class BoundlessClaim(law.Claim, frozen=True):
    """A claim does not look at how many attempts there were."""

    def __call__(self, snapshot: Snapshot | None) -> Transition:
        return law.Claim.__call__(replace(self, max_attempts=None), snapshot)


class HastyClaim(law.Claim, frozen=True):
    """The last attempt is taken for spent before it is made."""

    def __call__(self, snapshot: Snapshot | None) -> Transition:
        if snapshot is None or self.max_attempts is None:
            return super().__call__(snapshot)
        return law.Claim.__call__(replace(self, max_attempts=self.max_attempts - 1), snapshot)


def _first(record: Record | None) -> Record | None:
    return None if record is None else replace(record, fence=1)
