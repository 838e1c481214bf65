"""What can be weakened in the product, in the worker process, to see whether the bench turns red for it."""

from __future__ import annotations

from collections.abc import Callable

from msgspec import Struct

from tests.faults.sabotage_border import BORDER
from tests.faults.sabotage_edges import EDGES
from tests.faults.sabotage_firestore import ON_FIRESTORE
from tests.faults.sabotage_rules import RULES


class Sabotage(Struct, frozen=True):
    """One guard that is switched off.

    Attributes:
        apply: switches it off, in this process.
        breaks: what must stand in a problem that the checker then reports: the invariant.
        seen_by: the scenario that must turn red.
        ledger: on which it is played.
    """

    apply: Callable[[], None]
    breaks: str
    seen_by: str
    ledger: str = "sqlite"


SABOTAGES: dict[str, Sabotage] = {
    **{name: Sabotage(apply, breaks, seen_by) for name, apply, breaks, seen_by in (*RULES, *EDGES, *BORDER)},
    **{
        name: Sabotage(apply, breaks, seen_by, ledger="firestore")
        for name, apply, breaks, seen_by in ON_FIRESTORE
    },
}


def apply(name: str) -> None:
    """Weaken the product in this process; an empty name changes nothing."""
    if name:
        SABOTAGES[name].apply()
