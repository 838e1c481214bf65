"""What a ledger may answer, and what may happen to it, for every operation and at every moment."""

from __future__ import annotations

from collections.abc import Iterator

from msgspec import Struct
from msgspec.structs import replace

from taskhandler.ledger.amend import Create, Done, Pending, Read, Replace, Unread, begin, resume
from taskhandler.ledger.storage import Answer, Stale, Unavailable, Unknown, Written
from taskhandler.lifecycle.record import Record, Snapshot, State
from taskhandler.lifecycle.rules import FinishStep, KeepConflict, Rule, Settle
from taskhandler.lifecycle.verdict import Completed, Refused, Rejected
from tests.exploration.canceller import Canceller
from tests.exploration.effects import effect_of, own
from tests.exploration.folding import folded, plain
from tests.exploration.invariants import accepted
from tests.exploration.state import (
    LEASE,
    NOW,
    RETENTION,
    At,
    Effect,
    Ghosts,
    Local,
    Move,
    Scenario,
    Sent,
    Shared,
    Touch,
)
from tests.exploration.story import Story
from tests.exploration.ways import Ways

DOWN, LOST, STALE, WRITTEN = Unavailable("down"), Unknown("lost"), Stale(), Written(NOW)
_OPERATOR = -1
_NONE: frozenset[str] = frozenset()


