"""The state machine on one page: which rules there are, and which moves they make.

Nothing in this folder knows what time it is, where records are kept, what HTTP is, or what chance is. A
rule is shown the record as it was last seen and answers with the record to write (if any) and a verdict. It
is asked again when the record turns out to have changed: it is pure, hashable and compared by value::

                  T1             T10
    (no record) ─────▶ running ────────▶ completed ─┐
       │ ▲             ▲ │ ▲ │    T12               │
       │ │          T2 │ │ └─┘ ────────▶ rejected  ─┤
       │ │             │ │ T4 take-over             │
       │ │             │ ▼ T11, T15   T8, T11       │
       │ │           waiting ──────────▶ dead      ─┤
       │ │                                          │
       └─┼───────────────────────────▶ cancelled   ─┤  T17, also from running and waiting
         └──────────────────────────────────────────┘  T16: past its retention

The numbers T1 to T17 are explained in docs/state-machine.md.
"""

from __future__ import annotations

from taskhandler.lifecycle.claim_rules import Claim
from taskhandler.lifecycle.dead_letter_rules import KeepConflict, MarkNotified
from taskhandler.lifecycle.holder_rules import BeginStep, FinishStep, Heartbeat, Settle
from taskhandler.lifecycle.operator_rules import Cancel, Reset

__all__ = [
    "BeginStep",
    "Cancel",
    "Claim",
    "FinishStep",
    "Heartbeat",
    "KeepConflict",
    "MarkNotified",
    "Reset",
    "Rule",
    "Settle",
]

Rule = Claim | Heartbeat | BeginStep | FinishStep | Settle | MarkNotified | KeepConflict | Cancel | Reset
"""A delivery's; its holder's (four); a dead letter's (two); a program's or an operator's (two)."""
