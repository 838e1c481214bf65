"""What a program or an operator does who cancels the task: one amendment, through the loop that ships."""

from __future__ import annotations

from collections.abc import Iterator

from msgspec import Struct
from msgspec.structs import replace

from taskhandler.ledger.amend import Done, Unread, begin
from taskhandler.lifecycle.rules import Rule
from tests.exploration.invariants import broken_by_cancellation
from tests.exploration.state import RETENTION, At, Local, Move, Scenario, Shared
from tests.exploration.ways import Ways


class Canceller(Struct, frozen=True):
    """The story of every cancellation of a scenario."""

    ways: Ways
    scenario: Scenario

    def start(self, local: Local, shared: Shared) -> Iterator[Move]:
        """It may believe that the task has never come, or look first."""
        cancel = self.ways.cancel(nonce=f"cancel {local.slot}", reason="x", handler="h", retention=RETENTION)
        for word, believed in (("at once", None), ("after a look", Unread())):
            step = begin(cancel, believed)
            broken: frozenset[str] = frozenset()
            if isinstance(step, Done):
                there, broken = self.done(local, cancel, step, shared)
            else:
                there = replace(local, at=At.CANCEL, pending=step)
            yield Move(label=f"begins {word}", local=there, shared=shared, broken=broken)

    def done(self, local: Local, rule: Rule, done: Done, shared: Shared) -> tuple[Local, frozenset[str]]:  # noqa: ARG002 - as a delivery's
        """It learns whether the task is cancelled."""
        broken = broken_by_cancellation(local, done.verdict, shared.ghosts, self.scenario)
        return Local(slot=local.slot, at=At.GONE), broken
