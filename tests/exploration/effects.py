"""What a move means to the delivery that makes it, and to the others."""

from __future__ import annotations

from msgspec.structs import replace

from taskhandler.ledger.amend import Pending, Replace
from taskhandler.lifecycle.record import Record, Snapshot, State
from taskhandler.lifecycle.rules import Cancel, Claim, Heartbeat, MarkNotified, Rule
from tests.exploration.folding import BLANK
from tests.exploration.state import OLD, At, Effect, Local, Shared, Touch

_CLAIMS = frozenset({Effect.CLAIMED, Effect.CLAIMED_KNOWN})


def touched(local: Local, touch: Touch) -> Local:
    """What a move of somebody else (or of the world) means to this delivery."""
    effect = touch.effect
    if local.at is At.IDLE or local.at is At.GONE or effect is Effect.NONE:
        return local
    if effect is Effect.CLEARED:
        return Local(slot=local.slot, at=At.GONE)
    if effect is Effect.LAPSED:
        waiting = local.slot == touch.slot and local.at in {At.CLAIM, At.READY, At.ENSURE_LIVE}
        return replace(local, late=True) if waiting else local
    pending, held = local.pending, local.held
    if pending is not None:
        rule = pending.rule
        if isinstance(rule, MarkNotified) and rule.fence is not None and effect in _CLAIMS:
            rule = MarkNotified(OLD)
        pending = Pending(
            rule, Replace(BLANK, OLD) if isinstance(pending.op, Replace) else pending.op, pending.verdict
        )
    if isinstance(held, Snapshot):
        dead = held.record.state is State.DEAD and effect in _CLAIMS
        fence = OLD if dead else held.record.fence
        held = Snapshot(replace(held.record, fence=fence), OLD)
    there = replace(local, pending=pending, held=held)
    if effect in {Effect.RESET, Effect.RESET_END}:
        return replace(there, stray=True, saw=there.saw or effect is Effect.RESET_END)
    if effect is Effect.CANCELLED:
        return _cancelled(there, touch)
    if effect in _CLAIMS and local.slot == touch.slot:
        return replace(there, stray=False, late=False, known=effect is Effect.CLAIMED_KNOWN)
    return there


def _cancelled(local: Local, touch: Touch) -> Local:
    """A delivery that had the lease may not know yet that it is lost; one that asks for it learns that."""
    if local.slot == touch.slot:
        return replace(local, applied=True)
    return local if local.at in {At.CLAIM, At.CANCEL} else replace(local, stray=True)


def effect_of(rule: Rule, record: Record, after: Shared) -> Effect:
    """What an accepted write is to the deliveries."""
    if isinstance(rule, Cancel):
        return Effect.CANCELLED
    if not (isinstance(rule, Claim) and record.state is State.RUNNING):
        return Effect.WROTE
    return Effect.CLAIMED_KNOWN if after.ghosts.recorded else Effect.CLAIMED


def own(local: Local, rule: Rule, effect: Effect) -> Local:
    """What an actor's own write, once applied, makes of it, whether or not the reply arrives."""
    if effect is Effect.CANCELLED:
        return replace(local, applied=True)
    if effect in _CLAIMS:
        return replace(local, stray=False, late=False, known=effect is Effect.CLAIMED_KNOWN)
    return replace(local, late=False) if isinstance(rule, Heartbeat) else local
