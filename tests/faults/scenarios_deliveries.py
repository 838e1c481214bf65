"""What an at-least-once queue does on an ordinary day."""

from __future__ import annotations

from tests.faults.play import Play
from tests.faults.scenario import scenario


@scenario(sync=True)
def nothing_goes_wrong(play: Play) -> None:
    """A task is claimed, run and completed by its first delivery."""
    want = play.task(statuses=(200,))
    play.finish()
    reads = play.count(want, "read.sent")
    play.claim(reads == 0, f"{reads} reads of the ledger, none is needed")
