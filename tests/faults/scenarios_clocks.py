"""Workers whose wall clocks are wrong, and jump."""

from __future__ import annotations

from tests.faults.play import Play
from tests.faults.scenario import scenario
from tests.faults.stage import LEASE_SECONDS, Setup

SKEWED = Setup(revisions=("1", "2"), workers=2, clocks=True)
"""Two gunicorns, each with a wall clock of its own; deliveries go to them in turn."""


def _running(play: Play, seconds: float) -> None:
    """A task that runs so long, and is asked for by both workers."""
    task = play.expect()
    play.order(task, "begun", "park")
    play.send(task)
    play.see(task, "begun")
    for number in (1, 2, 3, 4):
        play.claim(play.post(task, number=number) == 429, "CLOCK: a duplicate was not answered as in flight")
    play.rest(seconds)
    play.release(task, "begun")
    play.finish()


@scenario(SKEWED)
def workers_disagree_about_the_time(play: Play) -> None:
    """One is 45 s ahead, the other 45 s behind, and a lease is 1.5 s: no live lease is taken over."""
    play.stage.set_clock(0, 45)
    play.stage.set_clock(1, -45)
    for _ in range(2):
        _running(play, 0)
    _running(play, 2 * LEASE_SECONDS)


@scenario(SKEWED)
def clocks_jump_while_handlers_run(play: Play) -> None:
    """Back and forth under a running handler: its lease is extended all the same; one run."""
    task = play.expect()
    play.order(task, "begun", f"slow:{3 * LEASE_SECONDS}")
    play.send(task)
    play.see(task, "begun")
    for seconds in (50, -50, 40, -30, 0):
        play.stage.set_clock(0, seconds)
        play.stage.set_clock(1, seconds)
        play.claim(play.post(task, number=1) == 429, "CLOCK: a duplicate was not answered as in flight")
        play.rest(LEASE_SECONDS / 3)


@scenario(SKEWED)
def a_dead_worker_had_the_wrong_time(play: Play) -> None:
    """Its lease lapses when it is over, neither earlier nor later; two runs."""
    play.stage.set_clock(0, 45)
    play.stage.set_clock(1, -45)
    for _ in range(2):
        task = play.expect(runs=(2, 2))
        play.order(task, "effect", "crash")
        play.send(task)


@scenario(SKEWED)
def a_clock_is_an_hour_wrong(play: Play) -> None:
    """Tokens seem to have expired: 401, and no ledger is touched. Set right again, the task runs; one run."""
    play.stage.set_clock(0, 7200)
    play.stage.set_clock(1, 7200)
    task = play.task()
    play.until(lambda: len(play.answers(task)) > 2, "it is not delivered")
    play.claim(set(play.answers(task)) == {401}, f"answered {play.answers(task)}")
    play.stage.set_clock(0, 0)
    play.stage.set_clock(1, 0)
