"""Connections that break, between the queue and the web server and between that and the ledger."""

from __future__ import annotations

import time

from tests.faults.http_proxy import HALF
from tests.faults.play import Play
from tests.faults.scenario import scenario
from tests.faults.stage import LEASE_SECONDS, Setup
from tests.faults.tcp_proxy import Fault, Proxy

BY_WIRE = ("firestore",)
RELAYED = Setup(relayed=True)
BUSY = ("RESOURCE_EXHAUSTED", "ABORTED", "UNAVAILABLE")


@scenario(sync=True)
def an_answer_is_lost(play: Play) -> None:
    """The 200 is cut off on its way: the queue delivers again, 200 duplicate; one run."""
    task = play.expect(statuses=(None, 200))
    play.http_proxy.strike(task.id, Fault.CUT_AFTER)
    play.stage.note("cut", task.id)
    play.send(task)


@scenario()
def every_answer_is_lost_for_a_while(play: Play) -> None:
    """The same, five times."""
    task = play.expect(statuses=(None, None, None, None, None, 200))
    play.http_proxy.strike(task.id, *[Fault.CUT_AFTER] * 5)
    play.stage.note("cut", task.id)
    play.send(task)


@scenario()
def a_request_is_lost(play: Play) -> None:
    """It never arrives: the next one is the first; one run."""
    task = play.expect(statuses=(None, 200))
    play.http_proxy.strike(task.id, Fault.CUT_BEFORE)
    play.stage.note("cut", task.id)
    play.send(task)


@scenario(sync=True)
def half_a_request(play: Play) -> None:
    """The connection breaks in the middle of the body: nothing is claimed; one run, of the whole body."""
    task = play.expect(body=b"x" * 50_000)
    play.http_proxy.strike(task.id, HALF)
    play.stage.note("cut", task.id)
    play.send(task)
    play.finish()
    play.claim(play.count(task, "claim.sent") == 1, "half a body was claimed")


@scenario()
def a_request_that_goes_nowhere(play: Play) -> None:
    """The queue waits until its deadline, and delivers again; one run."""
    task = play.expect(statuses=(None, 200))
    play.stage.queue.faults(deadline=1, deadline_after=0.5, attempts=(0,))
    play.http_proxy.strike(task.id, Fault.BLACKHOLE)
    play.send(task)
    play.finish()
    play.stage.queue.faults()


@scenario()
def an_answer_that_goes_nowhere(play: Play) -> None:
    """The same, with the task completed meanwhile: 200 duplicate; one run."""
    task = play.expect(statuses=(None, 200))
    play.stage.queue.faults(deadline=1, deadline_after=0.5, attempts=(0,))
    play.http_proxy.strike(task.id, Fault.MUTE)
    play.send(task)
    play.finish()
    play.stage.queue.faults()


def _proxy(play: Play) -> Proxy:
    if play.stage.site.proxy is None:
        raise LookupError("this ledger has no wire")
    return play.stage.site.proxy


def _struck(play: Play, what: str, fault: Fault, **about: object) -> None:
    """The next call that a task's `what` makes to the ledger meets `fault`."""
    task = play.expect(**about)
    play.order(task, what, "park")
    play.send(task)
    play.see(task, what)
    play.stage.note(f"proxy {fault.name}", task.id)
    _proxy(play).strike(fault)
    play.release(task, what)
    play.finish()


@scenario(ledgers=BY_WIRE)
def a_claim_is_applied_and_its_reply_cut(play: Play) -> None:
    """The lease id shows that the claim is its own: 200 at once; one run, attempt 1."""
    _struck(play, "claim.sent", Fault.CUT_AFTER, statuses=(200,))


@scenario(ledgers=BY_WIRE)
def a_claim_is_cut(play: Play) -> None:
    """It is sent again: the same."""
    _struck(play, "claim.sent", Fault.CUT_BEFORE, statuses=(200,))


@scenario(ledgers=BY_WIRE)
def a_completion_is_applied_and_its_reply_cut(play: Play) -> None:
    """The record is read again: 200; one run."""
    _struck(play, "settle.sent", Fault.CUT_AFTER, statuses=(200,))


