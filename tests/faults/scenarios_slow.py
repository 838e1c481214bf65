"""A connection to the ledger that is slow in each direction, or dead without an error."""

from __future__ import annotations

from tests.faults.history import Expectation, entry_of
from tests.faults.play import Play
from tests.faults.scenario import scenario
from tests.faults.stage import Setup
from tests.faults.tcp_proxy import Fault, Proxy

BY_WIRE = ("firestore",)
LEASE_SECONDS = 30
"""Seconds, as by default: those of other plays are shorter than what a slow ledger takes."""

MANY = 16
JITTER = 0.1
"""Of a delay, the part that differs from chunk to chunk."""

SLOW = Setup(workers=2, threads=MANY, settings=(("TASKHANDLER_LEASE", str(LEASE_SECONDS)),))
LATE = Setup(workers=2, threads=MANY, settings=(("TASKHANDLER_LEASE", "8"),))
"""For ways on which no claim is ever heard of: what they have claimed must lapse within the play."""


def _proxy(play: Play) -> Proxy:
    if play.stage.site.proxy is None:
        raise LookupError("this ledger has no wire")
    return play.stage.site.proxy


def _sweep(*seconds: float) -> dict[str, dict[str, float]]:
    """Round trips of so many seconds, for one delivery and for many at once."""
    return {
        f"{each:g}s{name}": {"seconds": each, "at_once": at_once}
        for each in seconds
        for name, at_once in (("", 1), (f"-{MANY}", MANY))
    }


def _slow_down(play: Play, seconds: float, *, at_once: int) -> list[Expectation]:
    """Make round trips take up to so long, and tasks for them."""
    tasks = [play.expect() for _ in range(int(at_once))]
    _proxy(play).delay(seconds / 2 * (1 - JITTER), jitter=seconds / 2 * JITTER)
    return tasks


def _end_while_slow(play: Play, tasks: list[Expectation], *, timeout: float) -> None:
    """Each task ends although the connection stays slow, and no delivery is answered 503."""
    play.finish(timeout=timeout)
    play.claim(not play.left(), f"tasks are left although the ledger answers: {sorted(play.left())}")
    troubled = [task.id for task in tasks if play.count_said(task, "unavailable")]
    play.claim(not troubled, f"a slow ledger was taken for one that is out of use: {troubled}")
    _proxy(play).heal()


def _longest(play: Play, task: Expectation) -> float:
    """Seconds that the longest of the task's deliveries took so far."""
    entries = [entry_of(attempt) for attempt in play.stage.queue.attempts(task.id)]
    return max((entry.ended - entry.sent for entry in entries if entry.ended is not None), default=0.0)


@scenario(SLOW, ledgers=BY_WIRE, variants=_sweep(0, 1, 2, 3, 4))
def round_trips_of_up_to_four_seconds(play: Play, *, seconds: float, at_once: int) -> None:
    """A claim and a completion take one round trip each: 200 at the first delivery; one run each."""
    for task in _slow_down(play, seconds, at_once=at_once):
        task.statuses = (200,)
        play.send(task)
    _end_while_slow(play, play.expectations, timeout=40)


@scenario(SLOW, ledgers=BY_WIRE)
def a_second_each_way_and_every_task_twice(play: Play) -> None:
    """From 0.8 to 1.1 s each way, and twelve tasks delivered twice: no 503; one run each."""
    tasks = [play.expect() for _ in range(12)]
    _proxy(play).delay(0.8, jitter=0.3)
    for task in tasks:
        play.send(task)
        play.run(task)
    _end_while_slow(play, tasks, timeout=40)


@scenario(SLOW, ledgers=BY_WIRE)
def a_failure_on_a_slow_connection(play: Play) -> None:
    """Round trips of four seconds, and a retry that reads before it writes: 503, then 200; two runs."""
    for task in _slow_down(play, 4, at_once=4):
        task.statuses, task.runs = (503, 200), (2, 2)
        play.order(task, "begun", "fail", attempt=1)
        play.send(task)
    _end_while_slow(play, play.expectations, timeout=60)


@scenario(SLOW, ledgers=BY_WIRE)
def a_long_handler_on_a_slow_connection(play: Play) -> None:
    """Heartbeats of four seconds each keep the leases of eight handlers longer than a lease; one run each."""
    tasks = _slow_down(play, 4, at_once=8)
    for task in tasks:
        task.statuses = (200,)
        play.order(task, "effect", "park")
        play.send(task)
    play.rest(LEASE_SECONDS + 10)
    for task in tasks:
        play.claim(play.count_answered(task, "heartbeat.done", "written") > 1, f"{task.id} has no heartbeats")
        play.release(task, "effect")
    _end_while_slow(play, tasks, timeout=30)


@scenario(SLOW, ledgers=BY_WIRE)
def a_completion_behind_a_slow_heartbeat(play: Play) -> None:
    """A completion waits for the heartbeat under way, which takes four seconds: 200, one run each."""
    tasks = _slow_down(play, 4, at_once=4)
    for task in tasks:
        task.statuses = (200,)
        play.order(task, "effect", "park")
        play.send(task)
    for task in tasks:
        play.see(task, "heartbeat.sent")
        play.release(task, "effect")
    _end_while_slow(play, tasks, timeout=30)


@scenario(LATE, ledgers=BY_WIRE, variants=_sweep(5, 8))
def round_trips_longer_than_any_call(play: Play, *, seconds: float, at_once: int) -> None:
    """503 within ten seconds, and no run; each task is completed once when the way is quick again."""
    for task in _slow_down(play, seconds, at_once=at_once):
        play.stage.note("proxy slow", task.id)
        play.send(task)
    play.rest(20)
    for task in play.expectations:
        refused = play.count_said(task, "unavailable")
        play.claim(1 <= refused <= 6, f"{task.id} was answered 503 {refused} times")
        play.claim(_longest(play, task) < 10, f"{task.id} waited longer than ten seconds for an answer")
        play.claim(play.count(task, "begun") == 0, f"{task.id} ran on a claim that nobody heard of")
    _proxy(play).heal()
    play.finish(timeout=40)


@scenario(SLOW, ledgers=BY_WIRE)
def a_dead_connection_under_a_handler(play: Play) -> None:
    """A heartbeat that goes nowhere shows it: the next ones take a new connection in time; 200, one run."""
    task = play.expect(statuses=(200,))
    play.order(task, "effect", "park")
    play.send(task)
    play.see(task, "effect")
    play.stage.note("proxy BLACKHOLE", task.id)
    _proxy(play).strike(Fault.BLACKHOLE)
    play.rest(LEASE_SECONDS * 2 / 3 + 4)
    got_through = play.count_answered(task, "heartbeat.done", "written")
    play.claim(got_through, "the dead connection was still in use after two heartbeats")
    play.release(task, "effect")
