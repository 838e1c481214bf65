"""What must hold, each checked where the world sees it happen, in terms of ghosts only."""

from __future__ import annotations

from msgspec.structs import replace

from taskhandler.lifecycle.record import Record, State
from taskhandler.lifecycle.rules import Cancel, Claim, FinishStep, MarkNotified, Reset, Rule, Settle
from taskhandler.lifecycle.verdict import AlreadyEnded, Drained, Failed, Settled, Undecided, Verdict
from taskhandler.outcome import STATUS, Outcome
from tests.exploration.state import Ghosts, Local, Scenario, Shared

NAMES = {
    "S1": "a task has one accepted completion",
    "S2": "no claim is accepted, and no run begun, after the end or past the lease",
    "S3": "2xx is answered only when an end is recorded",
    "S4": "only the holder's writes are accepted",
    "S5": "an end is never overwritten",
    "S6": "a lease is taken over only when it has lapsed",
    "S7": "there are no more charged runs than max_attempts",
    "S8": "what is acknowledged, and neither rejected, dead nor cancelled, has been run to its end",
    "S9": "one's own claim is never taken for another's",
    "S10": "a recorded step never runs again, and an at-most-once step never starts twice",
    "S11": "the batch is applied if and only if the task is completed",
    "S12": "fences strictly increase while the record exists",
    "S13": "another body never runs, and is never acknowledged unrecorded, unless the task is cancelled",
    "S14": "a death is marked as notified only after its on_dead was called",
    "S15": "a death is acknowledged only after its on_dead was called",
    "S16": "a task dies only when its attempts, or the queue's, are spent",
    "S17": "nothing of a cancelled holder is applied, and a cancelled task never runs",
    "S19": "a cancellation is confirmed only if it is recorded, and too late only if the task has ended",
    "S20": "a delivery that comes to a cancelled task, or held it, is answered so, whatever its body",
    "L1": "from every state of the ledger, some schedule ends the task",
    "L2": "the queue's last delivery is not sent away while the task waits or is in flight",
}
_NONE: frozenset[str] = frozenset()
_SAYS_MORE = {Outcome.COMPLETED, Outcome.REJECTED, Outcome.DUPLICATE, Outcome.RETRY}
"""Outcomes that say what was looked up at that very moment."""


def broken_by_start(local: Local, ghosts: Ghosts, scenario: Scenario) -> frozenset[str]:
    """The handler is called."""
    broken = set()
    if not local.stray:
        if ghosts.end is not None or ghosts.holder != local.slot or ghosts.lapsed:
            broken.add("S2")
        if ghosts.end is State.CANCELLED:
            broken.add("S17")
        if scenario.max_attempts is not None and ghosts.runs >= scenario.max_attempts:
            broken.add("S7")
        if ghosts.body != scenario.bodies[local.slot]:
            broken.add("S13")
    return frozenset(broken)


def broken_by_claim(verdict: Verdict, ghosts: Ghosts) -> frozenset[str]:
    """The claim of a delivery is answered."""
    cancelled = ghosts.end is State.CANCELLED and not ghosts.expired
    knows = isinstance(verdict, Undecided) or (
        isinstance(verdict, AlreadyEnded) and verdict.state is State.CANCELLED
    )
    return frozenset({"S20"}) if cancelled and not knows else _NONE


def broken_by_step(local: Local, ghosts: Ghosts, scenario: Scenario) -> frozenset[str]:
    """The body of the `once` step is run."""
    twice = scenario.step == "at most once" and ghosts.started
    return frozenset({"S10"}) if local.known or twice else _NONE


def broken_by_answer(local: Local, outcome: Outcome, shared: Shared, scenario: Scenario) -> frozenset[str]:
    """The delivery is answered."""
    ghosts, broken = shared.ghosts, set()
    body = scenario.bodies[local.slot]
    if ghosts.end is State.CANCELLED and not local.saw and outcome in _SAYS_MORE:
        broken.add("S20")
    if STATUS[outcome] >= 300:
        return frozenset(broken | ({"L2"} if local.last and outcome is Outcome.IN_FLIGHT else set()))
    if outcome is Outcome.CANCELLED:
        return _NONE if ghosts.end is State.CANCELLED or local.saw else frozenset({"S3"})
    if ghosts.body not in {None, body}:
        return _NONE if body in shared.dead_letters else frozenset({"S13"})
    if ghosts.end is None and not local.saw:
        broken.add("S3")
    if ghosts.end not in {State.REJECTED, State.DEAD} and not ghosts.returned and not local.saw:
        broken.add("S8")
    if ghosts.end is State.DEAD and not ghosts.on_dead_called and not local.saw:
        broken.add("S15")
    return frozenset(broken)


