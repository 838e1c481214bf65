"""What can be weakened in the product, in the worker process, to see whether the bench turns red for it.

Many of these are the weakened rules of the exploration: what is wrong there is wrong here.
"""

from __future__ import annotations

from collections.abc import Callable

from msgspec import Struct

from taskhandler import delivery
from taskhandler.ledger import lease
from tests.exploration import weakened_rules as rules


class Sabotage(Struct, frozen=True):
    """One guard that is switched off.

    Attributes:
        apply: switches it off, in this process.
        breaks: what must stand in a problem that the checker then tells: the invariant.
        seen_by: the scenarios each of which must turn red.
        ledger: on which they are played.
    """

    apply: Callable[[], None]
    breaks: str
    seen_by: tuple[str, ...]
    ledger: str = "sqlite"


def _put(module: object, **names: object) -> Callable[[], None]:
    def put() -> None:
        for name, value in names.items():
            setattr(module, name, value)

    return put


SABOTAGES: dict[str, Sabotage] = {
    "completion is not fenced": Sabotage(
        _put(lease, Settle=rules.UnfencedCompletion), "S1", ("a-zombie-succeeds",)
    ),
    "a lapsed lease is not taken over": Sabotage(
        _put(delivery, Arrive=rules.MeekArrive), "L1", ("a-worker-dies-in-the-middle-of-its-handler",)
    ),
}


def apply(name: str) -> None:
    """Weaken the product in this process; an empty name changes nothing."""
    if name:
        SABOTAGES[name].apply()
