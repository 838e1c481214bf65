"""Workers that are stopped in every phase of a delivery, and releases that roll out."""

from __future__ import annotations

import signal

from tests.faults.play import Play
from tests.faults.scenario import scenario
from tests.faults.stage import Setup

ROLLING = Setup(revisions=("1", "2"), workers=2)


@scenario(sync=True)
def an_idle_worker_is_told_to_stop(play: Play) -> None:
    """Tasks go on in the others; one run each."""
    for pid in play.stage.workers()[:1]:
        play.signal(pid, signal.SIGTERM)
    for _ in range(20):
        play.task(runs=(1, 2))


@scenario(sync=True)
def a_worker_is_told_to_stop_while_its_handler_runs(play: Play) -> None:
    """The handler has time to end: 200; one run, and no other delivery meanwhile."""
    task = play.expect(statuses=(200,))
    play.order(task, "effect", "park")
    play.send(task)
    play.signal(play.see(task, "effect").pid, signal.SIGTERM)
    play.rest(0.5)
    play.release(task, "effect")


@scenario(sync=True)
def a_handler_stops_at_a_checkpoint(play: Play) -> None:
    """A drained attempt is not charged: the only one that the handler allows is still there; two runs."""
    task = play.expect(handler="single", runs=(2, 2), statuses=(503, 200))
    play.order(task, "begun", "linger", attempt=1)
    play.send(task)
    play.signal(play.see(task, "begun").pid, signal.SIGTERM)
    play.finish()
    found = play.found(task)
    play.claim(found is not None and found.record.drained == 1, "DRAIN: the handler was not told to stop")


@scenario()
def a_service_is_told_to_stop_and_then_killed(play: Play) -> None:
    """A handler that does not end in the time it has dies with its worker, and runs again elsewhere."""
    task = play.expect(runs=(2, 2))
    play.order(task, "effect", "park", attempt=1)
    play.send(task)
    play.see(task, "effect")
    play.stage.note("terminated", task.id)
    play.stage.server.terminate()
    play.stage.server.wait_for_the_end()
    play.stage.server.start()


@scenario()
def a_release_rolls_out_under_load(play: Play) -> None:
    """SIGHUP replaces all workers while a hundred tasks run: nothing is lost, one completion each."""
    tasks = [play.expect(runs=(1, 2)) for _ in range(100)]
    play.stage.note("reload")
    for number, task in enumerate(tasks):
        play.order(task, "begun", "slow:0.1")
        play.send(task)
        if number == 30:
            play.stage.server.reload()


@scenario(ROLLING)
def a_handler_is_missing_on_one_side(play: Play) -> None:
    """The old revision says 404, which is no acknowledgement; the new one runs it; one run each."""
    for _ in range(6):
        play.task(handler="newcomer")
    play.finish()
    play.claim(
        404 in {status for task in play.expectations for status in play.answers(task)},
        "nobody met the old one",
    )


@scenario(ROLLING)
def both_revisions_share_the_ledger(play: Play) -> None:
    """What one has completed is a duplicate to the other; one run each."""
    for _ in range(10):
        task = play.task()
        play.see(task, "outcome", said="completed")
        answers = {play.post(task), play.post(task)}
        play.claim(answers == {200}, f"answered {answers}")
