"""`Claim` with one piece weakened, as subclasses: the files that ship are not touched."""

from __future__ import annotations

from msgspec.structs import replace

from taskhandler.lifecycle import rules
from taskhandler.lifecycle.record import Record, Snapshot, State
from taskhandler.lifecycle.verdict import Conflict, Exhausted, InFlight, Run, Transition


class MarkingClaim(rules.Claim, frozen=True):
    """The task is marked as done before it is run (SET NX, then work)."""

    def __call__(self, snapshot: Snapshot | None) -> Transition:
        transition = super().__call__(snapshot)
        if transition.write is None:
            return transition
        return Transition(replace(transition.write, state=State.COMPLETED), transition.verdict)


class FastClockClaim(rules.Claim, frozen=True):
    """The claimant's own clock, which is ahead, says when a lease has lapsed."""

    def __call__(self, snapshot: Snapshot | None) -> Transition:
        ahead = None if snapshot is None else replace(snapshot, age=snapshot.age + self.lease)
        return super().__call__(ahead if ahead is not None and not ahead.record.is_terminal else snapshot)


class UnchargedClaim(rules.Claim, frozen=True):
    """Attempts are counted when they fail, so that a crash is never counted."""

    def __call__(self, snapshot: Snapshot | None) -> Transition:
        transition = super().__call__(snapshot)
        if not isinstance(transition.verdict, Run) or transition.write is None:
            return transition
        return Transition(replace(transition.write, attempt=0), transition.verdict)


class NamelessClaim(rules.Claim, frozen=True):
    """One's own claim is not known again."""

    def __call__(self, snapshot: Snapshot | None) -> Transition:
        if snapshot is None or snapshot.record.lease_id != self.lease_id:
            return super().__call__(snapshot)
        return super().__call__(replace(snapshot, record=replace(snapshot.record, lease_id="?")))


class NamesakeClaim(rules.Claim, frozen=True):
    """The lease id names the worker and not the delivery."""

    def __call__(self, snapshot: Snapshot | None) -> Transition:
        if snapshot is None or snapshot.record.state is not State.RUNNING:
            return super().__call__(snapshot)
        return super().__call__(replace(snapshot, record=replace(snapshot.record, lease_id=self.lease_id)))


class MeekClaim(rules.Claim, frozen=True):
    """A lapsed lease is not taken over."""

    def __call__(self, snapshot: Snapshot | None) -> Transition:
        return super().__call__(None if snapshot is None else replace(snapshot, age=min(snapshot.age, 1.0)))


class LateClaim(rules.Claim, frozen=True):
    """A lease has lapsed only after its last second."""

    def __call__(self, snapshot: Snapshot | None) -> Transition:
        lapsing = (
            snapshot is not None
            and snapshot.record.state is State.RUNNING
            and snapshot.age == snapshot.record.lease
        )
        theirs = snapshot is not None and snapshot.record.lease_id != self.lease_id
        return Transition(None, InFlight(0.0)) if lapsing and theirs else super().__call__(snapshot)


class BlindClaim(rules.Claim, frozen=True):
    """The body is not compared."""

    def __call__(self, snapshot: Snapshot | None) -> Transition:
        same = (
            None
            if snapshot is None
            else replace(snapshot, record=replace(snapshot.record, digest=self.digest))
        )
        return super().__call__(same)


class ImpatientClaim(rules.Claim, frozen=True):
    """An end counts as no record at once, and not when its retention has passed."""

    def __call__(self, snapshot: Snapshot | None) -> Transition:
        gone = snapshot is not None and snapshot.record.is_terminal
        return super().__call__(
            replace(snapshot, age=self.retention) if gone and snapshot is not None else snapshot
        )


class FencelessClaim(rules.Claim, frozen=True):
    """The fence does not grow when a lease is taken over."""

    def __call__(self, snapshot: Snapshot | None) -> Transition:
        transition = super().__call__(snapshot)
        if transition.write is None or snapshot is None:
            return transition
        return Transition(replace(transition.write, fence=snapshot.record.fence), transition.verdict)


class RestartingClaim(rules.Claim, frozen=True):
    """The fence begins again at 1 when a record is past its retention."""

    def __call__(self, snapshot: Snapshot | None) -> Transition:
        transition = super().__call__(snapshot)
        again = snapshot is not None and snapshot.record.is_terminal and transition.write is not None
        return Transition(_first(transition.write), transition.verdict) if again else transition


class SilentClaim(rules.Claim, frozen=True):
    """A task whose attempts are spent is said to be dead, and that is not recorded."""

    def __call__(self, snapshot: Snapshot | None) -> Transition:
        transition = super().__call__(snapshot)
        return Transition(None, Exhausted()) if isinstance(transition.verdict, Exhausted) else transition


class BoundlessClaim(rules.Claim, frozen=True):
    """A claim does not look at how many attempts there were."""

    def __call__(self, snapshot: Snapshot | None) -> Transition:
        return rules.Claim.__call__(replace(self, max_attempts=None), snapshot)


class HastyClaim(rules.Claim, frozen=True):
    """The last attempt is taken for spent before it is made."""

    def __call__(self, snapshot: Snapshot | None) -> Transition:
        if snapshot is None or self.max_attempts is None:
            return super().__call__(snapshot)
        return rules.Claim.__call__(replace(self, max_attempts=self.max_attempts - 1), snapshot)


class ReadyClaim(rules.Claim, frozen=True):
    """A cancelled task may be claimed."""

    def __call__(self, snapshot: Snapshot | None) -> Transition:
        return super().__call__(_revived(snapshot))


class TrustingClaim(rules.Claim, frozen=True):
    """A cancelled task runs, and nothing is written down."""

    def __call__(self, snapshot: Snapshot | None) -> Transition:
        cancelled = snapshot is not None and snapshot.record.state is State.CANCELLED
        return Transition(None, Run()) if cancelled else super().__call__(snapshot)


class BodyFirstClaim(rules.Claim, frozen=True):
    """The body is compared before it is asked whether the task is cancelled (T7 before T17)."""

    def __call__(self, snapshot: Snapshot | None) -> Transition:
        expired = snapshot is None or snapshot.age >= snapshot.record.retention
        other = snapshot is not None and snapshot.record.digest != self.digest
        return super().__call__(snapshot) if expired or not other else Transition(None, Conflict())


class StrictClaim(rules.Claim, frozen=True):
    """A body conflicts with a task whose body is not known, since it was cancelled before it came."""

    def __call__(self, snapshot: Snapshot | None) -> Transition:
        if snapshot is None or snapshot.record.state is State.CANCELLED or snapshot.record.digest:
            return super().__call__(snapshot)
        return Transition(None, Conflict())


class FormlessClaim(rules.Claim, frozen=True):
    """The body of a task that was cancelled before it came, and reset, is never known."""

    def __call__(self, snapshot: Snapshot | None) -> Transition:
        transition = super().__call__(snapshot)
        if transition.write is None or snapshot is None or snapshot.record.digest:
            return transition
        return Transition(replace(transition.write, digest=""), transition.verdict)


def _first(record: Record | None) -> Record | None:
    return None if record is None else replace(record, fence=1)


def _revived(snapshot: Snapshot | None) -> Snapshot | None:
    if snapshot is None or snapshot.record.state is not State.CANCELLED:
        return snapshot
    return replace(snapshot, record=replace(snapshot.record, state=State.WAITING))
