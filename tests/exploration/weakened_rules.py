"""Rules of the law with one piece weakened, as subclasses: the files that ship are not touched."""

from __future__ import annotations

from msgspec.structs import replace

from taskhandler.lifecycle import rules as law
from taskhandler.lifecycle.record import Found, Mark, Record, State
from taskhandler.lifecycle.verdict import (
    Completed,
    Drained,
    Failed,
    Held,
    InFlight,
    Rejected,
    Run,
    Settled,
    Spent,
    Step,
)


class ForgetfulSettle(law.Settle, frozen=True):
    """A failure deletes the record, as far as a record can be deleted that is replaced."""

    def __call__(self, seen: Found | None) -> Step:
        step = super().__call__(seen)
        if step.write is None or not isinstance(self.end, Failed):
            return step
        return Step(replace(step.write, attempt=0, drained=0, fence=0, marks=()), step.verdict)


class UnfencedSettle(law.Settle, frozen=True):
    """The end is written down whoever holds the lease."""

    def __call__(self, seen: Found | None) -> Step:
        if seen is None:
            return super().__call__(seen)
        own = replace(seen.record, lease_id=self.lease_id, state=State.RUNNING)
        return super().__call__(replace(seen, record=own))


class UnfencedCompletion(UnfencedSettle, frozen=True):
    """A completion is written down whoever holds the lease (AWS Powertools)."""

    def __call__(self, seen: Found | None) -> Step:
        unfenced = isinstance(self.end, Completed)
        return super().__call__(seen) if unfenced else law.Settle.__call__(self, seen)


class UnfencedFailure(UnfencedSettle, frozen=True):
    """A failure is written down whoever holds the lease (Oban's basic engine)."""

    def __call__(self, seen: Found | None) -> Step:
        unfenced = isinstance(self.end, Failed)
        return super().__call__(seen) if unfenced else law.Settle.__call__(self, seen)


class UnfencedRejection(UnfencedSettle, frozen=True):
    """A rejection is written down whoever holds the lease."""

    def __call__(self, seen: Found | None) -> Step:
        unfenced = isinstance(self.end, Rejected)
        return super().__call__(seen) if unfenced else law.Settle.__call__(self, seen)


class StateGuardedSettle(law.Settle, frozen=True):
    """The state is looked at, and not the holder (River, procrastinate)."""

    def __call__(self, seen: Found | None) -> Step:
        if seen is None or seen.record.state is not State.RUNNING:
            return super().__call__(seen)
        return super().__call__(replace(seen, record=replace(seen.record, lease_id=self.lease_id)))


class TwiceSettle(law.Settle, frozen=True):
    """One's own end, whose reply was lost, is written down once more."""

    def __call__(self, seen: Found | None) -> Step:
        if seen is None or seen.record.lease_id != self.lease_id:
            return super().__call__(seen)
        return super().__call__(replace(seen, record=replace(seen.record, state=State.RUNNING)))


class AnotherKeysSettle(law.Settle, frozen=True):
    """The end is written under the key of another task, where it is fenced."""

    def __call__(self, seen: Found | None) -> Step:  # noqa: ARG002 - it looks elsewhere
        return super().__call__(None)


class AnotherKeysUnfencedSettle(law.Settle, frozen=True):
    """The end is written under the key of another task, whoever holds that."""

    def __call__(self, seen: Found | None) -> Step:  # noqa: ARG002 - it looks elsewhere
        return Step(None, Settled(State.COMPLETED))


class HopefulSettle(law.Settle, frozen=True):
    """The failure of the queue's last delivery leaves the task waiting."""

    def __call__(self, seen: Found | None) -> Step:
        end = self.end
        if isinstance(end, Failed | Drained):
            end = replace(end, last=False)
        return law.Settle(self.lease_id, end)(seen)


class ChargedDrain(law.Settle, frozen=True):
    """A drained attempt is charged."""

    def __call__(self, seen: Found | None) -> Step:
        if isinstance(self.end, Drained):
            return law.Settle(self.lease_id, Failed("", last=self.end.last, max_attempts=1))(seen)
        return super().__call__(seen)


class FreeFailure(law.Settle, frozen=True):
    """A failure is not charged, as if it had been drained."""

    def __call__(self, seen: Found | None) -> Step:
        if isinstance(self.end, Failed):
            return law.Settle(self.lease_id, Drained(last=self.end.last))(seen)
        return super().__call__(seen)


class UnfencedBeat(law.Beat, frozen=True):
    """A heartbeat extends the lease whoever holds it."""

    def __call__(self, seen: Found | None) -> Step:
        if seen is None or seen.record.state is not State.RUNNING:
            return super().__call__(seen)
        return Step(replace(seen.record, beats=seen.record.beats + 1), Held())


class UnfencedFinish(law.Finish, frozen=True):
    """What a step came to is written down whoever holds the lease."""

    def __call__(self, seen: Found | None) -> Step:
        if seen is None:
            return super().__call__(seen)
        mark = Mark(self.name, seen.record.fence, self.value)
        return Step(replace(seen.record, marks=(mark,)), Held())