def broken_by_cancellation(
    local: Local, verdict: Verdict, ghosts: Ghosts, scenario: Scenario
) -> frozenset[str]:
    """The cancellation is answered."""
    match verdict:
        case Settled():
            return _NONE if local.applied else frozenset({"S19"})
        case AlreadyEnded(state=state):
            own = state is State.CANCELLED and local.applied and scenario.cancels == 1
            true = ghosts.end is state and not ghosts.expired and not own
            return _NONE if true else frozenset({"S19"})
        case _:
            return _NONE


def accepted(
    slot: int, rule: Rule, record: Record, ghosts: Ghosts, scenario: Scenario, *, batch: bool
) -> tuple[Ghosts, frozenset[str]]:
    """The ledger has accepted a write of `slot`: what that makes of the ghosts, and what it breaks."""
    if isinstance(rule, Claim):
        return _claimed(slot, record, ghosts, scenario)
    if isinstance(rule, Cancel):
        return _cancelled(ghosts)
    if isinstance(rule, Reset):
        return _reset(ghosts), _NONE
    if isinstance(rule, MarkNotified):
        return ghosts, _NONE if ghosts.on_dead_called else frozenset({"S14"})
    broken = {"S4"} if ghosts.holder != slot else set()
    if ghosts.end is not None:
        broken.add("S5")
    if slot in ghosts.cancelled:
        broken.add("S17")
    if not isinstance(rule, Settle):
        recorded = ghosts.recorded or isinstance(rule, FinishStep)
        return replace(ghosts, recorded=recorded, lapsed=False), frozenset(broken)
    broken |= _broken_by_settlement(rule, record, ghosts, scenario)
    ghosts = _settled(rule, record, ghosts, batch=batch)
    if (ghosts.batches == 1) is not (ghosts.end is State.COMPLETED):
        broken.add("S11")
    return ghosts, frozenset(broken)


def _claimed(slot: int, record: Record, ghosts: Ghosts, scenario: Scenario) -> tuple[Ghosts, frozenset[str]]:
    broken = set()
    if ghosts.expired:
        ghosts = Ghosts(fence=ghosts.fence, resets=ghosts.resets)
    if ghosts.end is not None:
        broken |= {"S2", "S5"}
    if ghosts.end is State.CANCELLED:
        broken.add("S17")
    if ghosts.holder not in {None, slot} and not ghosts.lapsed:
        broken.add("S6")
    if record.state is not State.RUNNING:
        if _attempts_left(ghosts, scenario):
            broken.add("S16")
        return replace(ghosts, end=record.state, holder=None, lapsed=False, on_dead_called=False), frozenset(
            broken
        )
    if ghosts.holder == slot:
        broken.add("S9")
    if record.fence <= ghosts.fence:
        broken.add("S12")
    charged = scenario.max_attempts is not None
    body = ghosts.body or scenario.bodies[slot]
    claims, cancelled = ghosts.claims + charged, ghosts.cancelled - {slot}
    ghosts = replace(
        ghosts, holder=slot, lapsed=False, fence=1, claims=claims, body=body, cancelled=cancelled
    )
    return ghosts, frozenset(broken)


def _cancelled(ghosts: Ghosts) -> tuple[Ghosts, frozenset[str]]:
    if ghosts.expired:
        ghosts = Ghosts(fence=ghosts.fence, resets=ghosts.resets)
    broken = _NONE if ghosts.end is None else frozenset({"S5"})
    holders = ghosts.cancelled if ghosts.holder is None else ghosts.cancelled | {ghosts.holder}
    return replace(ghosts, end=State.CANCELLED, holder=None, lapsed=False, cancelled=holders), broken


def _broken_by_settlement(rule: Settle, record: Record, ghosts: Ghosts, scenario: Scenario) -> set[str]:
    broken = set()
    last = isinstance(rule.disposition, Failed | Drained) and rule.disposition.last
    if ghosts.end is State.COMPLETED and record.state is State.COMPLETED:
        broken.add("S1")
    if record.state is State.WAITING and last:
        broken.add("L2")
    if record.state is State.DEAD and not last and _attempts_left(ghosts, scenario):
        broken.add("S16")
    return broken


def _settled(rule: Settle, record: Record, ghosts: Ghosts, *, batch: bool) -> Ghosts:
    spared = isinstance(rule.disposition, Drained)
    return replace(
        ghosts,
        end=record.state if record.is_terminal else ghosts.end,
        holder=None,
        lapsed=False,
        on_dead_called=False,
        runs=ghosts.runs - (spared and ghosts.runs > 0),
        claims=ghosts.claims - (spared and ghosts.claims > 0),
        batches=min(ghosts.batches + batch, 2),
    )


def _reset(ghosts: Ghosts) -> Ghosts:
    """Everything begins again, but for the steps that were done."""
    return Ghosts(
        fence=ghosts.fence,
        recorded=ghosts.recorded,
        started=ghosts.started,
        body=ghosts.body,
        resets=ghosts.resets - 1,
        cancelled=ghosts.cancelled,
    )


def _attempts_left(ghosts: Ghosts, scenario: Scenario) -> bool:
    return scenario.max_attempts is None or ghosts.claims < scenario.max_attempts
