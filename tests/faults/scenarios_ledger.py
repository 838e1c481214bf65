"""A ledger that loses replies and writes, is slow, or is not there: ordered at its very door."""

from __future__ import annotations

import signal
import time

from tests.faults.play import Play
from tests.faults.scenario import scenario
from tests.faults.stage import LEASE, Setup

FOR_EVER = 1000
LOCKS = Setup(settings=(("BENCH_LOCKS", "1"),))


@scenario(sync=True)
def the_reply_to_a_claim_is_lost(play: Play) -> None:
    """The claim is found to be one's own by its lease id: 200 at once; one run, attempt 1."""
    want = play.want(statuses=(200,))
    play.order(want, "claim.done", "lose")
    play.send(want)


@scenario()
def a_claim_is_lost(play: Play) -> None:
    """It turns out not to be written, and is sent again: the same."""
    want = play.want(statuses=(200,))
    play.order(want, "claim.sent", "lose")
    play.send(want)


@scenario(sync=True)
def the_reply_to_a_completion_is_lost(play: Play) -> None:
    """The record is read, and the completion found to be one's own: 200, written once."""
    want = play.want(statuses=(200,))
    play.order(want, "settle.done", "lose")
    play.send(want)


@scenario()
def a_completion_is_lost(play: Play) -> None:
    """It turns out not to be written, and is sent again: 200; one run."""
    want = play.want(statuses=(200,))
    play.order(want, "settle.sent", "lose")
    play.send(want)


@scenario()
def every_reply_is_lost(play: Play) -> None:
    """Of each kind of write the first: still 200 at once, one run."""
    want = play.want(statuses=(200,))
    for what in ("claim.done", "beat.done", "settle.done"):
        play.order(want, what, "lose")
    play.order(want, "begun", "slow:1")
    play.send(want)


@scenario(sync=True)
def a_completion_that_nobody_can_confirm(play: Play) -> None:
    """503, never 2xx on a guess. The task runs again; two runs, one completion."""
    want = play.want(runs=(2, 2))
    play.order(want, "settle.sent", "lose", attempt=1, times=FOR_EVER)
    play.send(want)
    play.see(want, "outcome", said="unavailable")


@scenario()
def a_ledger_that_is_down(play: Play) -> None:
    """503 within ten seconds and no run; it recovers as soon as the ledger does; one run."""
    want = play.want()
    began = time.monotonic()
    for what in ("claim.sent", "read.sent"):
        play.order(want, what, "down", times=FOR_EVER)
    play.send(want)
    play.see(want, "outcome", said="unavailable")
    play.claim(time.monotonic() - began < 10, "it took longer than ten seconds to say so")
    play.claim(play.count(want, "begun") == 0, "it ran")
    play.calm()


@scenario()
def a_ledger_that_is_down_at_the_end(play: Play) -> None:
    """503, never 2xx: the run is not known of, and comes again; two runs, one completion."""
    want = play.want(runs=(2, 2))
    play.order(want, "settle.sent", "down", attempt=1, times=FOR_EVER)
    play.send(want)
    play.see(want, "outcome", said="unavailable")


@scenario()
def a_ledger_that_is_too_busy(play: Play) -> None:
    """Three refusals in a row, of quota or contention, cost time and nothing else: 200 at once; one run."""
    want = play.want(statuses=(200,))
    play.order(want, "claim.sent", "down", times=3)
    play.order(want, "settle.sent", "down", times=3)
    play.send(want)


@scenario()
def heartbeats_that_do_not_get_through(play: Play) -> None:
    """The lease lapses under a handler that runs: taken over, and the first run is fenced."""
    want = play.want(runs=(2, 2))
    play.order(want, "beat.sent", "down", attempt=1, times=FOR_EVER)
    play.order(want, "effect", "park", attempt=1)
    play.send(want)
    play.see(want, "effect", attempt=1)
    play.run(want)
    play.see(want, "outcome", said="completed")
    play.release(want, "effect")
    play.see(want, "outcome", said="duplicate")


@scenario()
def a_slow_heartbeat_at_the_end(play: Play) -> None:
    """The completion waits for the heartbeat under way, and neither fences the other; one run."""
    want = play.want(statuses=(200,))
    play.order(want, "begun", "slow:0.8")
    play.order(want, "beat.sent", "slow:1")
    play.send(want)


@scenario()
def a_slow_ledger(play: Play) -> None:
    """Every operation takes most of a second: 200, one run each, however many ask."""
    wants = [play.want() for _ in range(6)]
    for want in wants:
        for what in ("claim.sent", "settle.sent", "read.sent"):
            play.order(want, what, "slow:0.8", times=FOR_EVER)
        play.send(want)
        play.run(want)


@scenario()
def a_claim_slower_than_its_lease(play: Play) -> None:
    """A claim that took longer than the lease it gave is no licence to run: confirmed first, one run."""
    want = play.want()
    play.order(want, "claim.done", f"slow:{LEASE * 1.2}")
    play.send(want)


@scenario()
def a_failure_that_cannot_be_written(play: Play) -> None:
    """503 all the same; the task runs again when the lease has lapsed; two runs."""
    want = play.want(runs=(2, 2))
    play.order(want, "begun", "fail", attempt=1)
    play.order(want, "settle.sent", "down", attempt=1, times=FOR_EVER)
    play.send(want)


@scenario()
def a_look_that_fails(play: Play) -> None:
    """A retry cannot read the record: 503 or a moment's delay, and no run without a claim; two runs."""
    want = play.want(runs=(2, 2))
    play.order(want, "begun", "fail", attempt=1)
    play.order(want, "read.done", "lose", times=2)
    play.send(want)


@scenario()
def a_conflict_that_cannot_be_kept(play: Play) -> None:
    """The other body is acknowledged only when it is kept: 503 first, then 200."""
    want = play.task(others=(b"another",), statuses=(200, 503, 200))
    play.finish()
    play.order(want, "bury.sent", "down", times=FOR_EVER)
    play.post(want, body=b"another")
    play.calm()
    play.post(want, body=b"another")


@scenario(LOCKS, ledgers=("sqlite",))
def a_worker_is_stopped_in_the_middle_of_a_write(play: Play) -> None:
    """It keeps SQLite's lock: others answer 503, and new workers start, until it goes on; one run each."""
    first, others = play.want(), [play.want() for _ in range(3)]
    play.order_any("locked", "stop")
    play.send(first)
    pid = play.see_any("locked").pid
    for want in others:
        play.stage.note("locked", want.task)
        play.send(want)
        play.see(want, "outcome", said="unavailable")
    bystander = next(worker for worker in play.stage.workers() if worker != pid)
    play.signal(bystander, signal.SIGKILL)
    play.claim(play.stage.whole(), "no worker started while the ledger was locked")
    play.wake(pid)


@scenario(LOCKS, ledgers=("sqlite",))
def a_worker_is_killed_in_the_middle_of_a_write(play: Play) -> None:
    """The lock goes with it, and its write was not: the next delivery is the first; one run."""
    want = play.want()
    play.order_any("locked", "crash")
    play.send(want)
