"""The pieces that ship, by name, so that a weakened one can be put in the place of any."""

from __future__ import annotations

from collections.abc import Callable

from msgspec import Struct

from taskhandler.delivery.outcome_decision import choose_outcome
from taskhandler.lifecycle import rules
from taskhandler.lifecycle.record import Record
from taskhandler.lifecycle.rules import Rule
from taskhandler.lifecycle.verdict import Completed, Disposition, Verdict
from taskhandler.outcome import Outcome


def batch_of(settle: rules.Settle, record: Record) -> bool:  # noqa: ARG001 - weakened ones look at the record
    """Whether the user's batch goes with this write."""
    return isinstance(settle.disposition, Completed)


class Ways(Struct, frozen=True, kw_only=True):
    """The pieces that ship, each of which may be weakened."""

    claim: Callable[..., Rule] = rules.Claim
    heartbeat: Callable[[str], Rule] = rules.Heartbeat
    begin: Callable[[str, str], Rule] = rules.BeginStep
    finish: Callable[[str, str, str], Rule] = rules.FinishStep
    settle: Callable[[str, Disposition], Rule] = rules.Settle
    mark_notified: Callable[[int | None], Rule] = rules.MarkNotified
    reset: Callable[[str], Rule] = rules.Reset
    cancel: Callable[..., Rule] = rules.Cancel
    choose_outcome: Callable[[Verdict], Outcome] = choose_outcome
    batch_of: Callable[[rules.Settle, Record], bool] = batch_of
    looks_at_its_clock: bool = True
    looks_at_steps: bool = True
    begins_steps: bool = True
    waits_when_last: bool = True
    keeps_conflicts: bool = True
    calls_on_dead: bool = True
    calls_on_dead_when_fenced: bool = True
    names_the_death: bool = True
    expires_early: bool = False