@scenario(ledgers=BY_WIRE)
def a_completion_is_cut(play: Play) -> None:
    """It is sent again: the same."""
    _struck(play, "settle.sent", Fault.CUT_BEFORE, statuses=(200,))


@scenario(ledgers=BY_WIRE)
def a_completion_is_applied_and_nobody_answers(play: Play) -> None:
    """The call runs into its time limit: 200 or, once the record can be read, 200 duplicate; one run."""
    _struck(play, "settle.sent", Fault.MUTE)


@scenario(ledgers=BY_WIRE)
def the_ledger_is_a_black_hole(play: Play) -> None:
    """503 within ten seconds, and no run; it recovers by itself; one run."""
    warm = play.task()
    play.see(warm, "outcome", said="completed")
    task = play.expect()
    play.stage.note("proxy BLACKHOLE", task.id)
    _proxy(play).strike(Fault.BLACKHOLE, times=0)
    began = time.monotonic()
    play.send(task)
    play.see(task, "outcome", said="unavailable")
    play.claim(time.monotonic() - began < 10, "it took longer than ten seconds to say so")
    _proxy(play).heal()


@scenario(ledgers=BY_WIRE)
def the_ledger_refuses_connections(play: Play) -> None:
    """The same."""
    task = play.expect()
    play.stage.note("proxy refuses", task.id)
    _proxy(play).refuse()
    play.send(task)
    play.see(task, "outcome", said="unavailable")
    play.claim(play.count(task, "begun") == 0, "it ran")
    _proxy(play).heal()


@scenario(ledgers=BY_WIRE)
def the_ledger_goes_away_while_handlers_run(play: Play) -> None:
    """No heartbeat gets through until the lease has lapsed, then the ledger is back: nothing is lost."""
    task = play.expect(runs=(1, 2))
    play.order(task, "effect", "park", attempt=1)
    play.send(task)
    play.see(task, "effect")
    play.stage.note("proxy refuses", task.id)
    _proxy(play).refuse()
    play.rest(1.5 * LEASE_SECONDS)
    _proxy(play).heal()
    play.release(task, "effect")


@scenario(ledgers=BY_WIRE)
def all_connections_to_the_ledger_break(play: Play) -> None:
    """Again and again, under twenty tasks: each is completed once."""
    tasks = [play.expect(runs=(1, 2)) for _ in range(20)]
    for task in tasks:
        play.stage.note("proxy cuts", task.id)
        play.send(task)
    for _ in range(10):
        _proxy(play).cut()
        play.rest(0.1)


@scenario(ledgers=BY_WIRE)
def a_slow_connection_to_the_ledger(play: Play) -> None:
    """A third of a second each way, and duplicates at the same time: one run each."""
    tasks = [play.expect() for _ in range(8)]
    _proxy(play).delay(0.15)
    for task in tasks:
        play.stage.note("proxy slow", task.id)
        play.send(task)
        play.run(task)
    play.finish()


@scenario(RELAYED, ledgers=BY_WIRE)
def firestore_is_over_its_quota(play: Play) -> None:
    """Refused for quota, contention and overload in turn, which is never taken for an answer; one run."""
    task = play.expect()
    play.stage.note("relay", task.id)
    for code in BUSY:
        play.relay.answer("Commit", code)
    play.send(task)


@scenario(RELAYED, ledgers=BY_WIRE)
def firestore_is_contended_at_the_end(play: Play) -> None:
    """An ABORTED completion is not one that somebody else has made: sent again, 200; one run."""
    task = play.expect(statuses=(200,))
    play.order(task, "settle.sent", "park")
    play.send(task)
    play.see(task, "settle.sent")
    play.stage.note("relay", task.id)
    play.relay.answer("Commit", "ABORTED", times=2)
    play.release(task, "settle.sent")


@scenario(RELAYED, ledgers=BY_WIRE)
def firestore_does_not_know_the_worker(play: Play) -> None:
    """PERMISSION_DENIED: 503 and no run, until the permission is there; one run."""
    task = play.expect()
    play.stage.note("relay", task.id)
    play.relay.answer("Commit", "PERMISSION_DENIED", times=9)
    play.relay.answer("BatchGetDocuments", "PERMISSION_DENIED", times=9)
    play.send(task)
    play.see(task, "outcome", said="unavailable")
    play.claim(play.count(task, "begun") == 0, "it ran")
