"""Workers that are stopped past their lease, and go on when others have taken over."""

from __future__ import annotations

from tests.faults.history import Want
from tests.faults.play import Play
from tests.faults.scenario import scenario


def _stopped(play: Play, *, attempt: int = 1, **about: object) -> tuple[Want, int]:
    """A task whose handler is stopped, with its whole process, in the middle; and that process."""
    want = play.want(**{"runs": (2, 2), **about})
    play.order(want, "effect", "stop", attempt=attempt)
    play.send(want)
    return want, play.see(want, "effect", attempt=attempt).pid


@scenario(sync=True)
def a_zombie_succeeds(play: Play) -> None:
    """Its completion is fenced and it answers 200 for the end that another run has recorded; two runs."""
    want, pid = _stopped(play)
    play.run(want)
    play.see(want, "outcome", said="completed")
    play.wake(pid)
    play.see(want, "outcome", said="duplicate")
