"""What a delivery does, as `delivery/receiver.py` does it: one ledger operation, or one word, at a time.

Every act on the ledger goes through the `begin` and `resume` that ship, every decision through the rules
that ship, and every answer through the `choose_outcome` that ships.
"""

from __future__ import annotations

from collections.abc import Iterator

from msgspec import Struct
from msgspec.structs import replace

from taskhandler.ledger.amend import Done, Unread, begin
from taskhandler.lifecycle import rules
from taskhandler.lifecycle.record import Snapshot, State
from taskhandler.lifecycle.rules import Rule
from taskhandler.lifecycle.verdict import (
    AlreadyEnded,
    Completed,
    Conflict,
    Disposition,
    Drained,
    Exhausted,
    Failed,
    Fenced,
    InFlight,
    Refused,
    Rejected,
    Renewed,
    Run,
    Settled,
    Verdict,
)
from taskhandler.outcome import Outcome
from tests.exploration.invariants import broken_by_answer, broken_by_claim, broken_by_start, broken_by_step
from tests.exploration.state import LEASE, NOW, RETENTION, At, Local, Move, Scenario, Shared
from tests.exploration.ways import Ways

STEP = "s"
LEASE_IDS = "abcdefgh"


class Story(Struct, frozen=True):
    """The story of every delivery of a scenario."""

    ways: Ways
    scenario: Scenario

    def start(self, local: Local, shared: Shared) -> Iterator[Move]:
        """The queue delivers. One that finds its worker draining is answered 503: nothing happens."""
        budget = (False, True) if self._may_be_last(local.slot) else (False,)
        for last in budget:
            for word, believed in (("for the first time", None), ("again", Unread())):
                here = replace(local, last=last, todo=bool(self.scenario.step))
                there, _ = self._amend(here, At.CLAIM, self._claim(here), believed, shared)
                yield Move(label=f"is delivered {word}{', the last' * last}", local=there, shared=shared)

    def acts(self, local: Local, shared: Shared) -> Iterator[Move]:
        """What a delivery does without the ledger."""
        match local.at:
            case At.READY:
                yield from self._ready(local, shared)
            case At.HANDLER:
                yield from self._handler(local, shared)
            case At.STEP:
                yield from self._step(local, shared)
            case At.CALL_ON_DEAD:
                yield self._call_on_dead(local, shared)
            case _:
                return

    def done(self, local: Local, rule: Rule, done: Done, shared: Shared) -> tuple[Local, frozenset[str]]:
        """An amendment has come to its end: where the delivery is now, and what that breaks."""
        here = replace(local, pending=None, held=Unread() if done.snapshot is None else done.snapshot)
        match local.at:
            case At.CLAIM:
                there, broken = self._claimed(here, done.verdict, shared)
                return there, broken | broken_by_claim(done.verdict, shared.ghosts)
            case At.ENSURE_LIVE:
                return self._ensured(here, done.verdict, shared)
            case At.HEARTBEAT:
                return replace(here, at=At.HANDLER), frozenset()
            case At.BEGIN_STEP:
                return replace(
                    here,
                    at=At.STEP if isinstance(done.verdict, Renewed) else At.HANDLER,
                    todo=isinstance(done.verdict, Renewed),
                ), frozenset()
            case At.FINISH_STEP:
                return replace(here, at=At.HANDLER, todo=False), frozenset()
            case At.SETTLE:
                return self._settled(here, rule, done.verdict, shared)
            case At.KEEP_CONFLICT:
                verdict = Conflict() if isinstance(done.verdict, Settled) else done.verdict
                return self._answer(here, self.ways.choose_outcome(verdict), shared)
            case _:
                assert local.answer is not None
                return self._answer(here, local.answer, shared)

    def _claim(self, local: Local) -> Rule:
        return self.ways.claim(
            lease_id=LEASE_IDS[local.slot],
            digest=self.scenario.bodies[local.slot],
            handler="h",
            lease=LEASE,
            retention=RETENTION,
            max_attempts=self.scenario.max_attempts,
        )

    def _may_be_last(self, slot: int) -> bool:
        return self.scenario.last and slot == len(self.scenario.bodies) - 1

    def _amend(
        self, local: Local, at: At, rule: Rule, believed: Snapshot | Unread | None, shared: Shared
    ) -> tuple[Local, frozenset[str]]:
        step = begin(rule, believed)
        here = replace(local, at=at)
        if isinstance(step, Done):
            return self.done(here, rule, step, shared)
        return replace(here, pending=step, held=None), frozenset()

    def _claimed(self, local: Local, verdict: Verdict, shared: Shared) -> tuple[Local, frozenset[str]]:
        match verdict:
            case Run():
                return replace(local, at=At.READY), frozenset()
            case Conflict() if self.ways.keeps_conflicts:
                keep = rules.KeepConflict(
                    digest=self.scenario.bodies[local.slot], handler="h", retention=RETENTION
                )
                return self._amend(local, At.KEEP_CONFLICT, keep, None, shared)
            case InFlight():
                return self._in_flight(local, verdict, shared)
            case Exhausted() | AlreadyEnded(state=State.DEAD, on_dead_called=False):
                return self._dead(local, verdict, shared)
            case _:
                return self._answer(local, self.ways.choose_outcome(verdict), shared)

    def _in_flight(self, local: Local, verdict: Verdict, shared: Shared) -> tuple[Local, frozenset[str]]:
        own = frozenset({"S9"}) if shared.ghosts.holder == local.slot else frozenset()
        if local.last and self.ways.waits_when_last:
            there, broken = self._amend(local, At.CLAIM, self._claim(local), Unread(), shared)
        else:
            there, broken = self._answer(local, self.ways.choose_outcome(verdict), shared)
        return there, broken | own

    def _ready(self, local: Local, shared: Shared) -> Iterator[Move]:
        lease_id = LEASE_IDS[local.slot]
        there, broken = self._amend(
            local, At.ENSURE_LIVE, self.ways.heartbeat(lease_id), local.held or Unread(), shared
        )
        yield Move(
            label="looks after its lease before it calls the handler",
            local=there,
            shared=shared,
            broken=broken,
        )
        yield self._settling(local, shared, Rejected("invalid"), "finds the payload invalid")
        if local.late and self.ways.looks_at_its_clock:
            return
        ghosts = shared.ghosts
        charged = self.scenario.max_attempts is not None and not local.stray
        yield Move(
            label="calls the handler",
            local=replace(local, at=At.HANDLER, late=False),
            shared=replace(shared, ghosts=replace(ghosts, runs=ghosts.runs + charged)),
            broken=broken_by_start(local, ghosts, self.scenario),
        )

    def _ensured(self, local: Local, verdict: Verdict, shared: Shared) -> tuple[Local, frozenset[str]]:
        if isinstance(verdict, Renewed):
            return replace(local, at=At.READY), frozenset()
        return self._fenced(local, verdict, shared)

    def _handler(self, local: Local, shared: Shared) -> Iterator[Move]:
        if self.scenario.heartbeats or not self._holds(local):
            heartbeat = self.ways.heartbeat(LEASE_IDS[local.slot])
            there, broken = self._amend(local, At.HEARTBEAT, heartbeat, local.held or Unread(), shared)
            if there != local:
                yield Move(label="heartbeats", local=there, shared=shared, broken=broken)
        failed = Failed("x", last=local.last, max_attempts=self.scenario.max_attempts)
        yield self._settling(local, shared, failed, "fails")
        yield self._settling(local, shared, Rejected("x"), "rejects the task")
        if self.scenario.drains:
            yield self._settling(local, shared, Drained(last=local.last), "is drained", fault=True)
        if not local.todo:
            ghosts = replace(shared.ghosts, returned=shared.ghosts.returned or not local.stray)
            yield self._settling(local, replace(shared, ghosts=ghosts), Completed(), "returns")
        elif self._holds(local):
            yield from self._once(local, shared)

    def _holds(self, local: Local) -> bool:
        return isinstance(local.held, Snapshot) and local.held.record.lease_id == LEASE_IDS[local.slot]

    def _once(self, local: Local, shared: Shared) -> Iterator[Move]:
        assert isinstance(local.held, Snapshot)
        mark = local.held.record.find_step(STEP) if self.ways.looks_at_steps else None
        sparing = self.scenario.step == "at most once"
        if mark is not None and (mark.value is not None or sparing):
            yield Move(label="finds its step begun before", local=replace(local, todo=False), shared=shared)
        elif sparing and self.ways.begins_steps:
            rule = self.ways.begin(LEASE_IDS[local.slot], STEP)
            there, broken = self._amend(local, At.BEGIN_STEP, rule, local.held, shared)
            yield Move(label="is about to begin its step", local=there, shared=shared, broken=broken)
        else:
            yield from self._step(local, shared)

    def _step(self, local: Local, shared: Shared) -> Iterator[Move]:
        broken = broken_by_step(local, shared.ghosts, self.scenario)
        started = self.scenario.step == "at most once"
        shared = replace(shared, ghosts=replace(shared.ghosts, started=started))
        here = replace(local, at=At.HANDLER)
        yield Move(label="runs its step, which raises", local=here, shared=shared, broken=broken)
        rule = self.ways.finish(LEASE_IDS[local.slot], STEP, "1")
        there, fenced = self._amend(local, At.FINISH_STEP, rule, local.held or Unread(), shared)
        yield Move(label="runs its step", local=there, shared=shared, broken=broken | fenced)

    def _settling(
        self, local: Local, shared: Shared, end: Disposition, label: str, *, fault: bool = False
    ) -> Move:
        rule = self.ways.settle(LEASE_IDS[local.slot], end)
        believed = local.held if self._holds(local) else Unread()
        there, broken = self._amend(local, At.SETTLE, rule, believed, shared)
        return Move(label=label, local=there, shared=shared, fault=fault, broken=broken)

    def _settled(
        self, local: Local, rule: Rule, verdict: Verdict, shared: Shared
    ) -> tuple[Local, frozenset[str]]:
        match verdict:
            case Refused() if isinstance(rule, rules.Settle) and isinstance(rule.disposition, Completed):
                failed = Failed("x", last=local.last, max_attempts=self.scenario.max_attempts)
                instead = self.ways.settle(LEASE_IDS[local.slot], failed)
                return self._amend(local, At.SETTLE, instead, Unread(), shared)
            case Settled(state=State.DEAD):
                return self._dead(local, verdict, shared)
            case _:
                return self._fenced(local, verdict, shared)

    def _fenced(self, local: Local, verdict: Verdict, shared: Shared) -> tuple[Local, frozenset[str]]:
        uncalled = isinstance(local.held, Snapshot) and not local.held.record.on_dead_called
        if uncalled and verdict == Fenced(State.DEAD) and self.ways.calls_on_dead_when_fenced:
            return self._dead(local, verdict, shared)
        return self._answer(local, self.ways.choose_outcome(verdict), shared)

    def _dead(self, local: Local, verdict: Verdict, shared: Shared) -> tuple[Local, frozenset[str]]:
        outcome = self.ways.choose_outcome(verdict)
        if not self.ways.calls_on_dead:
            return self._answer(local, outcome, shared)
        present = isinstance(local.held, Snapshot) and local.held.version == NOW
        return replace(local, at=At.CALL_ON_DEAD, answer=outcome, saw=local.saw and not present), frozenset()

    def _call_on_dead(self, local: Local, shared: Shared) -> Move:
        assert isinstance(local.held, Snapshot)
        ghosts = shared.ghosts
        on_dead_called = ghosts.on_dead_called or (ghosts.end is State.DEAD and not local.saw)
        shared = replace(shared, ghosts=replace(ghosts, on_dead_called=on_dead_called))
        death = local.held.record.fence if self.ways.names_the_death else None
        there, broken = self._amend(
            local, At.MARK_NOTIFIED, self.ways.mark_notified(death), local.held, shared
        )
        return Move(label="calls on_dead", local=there, shared=shared, broken=broken)

    def _answer(self, local: Local, outcome: Outcome, shared: Shared) -> tuple[Local, frozenset[str]]:
        broken = broken_by_answer(local, outcome, shared, self.scenario)
        return Local(slot=local.slot, at=At.GONE), broken
