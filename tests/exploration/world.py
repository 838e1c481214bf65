"""What a ledger may answer and fate may do, for every operation and at every moment."""

from __future__ import annotations

from collections.abc import Iterator

from msgspec import Struct
from msgspec.structs import replace

from taskhandler.ledger.amend import Create, Done, Pending, Read, Replace, Unread, begin, resume
from taskhandler.ledger.storage import Answer, Stale, Unavailable, Unknown, Written
from taskhandler.lifecycle.record import Record, Snapshot, State
from taskhandler.lifecycle.rules import Claim, FinishStep, Heartbeat, KeepConflict, MarkNotified, Rule, Settle
from taskhandler.lifecycle.verdict import Completed, Refused, Rejected
from tests.exploration.invariants import accepted
from tests.exploration.state import (
    LEASE,
    NOW,
    OLD,
    RETENTION,
    At,
    Fate,
    Ghosts,
    Local,
    Move,
    Scenario,
    Sent,
    Shared,
    Touch,
)
from tests.exploration.story import Story, Ways

DOWN, LOST, STALE, WRITTEN = Unavailable("down"), Unknown("lost"), Stale(), Written(NOW)
_OPERATOR = -1
_CLAIMS = frozenset({Fate.CLAIMED, Fate.CLAIMED_KNOWN})
_NONE: frozenset[str] = frozenset()