class GentleReset(law.Reset, frozen=True):
    """A reset leaves the holder be."""

    def __call__(self, seen: Found | None) -> Step:
        step = super().__call__(seen)
        if step.write is None or seen is None or seen.record.state is not State.RUNNING:
            return step
        return Step(replace(step.write, state=State.RUNNING, lease_id=seen.record.lease_id), step.verdict)


class MarkingArrive(law.Arrive, frozen=True):
    """The task is marked as done before it is run (SET NX, then work)."""

    def __call__(self, seen: Found | None) -> Step:
        step = super().__call__(seen)
        if step.write is None:
            return step
        return Step(replace(step.write, state=State.COMPLETED), step.verdict)


class FastClockArrive(law.Arrive, frozen=True):
    """The claimant's own clock, which is ahead, says when a lease has lapsed."""

    def __call__(self, seen: Found | None) -> Step:
        ahead = None if seen is None else replace(seen, age=seen.age + self.lease)
        return super().__call__(ahead if ahead is not None and not ahead.record.ended else seen)


class UnchargedArrive(law.Arrive, frozen=True):
    """Attempts are counted when they fail, so that a crash is never counted."""

    def __call__(self, seen: Found | None) -> Step:
        step = super().__call__(seen)
        if not isinstance(step.verdict, Run) or step.write is None:
            return step
        return Step(replace(step.write, attempt=0), step.verdict)


class NamelessArrive(law.Arrive, frozen=True):
    """One's own claim is not known again."""

    def __call__(self, seen: Found | None) -> Step:
        if seen is None or seen.record.lease_id != self.lease_id:
            return super().__call__(seen)
        return super().__call__(replace(seen, record=replace(seen.record, lease_id="?")))


class NamesakeArrive(law.Arrive, frozen=True):
    """The lease id names the worker and not the delivery."""

    def __call__(self, seen: Found | None) -> Step:
        if seen is None or seen.record.state is not State.RUNNING:
            return super().__call__(seen)
        return super().__call__(replace(seen, record=replace(seen.record, lease_id=self.lease_id)))


class MeekArrive(law.Arrive, frozen=True):
    """A lapsed lease is not taken over."""

    def __call__(self, seen: Found | None) -> Step:
        return super().__call__(None if seen is None else replace(seen, age=min(seen.age, 1.0)))


class LateArrive(law.Arrive, frozen=True):
    """A lease has lapsed only after its last second."""

    def __call__(self, seen: Found | None) -> Step:
        lapsing = seen is not None and seen.record.state is State.RUNNING and seen.age == seen.record.lease
        theirs = seen is not None and seen.record.lease_id != self.lease_id
        return Step(None, InFlight(0.0)) if lapsing and theirs else super().__call__(seen)


class BlindArrive(law.Arrive, frozen=True):
    """The body is not compared."""

    def __call__(self, seen: Found | None) -> Step:
        same = None if seen is None else replace(seen, record=replace(seen.record, digest=self.digest))
        return super().__call__(same)


class ImpatientArrive(law.Arrive, frozen=True):
    """An end counts as no record at once, and not when its retention has passed."""

    def __call__(self, seen: Found | None) -> Step:
        gone = seen is not None and seen.record.ended
        return super().__call__(replace(seen, age=self.retention) if gone and seen is not None else seen)


class FencelessArrive(law.Arrive, frozen=True):
    """The fence does not grow when a lease is taken over."""

    def __call__(self, seen: Found | None) -> Step:
        step = super().__call__(seen)
        if step.write is None or seen is None:
            return step
        return Step(replace(step.write, fence=seen.record.fence), step.verdict)


class RestartingArrive(law.Arrive, frozen=True):
    """The fence begins again at 1 when a record is past its retention."""

    def __call__(self, seen: Found | None) -> Step:
        step = super().__call__(seen)
        again = seen is not None and seen.record.ended and step.write is not None
        return Step(_first(step.write), step.verdict) if again else step


class SilentArrive(law.Arrive, frozen=True):
    """A task whose attempts are spent is said to be dead, and nobody writes it down."""

    def __call__(self, seen: Found | None) -> Step:
        step = super().__call__(seen)
        return Step(None, Spent()) if isinstance(step.verdict, Spent) else step


class BoundlessArrive(law.Arrive, frozen=True):
    """A claim does not look at how many attempts there were."""

    def __call__(self, seen: Found | None) -> Step:
        return law.Arrive.__call__(replace(self, max_attempts=None), seen)


class HastyArrive(law.Arrive, frozen=True):
    """The last attempt is taken for spent before it is made."""

    def __call__(self, seen: Found | None) -> Step:
        if seen is None or self.max_attempts is None:
            return super().__call__(seen)
        return law.Arrive.__call__(replace(self, max_attempts=self.max_attempts - 1), seen)


def _first(record: Record | None) -> Record | None:
    return None if record is None else replace(record, fence=1)
