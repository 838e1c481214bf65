"""Workers that are stopped past their lease, and go on when others have taken over."""

from __future__ import annotations

import signal
from typing import Any

from tests.faults.history import Expectation
from tests.faults.play import Play
from tests.faults.scenario import scenario
from tests.faults.stage import LEASE_SECONDS


def _stopped(play: Play, what: str = "effect", **about: Any) -> tuple[Expectation, int]:  # noqa: ANN401 - of Want
    """A task whose first attempt is stopped at `what`, with its whole process; and that process."""
    task = play.expect(**{"runs": (2, 2), **about})
    play.order(task, what, "stop", attempt=1)
    play.send(task)
    return task, play.see(task, what, attempt=1).pid


def _woken(play: Play, task: Expectation, pid: int, said: str) -> None:
    """Let the zombie go on, and wait for the outcome of its delivery."""
    before = play.count_said(task, said)
    play.wake(pid)
    play.see(task, "outcome", said=said, count=before + 1)


def _overtaken(play: Play, what: str = "effect", **about: Any) -> tuple[Expectation, int]:  # noqa: ANN401 - of Want
    """The same, once another delivery has completed the task."""
    task, pid = _stopped(play, what, **about)
    play.run(task)
    play.see(task, "outcome", said="completed")
    return task, pid


@scenario(sync=True)
def a_zombie_succeeds(play: Play) -> None:
    """Its completion is fenced and it answers 200 for the end that another run has recorded; two runs.

    What it writes to a resource that looks at fences is refused; one that does not is written to twice.
    """
    task, pid = _overtaken(play)
    _woken(play, task, pid, "duplicate")
    play.claim(play.count_answered(task, "fenced", "refused") == 1, "the resource did not refuse its fence")
    play.claim(play.count(task, "effect") == 2, "the resource without a fence was not written to twice")


@scenario(sync=True)
def a_zombie_fails(play: Play) -> None:
    """Its failure is fenced too: the task stays completed, and there is no third run."""
    task, pid = _overtaken(play)
    play.order(task, "done", "fail", attempt=1)
    _woken(play, task, pid, "duplicate")


@scenario()
def a_zombie_rejects(play: Play) -> None:
    """Its rejection is fenced too: the task stays completed."""
    task, pid = _overtaken(play)
    play.order(task, "done", "reject", attempt=1)
    _woken(play, task, pid, "duplicate")


@scenario()
def two_generations_of_zombies(play: Play) -> None:
    """Two attempts are stopped, the third completes; then one zombie succeeds and the other one fails."""
    task, first = _stopped(play, runs=(3, 3))
    play.order(task, "effect", "stop", attempt=2)
    play.run(task)
    second = play.see(task, "effect", attempt=2).pid
    play.run(task)
    play.see(task, "outcome", said="completed")
    play.order(task, "done", "fail", attempt=2)
    _woken(play, task, first, "duplicate")
    _woken(play, task, second, "duplicate")


@scenario()
def a_zombie_ends_while_another_runs(play: Play) -> None:
    """It is fenced by a run that has not ended: 503, never 2xx. That run dies: the task survives it."""
    task, pid = _stopped(play, runs=(3, 3))
    play.order(task, "effect", "park", attempt=2)
    play.run(task)
    play.see(task, "effect", attempt=2)
    _woken(play, task, pid, "retry")
    play.release(task, "effect", "crash")


@scenario()
def a_zombie_fails_while_another_runs(play: Play) -> None:
    """The run that has taken over is not disturbed; two runs."""
    task, pid = _stopped(play)
    play.order(task, "effect", "park", attempt=2)
    play.order(task, "done", "fail", attempt=1)
    play.run(task)
    play.see(task, "effect", attempt=2)
    _woken(play, task, pid, "retry")
    play.release(task, "effect")


@scenario()
def a_zombie_sends_heartbeats(play: Play) -> None:
    """Its heartbeats do not extend the lease of the one that has taken over, nor lose it; two runs."""
    task, pid = _stopped(play)
    play.order(task, "effect", "park", attempt=2)
    play.order(task, "done", "slow:2", attempt=1)
    play.run(task)
    play.see(task, "effect", attempt=2)
    _woken(play, task, pid, "retry")
    play.release(task, "effect")


@scenario(sync=True)
def a_zombie_wakes_before_its_handler_is_called(play: Play) -> None:
    """It has its claim, but its lease has lapsed by its own clock: it does not call the handler; one run."""
    task, pid = _overtaken(play, "claim.done", runs=(1, 1))
    _woken(play, task, pid, "duplicate")


@scenario()
def a_zombie_wakes_before_its_claim_is_sent(play: Play) -> None:
    """What it believes of the record is old: its write is refused, it looks again; one run."""
    task, pid = _stopped(play, "claim.sent", runs=(1, 1))
    play.run(task)
    play.see(task, "outcome", said="completed")
    _woken(play, task, pid, "duplicate")


@scenario()
def a_zombie_wakes_between_looking_and_claiming(play: Play) -> None:
    """Another delivery has claimed and completed what it has seen waiting: its claim is refused; two runs."""
    task = play.expect(runs=(2, 2))
    play.order(task, "begun", "fail", attempt=1)
    play.order(task, "read.done", "stop")
    play.send(task)
    pid = play.see(task, "read.done").pid
    play.run(task)
    play.see(task, "outcome", said="completed")
    _woken(play, task, pid, "duplicate")


@scenario()
def a_zombie_wakes_before_its_end_is_sent(play: Play) -> None:
    """The condition of its write does not hold any more: fenced; two runs, one completion."""
    task, pid = _overtaken(play, "settle.sent")
    _woken(play, task, pid, "duplicate")


@scenario()
def a_zombie_wakes_after_its_end_is_written(play: Play) -> None:
    """Its completion counts: who comes meanwhile is a duplicate; one run."""
    task, pid = _stopped(play, "settle.done", runs=(1, 1))
    play.run(task)
    play.see(task, "outcome", said="duplicate")
    _woken(play, task, pid, "completed")


@scenario()
def a_zombie_whose_lease_nobody_took_over(play: Play) -> None:
    """Stopped past its lease, but nobody came: its completion is accepted; one run."""
    task, pid = _stopped(play, runs=(1, 1), statuses=(200,))
    play.rest(2 * LEASE_SECONDS)
    _woken(play, task, pid, "completed")


@scenario()
def a_zombie_that_is_killed(play: Play) -> None:
    """It never wakes: the run that has taken over is the last word; two runs."""
    _, pid = _overtaken(play)
    play.signal(pid, signal.SIGKILL)


@scenario()
def a_handler_that_lets_no_other_thread_run(play: Play) -> None:
    """It holds the interpreter's lock for two leases, so no heartbeat is sent: taken over, and fenced."""
    task = play.expect(runs=(2, 2))
    play.order(task, "effect", f"hog:{3 * LEASE_SECONDS}", attempt=1)
    play.send(task)
    play.see(task, "effect", attempt=1)
    play.run(task)
    play.see(task, "outcome", said="completed")
    play.see(task, "outcome", said="duplicate")


@scenario()
def an_operator_resets_a_running_task(play: Play) -> None:
    """The holder of the lease is fenced, and the task runs again; two runs, one completion."""
    task = play.expect(runs=(2, 2))
    play.order(task, "effect", "park", attempt=1)
    play.send(task)
    play.see(task, "effect")
    play.reset(task)
    play.release(task, "effect")
    play.see(task, "outcome", said="retry")
