"""A ledger that loses replies and writes, is slow, or is down: as ordered, around its operations."""

from __future__ import annotations

import signal
import time

from tests.faults.play import Play
from tests.faults.scenario import scenario
from tests.faults.stage import LEASE_SECONDS, Setup

FOR_EVER = 1000
LOCKS = Setup(settings=(("BENCH_LOCKS", "1"),))


@scenario(sync=True)
def the_reply_to_a_claim_is_lost(play: Play) -> None:
    """The claim is found to be one's own by its lease id: 200 at once; one run, attempt 1."""
    task = play.expect(statuses=(200,))
    play.order(task, "claim.done", "lose")
    play.send(task)


@scenario()
def a_claim_is_lost(play: Play) -> None:
    """It turns out not to be written, and is sent again: the same."""
    task = play.expect(statuses=(200,))
    play.order(task, "claim.sent", "lose")
    play.send(task)


@scenario(sync=True)
def the_reply_to_a_completion_is_lost(play: Play) -> None:
    """The record is read, and the completion found to be one's own: 200, written once."""
    task = play.expect(statuses=(200,))
    play.order(task, "settle.done", "lose")
    play.send(task)


@scenario()
def a_completion_is_lost(play: Play) -> None:
    """It turns out not to be written, and is sent again: 200; one run."""
    task = play.expect(statuses=(200,))
    play.order(task, "settle.sent", "lose")
    play.send(task)


@scenario()
def every_reply_is_lost(play: Play) -> None:
    """Of each kind of write the first: still 200 at once, one run."""
    task = play.expect(statuses=(200,))
    for what in ("claim.done", "heartbeat.done", "settle.done"):
        play.order(task, what, "lose")
    play.order(task, "begun", "slow:1")
    play.send(task)


@scenario(sync=True)
def a_completion_that_nobody_can_confirm(play: Play) -> None:
    """503, never 2xx on a guess. The task runs again; two runs, one completion."""
    task = play.expect(runs=(2, 2))
    play.order(task, "settle.sent", "lose", attempt=1, times=FOR_EVER)
    play.send(task)
    play.see(task, "outcome", said="unavailable")


@scenario()
def a_ledger_that_is_down(play: Play) -> None:
    """503 within ten seconds and no run; it recovers as soon as the ledger does; one run."""
    task = play.expect()
    began = time.monotonic()
    for what in ("claim.sent", "read.sent"):
        play.order(task, what, "down", times=FOR_EVER)
    play.send(task)
    play.see(task, "outcome", said="unavailable")
    play.claim(time.monotonic() - began < 10, "it took longer than ten seconds to say so")
    play.claim(play.count(task, "begun") == 0, "it ran")
    play.calm()


@scenario()
def a_ledger_that_is_down_at_the_end(play: Play) -> None:
    """503, never 2xx: the run is not known of, and comes again; two runs, one completion."""
    task = play.expect(runs=(2, 2))
    play.order(task, "settle.sent", "down", attempt=1, times=FOR_EVER)
    play.send(task)
    play.see(task, "outcome", said="unavailable")


@scenario()
def a_ledger_that_is_too_busy(play: Play) -> None:
    """Three refusals in a row, of quota or contention, cost time and nothing else: 200 at once; one run."""
    task = play.expect(statuses=(200,))
    play.order(task, "claim.sent", "down", times=3)
    play.order(task, "settle.sent", "down", times=3)
    play.send(task)


@scenario()
def heartbeats_that_do_not_arrive(play: Play) -> None:
    """The lease lapses under a handler that runs: taken over, and the first run is fenced."""
    task = play.expect(runs=(2, 2))
    play.order(task, "heartbeat.sent", "down", attempt=1, times=FOR_EVER)
    play.order(task, "effect", "park", attempt=1)
    play.send(task)
    play.see(task, "effect", attempt=1)
    play.run(task)
    play.see(task, "outcome", said="completed")
    play.release(task, "effect")
    play.see(task, "outcome", said="duplicate")


@scenario()
def a_slow_heartbeat_at_the_end(play: Play) -> None:
    """The completion waits for the heartbeat under way, and neither fences the other; one run."""
    task = play.expect(statuses=(200,))
    play.order(task, "begun", "slow:0.8")
    play.order(task, "heartbeat.sent", "slow:1")
    play.send(task)


@scenario()
def a_slow_ledger(play: Play) -> None:
    """Every operation takes most of a second: 200, one run each, however many ask."""
    tasks = [play.expect() for _ in range(6)]
    for task in tasks:
        for what in ("claim.sent", "settle.sent", "read.sent"):
            play.order(task, what, "slow:0.8", times=FOR_EVER)
        play.send(task)
        play.run(task)


@scenario()
def a_claim_slower_than_its_lease(play: Play) -> None:
    """A claim that took longer than the lease it gave is no licence to run: confirmed first, one run."""
    task = play.expect()
    play.order(task, "claim.done", f"slow:{LEASE_SECONDS * 1.2}")
    play.send(task)


@scenario()
def a_failure_that_cannot_be_written(play: Play) -> None:
    """503 all the same; the task runs again when the lease has lapsed; two runs."""
    task = play.expect(runs=(2, 2))
    play.order(task, "begun", "fail", attempt=1)
    play.order(task, "settle.sent", "down", attempt=1, times=FOR_EVER)
    play.send(task)


@scenario()
def a_retry_cannot_read_its_record(play: Play) -> None:
    """A retry cannot read the record: 503 or a moment's delay, and no run without a claim; two runs."""
    task = play.expect(runs=(2, 2))
    play.order(task, "begun", "fail", attempt=1)
    play.order(task, "read.done", "lose", times=2)
    play.send(task)


@scenario()
def a_conflict_that_cannot_be_kept(play: Play) -> None:
    """The other body is acknowledged only when it is kept: 503 first, then 200."""
    task = play.task(others=(b"another",), statuses=(200, 503, 200))
    play.finish()
    play.order(task, "keep_conflict.sent", "down", times=FOR_EVER)
    play.post(task, body=b"another")
    play.calm()
    play.post(task, body=b"another")


@scenario(LOCKS, ledgers=("sqlite",))
def a_worker_is_stopped_in_the_middle_of_a_write(play: Play) -> None:
    """It keeps SQLite's lock: others answer 503, and new workers start, until it goes on; one run each."""
    first, others = play.expect(), [play.expect() for _ in range(3)]
    play.order_any("locked", "stop")
    play.send(first)
    pid = play.see_any("locked").pid
    for task in others:
        play.stage.note("locked", task.id)
        play.send(task)
        play.see(task, "outcome", said="unavailable")
    bystander = next(worker for worker in play.stage.workers() if worker != pid)
    play.signal(bystander, signal.SIGKILL)
    play.claim(play.stage.whole(), "no worker started while the ledger was locked")
    play.wake(pid)


@scenario(LOCKS, ledgers=("sqlite",))
def a_worker_is_killed_in_the_middle_of_a_write(play: Play) -> None:
    """The lock goes with it, and its write was not: the next delivery is the first; one run."""
    task = play.expect()
    play.order_any("locked", "crash")
    play.send(task)
