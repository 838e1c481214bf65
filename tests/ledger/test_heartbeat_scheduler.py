"""Leases are extended in time, whatever becomes of the others."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator

import pytest

from taskhandler.ledger.heartbeat_scheduler import Heartbeats
from tests.ledger.scripted_storage import TIMEOUT_SECONDS
from tests.mirror import ROOT

SENDERS = 4
"""Threads at most, where a test uses all of them up."""

SHORT_INTERVAL_SECONDS = 0.002
"""Seconds between the heartbeats of a lease that is in a hurry."""

ENDLESS_SECONDS = 10_000.0


class Ticking:
    """A clock that is set by hand, and counts how often it is read."""

    def __init__(self) -> None:
        self.now = 100.0
        self.looks = threading.Semaphore(0)

    def __call__(self) -> float:
        self.looks.release()
        return self.now


class RecordingLease:
    """A lease that counts its heartbeats, and takes as long for one as it is held."""

    def __init__(self, interval: float, act: Callable[[], object] = lambda: None) -> None:
        self.due = 0.0
        self.interval = interval
        self.heartbeats = threading.Semaphore(0)
        self._act = act

    def renew(self) -> bool:
        self.heartbeats.release()
        self._act()
        return True

    def was_extended(self, times: int = 1) -> bool:
        return all(self.heartbeats.acquire(timeout=TIMEOUT_SECONDS) for _ in range(times))


@pytest.fixture
def gate() -> Iterator[threading.Event]:
    """Opens at the end of the test, so that no sender stays behind it."""
    opened = threading.Event()
    yield opened
    opened.set()


def held_by(gate: threading.Event) -> Callable[[], object]:
    return gate.wait


def test_a_watched_lease_is_extended_at_every_interval():
    heartbeats, lease = Heartbeats(clock=time.monotonic), RecordingLease(SHORT_INTERVAL_SECONDS)
    heartbeats.watch(lease)
    assert lease.was_extended(5)
    heartbeats.forget(lease)


def test_the_first_heartbeat_is_due_after_one_interval_and_the_next_after_another():
    clock = Ticking()
    heartbeats, lease = Heartbeats(clock=clock), RecordingLease(SHORT_INTERVAL_SECONDS)
    heartbeats.watch(lease)
    assert lease.due == clock.now + SHORT_INTERVAL_SECONDS
    assert all(clock.looks.acquire(timeout=TIMEOUT_SECONDS) for _ in range(5))
    assert not lease.heartbeats.acquire(blocking=False)
    clock.now += SHORT_INTERVAL_SECONDS
    assert lease.was_extended()
    assert lease.due == clock.now + SHORT_INTERVAL_SECONDS
    assert all(clock.looks.acquire(timeout=TIMEOUT_SECONDS) for _ in range(5))
    assert not lease.heartbeats.acquire(blocking=False)
    heartbeats.forget(lease)


def test_a_lease_with_a_shorter_interval_is_extended_sooner():
    heartbeats = Heartbeats(clock=time.monotonic)
    lease = RecordingLease(ENDLESS_SECONDS)

    def again() -> None:
        lease.due = time.monotonic()

    lease._act = again  # noqa: SLF001 - a part of the test's own
    heartbeats.watch(lease)
    lease.due = 0.0
    quick = RecordingLease(SHORT_INTERVAL_SECONDS)
    heartbeats.watch(quick)
    assert lease.was_extended(3)
    heartbeats.forget(lease)
    heartbeats.forget(quick)


def test_a_forgotten_lease_is_not_kept_alive():
    heartbeats, forgotten, other = (
        Heartbeats(clock=time.monotonic),
        RecordingLease(SHORT_INTERVAL_SECONDS),
        RecordingLease(SHORT_INTERVAL_SECONDS),
    )
    heartbeats.watch(forgotten)
    assert forgotten.was_extended()
    heartbeats.forget(forgotten)
    heartbeats.forget(forgotten)
    heartbeats.watch(other)
    assert other.was_extended(2)  # one that was under way is over by now
    while forgotten.heartbeats.acquire(blocking=False):
        pass
    assert other.was_extended(5)
    assert not forgotten.heartbeats.acquire(blocking=False)
    heartbeats.forget(other)


def test_a_lease_forgotten_during_its_heartbeat_gets_no_other(gate: threading.Event):
    heartbeats, lease, other = (
        Heartbeats(clock=time.monotonic),
        RecordingLease(SHORT_INTERVAL_SECONDS, held_by(gate)),
        RecordingLease(SHORT_INTERVAL_SECONDS),
    )
    heartbeats.watch(lease)
    assert lease.was_extended()
    heartbeats.forget(lease)
    heartbeats.watch(other)
    gate.set()
    assert other.was_extended(5)
    assert not lease.heartbeats.acquire(blocking=False)
    heartbeats.forget(other)


def test_a_slow_heartbeat_does_not_starve_the_others(gate: threading.Event):
    heartbeats, slow = Heartbeats(clock=time.monotonic), RecordingLease(SHORT_INTERVAL_SECONDS, held_by(gate))
    others = [RecordingLease(SHORT_INTERVAL_SECONDS) for _ in range(20)]
    heartbeats.watch(slow)
    assert slow.was_extended()
    for other in others:
        heartbeats.watch(other)
    assert all(other.was_extended(SENDERS + 2) for other in others)
    assert not slow.heartbeats.acquire(blocking=False)  # it takes up one sender, not all of them in turn
    for lease in (slow, *others):
        heartbeats.forget(lease)


def test_all_senders_but_one_may_be_slow(gate: threading.Event):
    heartbeats, quick = Heartbeats(clock=time.monotonic, most=SENDERS), RecordingLease(SHORT_INTERVAL_SECONDS)
    slow = [RecordingLease(SHORT_INTERVAL_SECONDS, held_by(gate)) for _ in range(SENDERS - 1)]
    for lease in slow:
        heartbeats.watch(lease)
    assert all(lease.was_extended() for lease in slow)
    heartbeats.watch(quick)
    assert quick.was_extended(10)
    for lease in (quick, *slow):
        heartbeats.forget(lease)


def test_leases_watched_while_all_senders_are_busy_are_extended_later(gate: threading.Event):
    heartbeats = Heartbeats(clock=time.monotonic, most=SENDERS)
    slow = [RecordingLease(SHORT_INTERVAL_SECONDS, held_by(gate)) for _ in range(SENDERS)]
    for lease in slow:
        heartbeats.watch(lease)
    assert all(lease.was_extended() for lease in slow)
    late = [RecordingLease(SHORT_INTERVAL_SECONDS) for _ in range(50)]
    for lease in late:
        heartbeats.watch(lease)
    assert not any(lease.heartbeats.acquire(blocking=False) for lease in late)
    gate.set()
    assert all(lease.was_extended(3) for lease in late)
    for lease in (*late, *slow):
        heartbeats.forget(lease)


def test_a_lease_due_sooner_than_all_others_wakes_a_thread():
    heartbeats, long, short = (
        Heartbeats(clock=time.monotonic),
        RecordingLease(ENDLESS_SECONDS),
        RecordingLease(SHORT_INTERVAL_SECONDS),
    )
    heartbeats.watch(long)
    heartbeats.watch(short)
    assert short.was_extended(3)
    heartbeats.forget(short)
    heartbeats.watch(short)
    assert short.was_extended(3)
    heartbeats.forget(short)
    heartbeats.forget(long)


def test_another_lease_is_extended_while_one_heartbeat_hangs(gate: threading.Event):
    clock = Ticking()
    heartbeats, slow, next_one = (
        Heartbeats(clock=clock),
        RecordingLease(SHORT_INTERVAL_SECONDS, held_by(gate)),
        RecordingLease(2 * SHORT_INTERVAL_SECONDS),
    )
    heartbeats.watch(slow)
    heartbeats.watch(next_one)
    clock.now += 1.0
    assert slow.was_extended()
    assert next_one.was_extended()
    heartbeats.forget(slow)
    heartbeats.forget(next_one)


def test_a_lease_that_comes_while_the_only_sender_is_busy_has_a_sender_of_its_own(gate: threading.Event):
    heartbeats, slow, late = (
        Heartbeats(clock=time.monotonic),
        RecordingLease(SHORT_INTERVAL_SECONDS, held_by(gate)),
        RecordingLease(SHORT_INTERVAL_SECONDS),
    )
    heartbeats.watch(slow)
    assert slow.was_extended()
    heartbeats.watch(late)
    assert late.was_extended(3)
    heartbeats.forget(slow)
    heartbeats.forget(late)


def test_idle_heartbeats_do_not_read_the_clock():
    clock, lease, looks = Ticking(), RecordingLease(SHORT_INTERVAL_SECONDS), 0
    heartbeats = Heartbeats(clock=clock)
    heartbeats.watch(lease)
    heartbeats.forget(lease)
    while clock.looks.acquire(timeout=1.0):
        looks += 1
    assert looks <= 4


def test_a_heartbeat_that_raises_does_not_stop_the_next_ones(caplog: pytest.LogCaptureFixture):
    def fail() -> None:
        raise OSError("a storage of the user")

    heartbeats, failing, working = (
        Heartbeats(clock=time.monotonic),
        RecordingLease(SHORT_INTERVAL_SECONDS, fail),
        RecordingLease(SHORT_INTERVAL_SECONDS),
    )
    heartbeats.watch(failing)
    assert failing.was_extended(SENDERS + 1)
    heartbeats.watch(working)
    assert working.was_extended(3)
    heartbeats.forget(failing)
    heartbeats.forget(working)
    assert "a storage of the user" in caplog.text


def test_a_forked_process_has_heartbeats_of_its_own():
    env = {**os.environ, "PYTHONWARNINGS": "ignore"}  # Python 3.12 warns of forks beside threads
    done = subprocess.run(
        [sys.executable, "-m", "tests.ledger.programs.forked_heartbeats"],
        cwd=ROOT,
        env=env,
        timeout=TIMEOUT_SECONDS,
        check=False,
    )
    assert done.returncode == 0