class World(Struct, frozen=True):
    """All that may happen in a scenario, for deliveries and cancellations that go about it in these ways."""

    ways: Ways
    scenario: Scenario

    @property
    def _counted(self) -> bool:
        return self.scenario.max_attempts is not None

    @property
    def story(self) -> Story:
        """What deliveries do."""
        return Story(self.ways, self.scenario)

    def _actor(self, local: Local) -> Story | Canceller:
        delivers = local.slot < len(self.scenario.bodies)
        return self.story if delivers else Canceller(self.ways, self.scenario)

    def moves(self, local: Local, shared: Shared) -> Iterator[Move]:
        """What this delivery may do, or meet with, next."""
        if local.at is At.IDLE:
            moves = self._actor(local).start(local, shared)
        elif local.pending is None:
            moves = self.story.acts(local, shared)
        elif local.at is At.KEEP_CONFLICT:
            moves = self._keep_conflict(local, local.pending, shared)
        else:
            moves = self._operate(local, local.pending, shared)
        if self.scenario.crashes and local.at not in {At.IDLE, At.GONE}:
            gone = Local(slot=local.slot, at=At.GONE)
            yield Move(label="crashes", local=gone, shared=shared, fault=True)
        for move in moves:
            assert move.local is not None
            yield replace(move, local=folded(move.local, counted=self._counted))

    def events(self, shared: Shared) -> Iterator[Move]:
        """What may happen to the ledger without any delivery."""
        row, ghosts = shared.row, shared.ghosts
        if row is None:
            return
        if row.record.state is State.RUNNING and not ghosts.lapsed:
            lapsed = Shared(replace(ghosts, lapsed=True), replace(row, age=LEASE), shared.dead_letters)
            touch = Touch(Effect.LAPSED, -1 if ghosts.holder is None else ghosts.holder)
            yield Move(label="the lease lapses", local=None, shared=lapsed, fault=True, touch=touch)
        if ghosts.resets:
            yield self._reset(row, shared)
        if self.scenario.expires and ghosts.end is not None and not ghosts.expired:
            yield self._expire(row, shared)
        if ghosts.expired and not self.ways.expires_early:
            swept = Shared(Ghosts(resets=ghosts.resets))
            yield Move(
                label="the record is swept away", local=None, shared=swept, touch=Touch(Effect.CLEARED)
            )

    def land(self, sent: Sent, shared: Shared) -> Move:
        """A write is applied whose sender has given up waiting for the reply."""
        after, broken = self._accept(sent.slot, sent.rule, sent.op.record, shared)
        write = f"{type(sent.rule).__name__} by {self.scenario.name_of(sent.slot)}"
        return Move(
            label=f"a late write of {write} is applied",
            local=None,
            shared=after,
            touch=Touch(effect_of(sent.rule, sent.op.record, after), sent.slot),
            broken=broken,
        )

    def _operate(self, local: Local, pending: Pending, shared: Shared) -> Iterator[Move]:
        rule, op = pending.rule, pending.op
        name = type(rule).__name__
        if isinstance(op, Read):
            yield self._answered(local, pending, shared.row, shared, f"{name}: reads")
            yield self._answered(local, pending, DOWN, shared, f"{name}: cannot read", fault=True)
            return
        yield self._answered(local, pending, DOWN, shared, f"{name}: cannot write", fault=True)
        if not _fits(op, shared.row):
            yield self._answered(local, pending, STALE, shared, f"{name}: stale")
            yield self._answered(local, pending, LOST, shared, f"{name}: lost, never applied", fault=True)
            return
        after, broken = self._accept(local.slot, rule, op.record, shared)
        touch = Touch(effect_of(rule, op.record, after), local.slot)
        there = own(local, rule, touch.effect)
        yield self._answered(there, pending, WRITTEN, after, f"{name}: written", touch=touch, broken=broken)
        label = f"{name}: applied, reply lost"
        yield self._answered(there, pending, LOST, after, label, fault=True, touch=touch, broken=broken)
        sent = Sent(local.slot, rule, op) if self.scenario.delays else None
        yield self._answered(
            local, pending, LOST, shared, f"{name}: lost, applied later or never", fault=True, sent=sent
        )
        if self.scenario.refusals and _refusable(rule):
            yield self._answered(local, pending, Refused("x"), shared, f"{name}: refused", fault=True)

    def _keep_conflict(self, local: Local, pending: Pending, shared: Shared) -> Iterator[Move]:
        body = self.scenario.bodies[local.slot]
        kept = Shared(shared.ghosts, shared.row, shared.dead_letters | {body})
        yield self._answered(local, pending, DOWN, shared, "KeepConflict: unavailable", fault=True)
        if isinstance(pending.op, Read):
            yield self._answered(
                local,
                pending,
                _kept_conflict(body) if body in shared.dead_letters else None,
                shared,
                "KeepConflict: reads",
            )
        elif body in shared.dead_letters:
            yield self._answered(local, pending, STALE, shared, "KeepConflict: stale")
        else:
            yield self._answered(local, pending, WRITTEN, kept, "KeepConflict: written")
            yield self._answered(local, pending, LOST, kept, "KeepConflict: applied, reply lost", fault=True)
            yield self._answered(local, pending, LOST, shared, "KeepConflict: lost", fault=True)

    def _answered(  # noqa: PLR0913 - what happened, and what it means
        self,
        local: Local,
        pending: Pending,
        answer: Answer | Snapshot | None,
        shared: Shared,
        label: str,
        *,
        fault: bool = False,
        touch: Touch = Touch(),  # noqa: B008 - frozen
        sent: Sent | None = None,
        broken: frozenset[str] = _NONE,
    ) -> Move:
        transition = resume(pending, answer)
        if isinstance(transition, Done):
            there, more = self._actor(local).done(local, pending.rule, transition, shared)
            broken = broken | more
        else:
            there = replace(local, pending=transition)
        return Move(
            label=label, local=there, shared=shared, fault=fault, touch=touch, sent=sent, broken=broken
        )

    def _accept(self, slot: int, rule: Rule, record: Record, shared: Shared) -> tuple[Shared, frozenset[str]]:
        batch = isinstance(rule, Settle) and self.ways.batch_of(rule, record)
        ghosts, broken = accepted(slot, rule, record, shared.ghosts, self.scenario, batch=batch)
        return Shared(
            ghosts, Snapshot(plain(record, counted=self._counted), NOW), shared.dead_letters
        ), broken

    def _reset(self, row: Snapshot, shared: Shared) -> Move:
        transition = begin(self.ways.reset(f"operator {shared.ghosts.resets}"), Unread())
        assert isinstance(transition, Pending)
        transition = resume(transition, row)
        assert isinstance(transition, Pending)
        assert isinstance(transition.op, Replace)
        after, broken = self._accept(_OPERATOR, transition.rule, transition.op.record, shared)
        touch = Touch(Effect.RESET if shared.ghosts.end is None else Effect.RESET_END)
        return Move(
            label="an operator resets it", local=None, shared=after, fault=True, touch=touch, broken=broken
        )

    def _expire(self, row: Snapshot, shared: Shared) -> Move:
        """The record's time is up: every delivery is long gone, and the next is of another task.

        (A weakened ledger keeps its records for too short a time instead.)
        """
        early = self.ways.expires_early
        old = Shared(
            replace(shared.ghosts, expired=not early), replace(row, age=RETENTION), shared.dead_letters
        )
        touch = Touch() if early else Touch(Effect.CLEARED)
        return Move(label="the record expires", local=None, shared=old, fault=True, touch=touch)


def _fits(op: Create | Replace, row: Snapshot | None) -> bool:
    return row is None if isinstance(op, Create) else row is not None and op.version == NOW


def _refusable(rule: Rule) -> bool:
    return isinstance(rule, FinishStep) or (
        isinstance(rule, Settle) and isinstance(rule.disposition, Completed | Rejected)
    )


def _kept_conflict(body: str) -> Snapshot:
    transition = KeepConflict(digest=body, handler="h", retention=RETENTION)(None)
    assert transition.write is not None
    return Snapshot(transition.write, NOW)
