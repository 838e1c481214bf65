"""Parts of the product with one guard taken out, beside the rules that the exploration has weakened."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from msgspec.structs import replace

from taskhandler.delivery.outcome_decision import choose_outcome
from taskhandler.ledger.amend import Done, Pending, Read, resume
from taskhandler.ledger.bootclock import ServerClock, Stamp
from taskhandler.ledger.sqlite import rows as sqlite_rows
from taskhandler.ledger.storage import Stale, Unknown, Written
from taskhandler.lifecycle import rules
from taskhandler.lifecycle.record import Snapshot, State
from taskhandler.lifecycle.verdict import Conflict, InFlight, Renewed, Run, Settled, Transition, Verdict
from taskhandler.outcome import Outcome

REPLACE = sqlite_rows.REPLACE.replace("AND version = ?", "AND ? IS NOT NULL")
CREATE = sqlite_rows.CREATE.replace("INSERT", "INSERT OR REPLACE").replace("ON CONFLICT DO NOTHING", "")


def acknowledging(*kinds: type[Verdict]) -> Callable[..., Outcome]:
    """An `choose_outcome` that says completed where it must not."""

    def generous(verdict: Verdict, *, is_limited: bool) -> Outcome:
        return (
            Outcome.COMPLETED
            if isinstance(verdict, kinds)
            else choose_outcome(verdict, is_limited=is_limited)
        )

    return generous


def acknowledging_failures(verdict: Verdict, *, is_limited: bool) -> Outcome:
    """An `choose_outcome` that says completed of what failed."""
    failed = verdict == Settled(State.WAITING)
    return Outcome.COMPLETED if failed else choose_outcome(verdict, is_limited=is_limited)


def believing(*kinds: type[Stale | Unknown]) -> Callable[..., Pending | Done]:
    """A `resume` that takes a write for done that may not be, or is not."""

    def credulous(pending: Pending, answer: Any) -> Pending | Done:  # noqa: ANN401 - whatever a storage answers
        write = not isinstance(pending.op, Read)
        return resume(pending, Written(0) if write and isinstance(answer, kinds) else answer)

    return credulous


class IdleHeartbeat(rules.Heartbeat, frozen=True):
    """A heartbeat that changes nothing, so that Firestore's update_time stays where it is."""

    def __call__(self, snapshot: Snapshot | None) -> Transition:
        transition = super().__call__(snapshot)
        if snapshot is None or transition.write is None:
            return transition
        return Transition(snapshot.record, Renewed())


class ForgetfulMarkNotified(rules.MarkNotified, frozen=True):
    """That `on_dead` was called is not written down."""

    def __call__(self, snapshot: Snapshot | None) -> Transition:  # noqa: ARG002 - it looks at nothing
        return Transition(None, Settled(State.DEAD))


def runs_anyway(self: object) -> Run:  # noqa: ARG001 - a method of Lease
    """A `Lease.ensure_live` that does not look at the clock."""
    return Run()


def nothing(*_: object, **__: object) -> None:
    """Stand in for what is left out."""


def never(*_: object) -> bool:
    """Stand in for a guard that never says so."""
    return False


def bounced(self: object, delivery: object, verdict: InFlight) -> Verdict:  # noqa: ARG001 - of Receiver
    """A delivery that is in flight is sent away, although nobody comes after it."""
    return verdict


def conflict_unrecorded(self: object, delivery: object) -> Verdict:  # noqa: ARG001 - of Receiver
    """A conflict is acknowledged, and nobody writes it down."""
    return Conflict()


def without_body(amend: Callable[..., Done]) -> Callable[..., Done]:
    """A `Ledger.amend` that keeps no bodies."""

    def amended(*args: Any, body: object = None, **named: Any) -> Done:  # noqa: ANN401, ARG001 - amend's
        return amend(*args, **named)

    return amended


def aged_by_the_wall(self: ServerClock, stamp: Stamp, *, now: int) -> float:  # noqa: ARG001 - of ServerClock
    """An age that the wall clocks of two workers decide."""
    return max(0.0, time.time() - stamp.wall)


def read_by_the_wall(read: Callable[..., Any]) -> Callable[..., Any]:
    """The same for Firestore: the worker's wall clock is asked how late it is."""

    def reading(self: Any, fetched: Any) -> Any:  # noqa: ANN401 - a SnapshotReader and a Fetched
        return read(self, replace(fetched, read_at=time.time_ns()))

    return reading


def put(module: object, **names: object) -> Callable[[], None]:
    """What puts these in the place of a module's or a class's own.

    Raises:
        AttributeError: it has none of that name (any more), so this would weaken nothing.
    """

    def replaced() -> None:
        for name, value in names.items():
            getattr(module, name)
            setattr(module, name, value)

    return replaced
