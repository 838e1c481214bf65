"""Workers that are killed at every point of a delivery, alone, together and again and again."""

from __future__ import annotations

import signal

from tests.faults.play import Play
from tests.faults.scenario import scenario
from tests.faults.stage import Setup

FEW = Setup(workers=4, settings=(("TASKHANDLER_QUEUE_MAX_ATTEMPTS", "2"),))


def _crash(play: Play, what: str, *, runs: tuple[int, int], before: str = "") -> None:
    task = play.expect(runs=runs)
    if before:
        play.order(task, "begun", before)
    play.order(task, what, "crash")
    play.send(task)


@scenario(sync=True)
def a_worker_dies_before_its_claim_is_sent(play: Play) -> None:
    """Nothing is known of the task: the next delivery is its first; one run."""
    _crash(play, "claim.sent", runs=(1, 1))


@scenario(sync=True)
def a_worker_dies_before_its_handler_is_called(play: Play) -> None:
    """The claim is recorded and nobody runs: taken over when the lease has lapsed; one run, two attempts."""
    _crash(play, "claim.done", runs=(1, 1))
    play.finish()
    found = play.found(play.expectations[0])
    play.claim(found is not None and found.record.attempt == 2, "it was not attempt 2 that ran")


@scenario(sync=True)
def a_worker_dies_in_the_middle_of_its_handler(play: Play) -> None:
    """The task is taken over when the lease has lapsed, and runs again; two runs, one completion."""
    _crash(play, "effect", runs=(2, 2))


@scenario()
def a_worker_dies_as_it_sends_a_heartbeat(play: Play) -> None:
    """The same."""
    _crash(play, "heartbeat.sent", runs=(2, 2), before="slow:1")


@scenario()
def a_worker_dies_after_a_heartbeat(play: Play) -> None:
    """The same, a lease after that heartbeat."""
    _crash(play, "heartbeat.done", runs=(2, 2), before="slow:1")


@scenario(sync=True)
def a_worker_dies_before_the_end_is_sent(play: Play) -> None:
    """The handler has returned and nobody knows: it runs again; two runs, one completion."""
    _crash(play, "settle.sent", runs=(2, 2))


@scenario(sync=True)
def a_worker_dies_before_it_answers(play: Play) -> None:
    """The completion is recorded, the answer was never sent: 200 duplicate; one run."""
    _crash(play, "settle.done", runs=(1, 1))


@scenario()
def a_worker_dies_as_listeners_are_called(play: Play) -> None:
    """Listeners are called after the fact is recorded: one that kills its worker changes nothing; one run."""
    _crash(play, "outcome", runs=(1, 1))


@scenario()
def a_worker_dies_between_looking_and_claiming(play: Play) -> None:
    """The second delivery dies after it has read the record: the third claims it; two runs."""
    task = play.expect(runs=(2, 2))
    play.order(task, "begun", "fail")
    play.order(task, "read.done", "crash")
    play.send(task)


@scenario(sync=True)
def every_run_kills_its_worker(play: Play) -> None:
    """Attempts are counted when they begin: dead after three, its body kept, `on_dead` called, 200."""
    task = play.expect(handler="frail", end="dead", runs=(3, 3))
    play.order(task, "begun", "crash", times=50)
    play.send(task)
    play.finish()
    play.claim(play.count(task, "on_dead") == 1, "on_dead was not called once")


@scenario()
def on_dead_kills_its_worker(play: Play) -> None:
    """The death is recorded but not that `on_dead` was called: it is called again at the next delivery."""
    task = play.expect(handler="single", end="dead")
    play.order(task, "begun", "fail")
    play.order(task, "on_dead", "crash")
    play.send(task)
    play.finish()
    play.claim(play.count(task, "on_dead") == 2, "on_dead was not called again")


@scenario()
def a_worker_dies_before_on_dead_is_marked_as_called(play: Play) -> None:
    """The same: `on_dead` is called at least once."""
    task = play.expect(handler="single", end="dead")
    play.order(task, "begun", "fail")
    play.order(task, "mark_notified.sent", "crash")
    play.send(task)
    play.finish()
    play.claim(play.count(task, "on_dead") == 2, "on_dead was not called again")


@scenario()
def a_worker_dies_while_duplicates_arrive(play: Play) -> None:
    """A delivery that meets a live lease is not acknowledged, so the task survives its holder; two runs."""
    task = play.expect(runs=(2, 2))
    play.order(task, "effect", "park")
    play.send(task)
    play.see(task, "effect")
    play.run(task)
    play.see(task, "outcome", said="in-flight")
    play.release(task, "effect", "crash")


@scenario(FEW)
def the_last_delivery_waits_for_the_lease(play: Play) -> None:
    """Two attempts of the queue's, the first dies: the second waits until the lease lapses, then runs."""
    play.queue(max_attempts=2)
    _crash(play, "effect", runs=(2, 2))


@scenario(ledgers=("sqlite",))
def a_queue_with_fewer_attempts_than_it_says(play: Play) -> None:
    """KNOWN LOSS: the queue gives up earlier than `QUEUE_MAX_ATTEMPTS` says, with the lease still live.

    Nobody can help that task: `flask tasks doctor` is to compare the two numbers.
    """
    play.queue(max_attempts=2)
    task = play.expect(runs=(1, 1), end="running", statuses=(None, 429))
    play.order(task, "effect", "crash")
    play.send(task)


@scenario(sync=True)
def all_workers_die_at_once(play: Play) -> None:
    """Every task that was running runs again, and no task is stuck."""
    tasks = [play.expect(runs=(2, 2)) for _ in range(3)]
    for task in tasks:
        play.order(task, "effect", "park")
        play.send(task)
    for pid in {play.see(task, "effect").pid for task in tasks}:
        play.signal(pid, signal.SIGKILL)


@scenario()
def the_machine_is_switched_off(play: Play) -> None:
    """Master and workers die together and start again: the same."""
    tasks = [play.expect(runs=(2, 2)) for _ in range(3)]
    for task in tasks:
        play.order(task, "effect", "park")
        play.send(task)
    for task in tasks:
        play.see(task, "effect")
    play.stage.note("switched off")
    play.stage.server.kill()
    play.stage.server.start()


@scenario(sync=True)
def a_handler_exits_its_worker(play: Play) -> None:
    """`SystemExit` gives the lease back within a second: the next delivery need not wait for it to lapse."""
    task = play.expect(runs=(2, 2))
    play.order(task, "begun", "exit")
    play.send(task)
    play.see(task, "begun", attempt=2)
    play.claim(play.count_said(task, "in-flight") == 0, "RELEASE: the lease was not given back")