class World(Struct, frozen=True):
    """All that may happen in a scenario, for deliveries that go about it in these ways."""

    ways: Ways
    scenario: Scenario

    @property
    def _counted(self) -> bool:
        return self.scenario.max_attempts is not None

    @property
    def story(self) -> Story:
        """What deliveries do."""
        return Story(self.ways, self.scenario)

    def moves(self, local: Local, shared: Shared) -> Iterator[Move]:
        """What this delivery may do, or meet with, next."""
        if local.at is At.IDLE:
            moves = self.story.start(local, shared)
        elif local.pending is None:
            moves = self.story.words(local, shared)
        elif local.at is At.BURY:
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
            touch = Touch(Fate.LAPSED, -1 if ghosts.holder is None else ghosts.holder)
            yield Move(label="the lease lapses", local=None, shared=lapsed, fault=True, touch=touch)
        if ghosts.resets:
            yield self._reset(row, shared)
        if self.scenario.expires and ghosts.end is not None and not ghosts.expired:
            yield self._expire(row, shared)
        if ghosts.expired and not self.ways.expires_early:
            swept = Shared(Ghosts(resets=ghosts.resets))
            yield Move(label="the record is swept away", local=None, shared=swept, touch=Touch(Fate.CLEARED))

    def land(self, sent: Sent, shared: Shared) -> Move:
        """A write is applied whose sender has given up waiting for the reply."""
        after, broken = self._accept(sent.slot, sent.rule, sent.op.record, shared)
        return Move(
            label=f"a late write of {type(sent.rule).__name__} by delivery {sent.slot + 1} is applied",
            local=None,
            shared=after,
            touch=Touch(_fate(sent.rule, sent.op.record, after), sent.slot),
            broken=broken,
        )

    def _operate(self, local: Local, pending: Pending, shared: Shared) -> Iterator[Move]:
        rule, op = pending.rule, pending.op
        name = type(rule).__name__
        if isinstance(op, Read):
            yield self._told(local, pending, shared.row, shared, f"{name}: reads")
            yield self._told(local, pending, DOWN, shared, f"{name}: cannot read", fault=True)
            return
        yield self._told(local, pending, DOWN, shared, f"{name}: cannot write", fault=True)
        if not _fits(op, shared.row):
            yield self._told(local, pending, STALE, shared, f"{name}: stale")
            yield self._told(local, pending, LOST, shared, f"{name}: lost, never applied", fault=True)
            return
        after, broken = self._accept(local.slot, rule, op.record, shared)
        touch = Touch(_fate(rule, op.record, after), local.slot)
        there = _mine(local, rule, touch.fate)
        yield self._told(there, pending, WRITTEN, after, f"{name}: written", touch=touch, broken=broken)
        label = f"{name}: applied, reply lost"
        yield self._told(there, pending, LOST, after, label, fault=True, touch=touch, broken=broken)
        sent = Sent(local.slot, rule, op) if self.scenario.delays else None
        yield self._told(
            local, pending, LOST, shared, f"{name}: lost, applied later or never", fault=True, sent=sent
        )
        if self.scenario.refusals and _refusable(rule):
            yield self._told(local, pending, Refused("x"), shared, f"{name}: refused", fault=True)

    def _keep_conflict(self, local: Local, pending: Pending, shared: Shared) -> Iterator[Move]:
        body = self.scenario.bodies[local.slot]
        buried = Shared(shared.ghosts, shared.row, shared.dead_letters | {body})
        yield self._told(local, pending, DOWN, shared, "KeepConflict: unavailable", fault=True)
        if isinstance(pending.op, Read):
            yield self._told(
                local,
                pending,
                _letter(body) if body in shared.dead_letters else None,
                shared,
                "KeepConflict: reads",
            )
        elif body in shared.dead_letters:
            yield self._told(local, pending, STALE, shared, "KeepConflict: stale")
        else:
            yield self._told(local, pending, WRITTEN, buried, "KeepConflict: written")
            yield self._told(local, pending, LOST, buried, "KeepConflict: applied, reply lost", fault=True)
            yield self._told(local, pending, LOST, shared, "KeepConflict: lost", fault=True)

    def _told(  # noqa: PLR0913 - what happened, and what it means
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
            there, more = self.story.done(local, pending.rule, transition, shared)
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
        touch = Touch(Fate.RESET if shared.ghosts.end is None else Fate.RESET_END)
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
        touch = Touch() if early else Touch(Fate.CLEARED)
        return Move(label="the record expires", local=None, shared=old, fault=True, touch=touch)


def plain(record: Record, *, counted: bool) -> Record:
    """The record, with what makes no difference made the same.

    Words are for people, and heartbeats told by the version. Attempts matter only as far as they are
    charged and there is a limit; fences only by whether a step was begun under the present one: that they
    grow has been checked before. Else two deliveries that lose all replies could count for ever.
    """
    steps = tuple(replace(mark, fence=int(mark.fence == record.fence)) for mark in record.steps)
    return replace(
        record,
        attempt=record.charged if counted else 1,
        drained=0,
        fence=min(record.fence, 1),
        steps=steps,
        heartbeats=0,
        history=(),
        reason="",
        result=None,
    )


def folded(local: Local, *, counted: bool) -> Local:
    """The same delivery, with what makes no difference made the same.

    How many rounds an amendment has gone only matters to when it is given up; and it is given up at any
    moment in these worlds, when a read is unavailable. What is to be written over a row that has changed
    will never be written. Nobody asks how old a record was.
    """
    pending, held = local.pending, local.held
    if pending is not None:
        op, verdict = pending.op, pending.verdict
        if isinstance(op, Replace) and op.version == OLD:
            op, verdict = Replace(_BLANK, OLD), None
        pending = Pending(pending.rule, op, verdict)
    if isinstance(held, Snapshot):
        held = Snapshot(plain(held.record, counted=counted), held.version)
    return replace(local, pending=pending, held=held)


def touched(local: Local, touch: Touch) -> Local:
    """What a move of somebody else (or of the world) means to this delivery."""
    fate = touch.fate
    if local.at is At.IDLE or local.at is At.GONE or fate is Fate.NONE:
        return local
    if fate is Fate.CLEARED:
        return Local(slot=local.slot, at=At.GONE)
    if fate is Fate.LAPSED:
        waiting = local.slot == touch.slot and local.at in {At.CLAIM, At.READY, At.GUARD}
        return replace(local, late=True) if waiting else local
    pending, held = local.pending, local.held
    if pending is not None:
        rule = pending.rule
        if isinstance(rule, MarkNotified) and rule.fence is not None and fate in _CLAIMS:
            rule = MarkNotified(OLD)
        pending = Pending(
            rule, Replace(_BLANK, OLD) if isinstance(pending.op, Replace) else pending.op, pending.verdict
        )
    if isinstance(held, Snapshot):
        dead = held.record.state is State.DEAD and fate in _CLAIMS
        fence = OLD if dead else held.record.fence
        held = Snapshot(replace(held.record, fence=fence), OLD)
    there = replace(local, pending=pending, held=held)
    if fate in {Fate.RESET, Fate.RESET_END}:
        return replace(there, stray=True, saw=there.saw or fate is Fate.RESET_END)
    if fate is not Fate.WROTE and local.slot == touch.slot:
        return replace(there, stray=False, late=False, known=fate is Fate.CLAIMED_KNOWN)
    return there


def _fate(rule: Rule, record: Record, after: Shared) -> Fate:
    if not (isinstance(rule, Claim) and record.state is State.RUNNING):
        return Fate.WROTE
    return Fate.CLAIMED_KNOWN if after.ghosts.recorded else Fate.CLAIMED


def _mine(local: Local, rule: Rule, fate: Fate) -> Local:
    """What a delivery's own write, once applied, makes of it, whether or not it is told."""
    if fate is not Fate.WROTE:
        return replace(local, stray=False, late=False, known=fate is Fate.CLAIMED_KNOWN)
    return replace(local, late=False) if isinstance(rule, Heartbeat) else local


def _fits(op: Create | Replace, row: Snapshot | None) -> bool:
    return row is None if isinstance(op, Create) else row is not None and op.version == NOW


def _refusable(rule: Rule) -> bool:
    return isinstance(rule, FinishStep) or (
        isinstance(rule, Settle) and isinstance(rule.disposition, Completed | Rejected)
    )


def _letter(body: str) -> Snapshot:
    transition = KeepConflict(digest=body, handler="h", retention=RETENTION)(None)
    assert transition.write is not None
    return Snapshot(transition.write, NOW)


_BLANK = Record(state=State.WAITING, attempt=0, fence=0, lease_id="", lease=0.0, digest="", retention=0.0)
