"""Workers that are killed at every point of a delivery."""

from __future__ import annotations

from tests.faults.play import Play
from tests.faults.scenario import scenario


def _crash(play: Play, what: str, *, runs: tuple[int, int]) -> None:
    want = play.want(runs=runs)
    play.order(want, what, "crash", times=1)
    play.send(want)


@scenario(sync=True)
def a_worker_dies_before_its_claim_is_sent(play: Play) -> None:
    """Nothing is known of the task: the next delivery is its first; one run."""
    _crash(play, "claim.sent", runs=(1, 1))


@scenario(sync=True)
def a_worker_dies_before_its_handler_is_called(play: Play) -> None:
    """The claim is recorded and nobody runs: taken over when the lease has lapsed; one run, two attempts."""
    _crash(play, "claim.done", runs=(1, 1))
    play.finish()
    found = play.found(play.wants[0])
    play.claim(found is not None and found.record.attempt == 2, "it was not attempt 2 that ran")


@scenario(sync=True)
def a_worker_dies_in_the_middle_of_its_handler(play: Play) -> None:
    """The task is taken over when the lease has lapsed, and runs again; two runs, one completion."""
    _crash(play, "effect", runs=(2, 2))
