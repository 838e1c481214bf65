"""The threads of the scheduler: how many there are, when they end, and what they keep alive."""

from __future__ import annotations

import contextvars
import gc
import importlib.util
import subprocess
import sys
import threading
import time
import weakref
from collections.abc import Iterator
from functools import partial

import pytest

from taskhandler.ledger.heartbeat_scheduler import Heartbeats
from tests.ledger.scripted_storage import TIMEOUT_SECONDS
from tests.ledger.test_heartbeat_scheduler import ENDLESS_SECONDS, SHORT_INTERVAL_SECONDS, RecordingLease
from tests.mirror import ROOT

FAR = contextvars.ContextVar[object]("FAR")


class Started:
    """The threads that were started since."""

    def __init__(self) -> None:
        self._before = frozenset(threading.enumerate())

    def threads(self) -> list[threading.Thread]:
        return [thread for thread in threading.enumerate() if thread not in self._before]

    def end(self) -> None:
        """Wait until they have ended, and fail if they do not."""
        for thread in self.threads():
            thread.join(TIMEOUT_SECONDS)
        assert not self.threads()


@pytest.fixture
def started() -> Started:
    return Started()


@pytest.fixture
def heartbeats() -> Iterator[Heartbeats]:
    made = Heartbeats(clock=time.monotonic)
    yield made
    made.rest()


def test_no_thread_runs_before_something_is_watched(started: Started):
    Heartbeats(clock=time.monotonic).rest()
    assert not started.threads()


def test_many_leases_whose_handlers_end_early_take_one_thread(heartbeats: Heartbeats, started: Started):
    for _ in range(1000):
        lease = RecordingLease(ENDLESS_SECONDS)
        heartbeats.watch(lease)
        heartbeats.forget(lease)
    assert len(started.threads()) == 1


def test_there_are_no_more_threads_than_allowed_however_many_calls_are_slow(started: Started):
    opened = threading.Event()
    heartbeats, slow = (
        Heartbeats(clock=time.monotonic, most=3),
        [RecordingLease(SHORT_INTERVAL_SECONDS, opened.wait) for _ in range(9)],
    )
    for lease in slow:
        heartbeats.watch(lease)
    for _ in range(3):
        while not any(lease.heartbeats.acquire(blocking=False) for lease in slow):
            time.sleep(0)  # noqa: TID251 - lets others run, and waits for nothing
    assert len(started.threads()) == 3
    opened.set()
    for lease in slow:
        heartbeats.forget(lease)
    heartbeats.rest()
    started.end()


def test_threads_end_when_they_have_been_idle_for_a_while_and_start_again(started: Started):
    heartbeats, lease = Heartbeats(clock=time.monotonic, idle=0.05), RecordingLease(SHORT_INTERVAL_SECONDS)
    for _ in range(3):
        heartbeats.watch(lease)
        assert lease.was_extended(2)
        heartbeats.forget(lease)
        started.end()


def test_a_thread_waiting_for_a_distant_heartbeat_notices_that_its_lease_was_forgotten(started: Started):
    heartbeats, lease = Heartbeats(clock=time.monotonic, idle=0.05), RecordingLease(ENDLESS_SECONDS)
    heartbeats.watch(lease)
    assert len(started.threads()) == 1
    heartbeats.forget(lease)
    started.end()


def test_a_lease_outlasts_the_idle_time(started: Started):
    heartbeats, lease = (
        Heartbeats(clock=time.monotonic, idle=SHORT_INTERVAL_SECONDS),
        RecordingLease(50 * SHORT_INTERVAL_SECONDS),
    )
    heartbeats.watch(lease)
    assert lease.was_extended(3)
    assert started.threads()
    heartbeats.forget(lease)
    started.end()


def test_a_lease_being_extended_as_the_waiting_thread_falls_asleep_is_extended_again(
    started: Started,
):
    opened = threading.Event()
    heartbeats = Heartbeats(clock=time.monotonic, idle=ENDLESS_SECONDS)
    slow, far = RecordingLease(SHORT_INTERVAL_SECONDS, opened.wait), RecordingLease(ENDLESS_SECONDS)
    heartbeats.watch(slow)
    assert slow.was_extended()
    heartbeats.watch(far)
    assert len(started.threads()) == 2
    opened.set()
    assert slow.was_extended(3)
    heartbeats.forget(slow)
    heartbeats.forget(far)
    heartbeats.rest()
    started.end()


def test_rest_ends_all_threads_at_once(heartbeats: Heartbeats, started: Started):
    slowly = partial(time.sleep, SHORT_INTERVAL_SECONDS)  # noqa: TID251 - a slow call
    leases = [RecordingLease(SHORT_INTERVAL_SECONDS, slowly) for _ in range(8)]
    for lease in leases:
        heartbeats.watch(lease)
    assert all(lease.was_extended(3) for lease in leases)
    for lease in leases:
        heartbeats.forget(lease)
    heartbeats.rest()
    started.end()


def test_rest_and_wait_returns_when_the_threads_have_ended(heartbeats: Heartbeats, started: Started):
    lease = RecordingLease(SHORT_INTERVAL_SECONDS)
    heartbeats.watch(lease)
    assert lease.was_extended(3)
    heartbeats.forget(lease)
    heartbeats.rest_and_wait(TIMEOUT_SECONDS)
    assert not started.threads()
    heartbeats.rest_and_wait(TIMEOUT_SECONDS)


def test_rest_and_wait_does_not_wait_for_a_lease_of_another_app_nor_for_a_slow_call(started: Started):
    opened = threading.Event()
    heartbeats, slow = Heartbeats(clock=time.monotonic), RecordingLease(SHORT_INTERVAL_SECONDS, opened.wait)
    heartbeats.watch(slow)
    assert slow.was_extended()
    heartbeats.rest_and_wait(ENDLESS_SECONDS)
    heartbeats.forget(slow)
    heartbeats.rest_and_wait(SHORT_INTERVAL_SECONDS)
    assert started.threads()
    opened.set()
    started.end()


def test_rest_ends_no_thread_while_a_lease_of_another_app_is_watched(heartbeats: Heartbeats):
    lease = RecordingLease(SHORT_INTERVAL_SECONDS)
    heartbeats.watch(lease)
    heartbeats.rest()
    assert lease.was_extended(3)
    heartbeats.forget(lease)


def test_rest_gives_up_on_the_lock_since_a_finalizer_may_run_where_it_is_held(heartbeats: Heartbeats):
    with heartbeats._senders._lock:  # noqa: SLF001 - as if the collector ran in the midst of a call
        heartbeats.rest()


def test_no_thread_keeps_a_forgotten_lease_alive(heartbeats: Heartbeats):
    leases = [RecordingLease(SHORT_INTERVAL_SECONDS) for _ in range(4)]
    gone = [weakref.ref(lease) for lease in leases]
    for lease in leases:
        heartbeats.watch(lease)
    assert all(lease.was_extended(3) for lease in leases)
    for lease in leases:
        heartbeats.forget(lease)
    del lease
    leases.clear()
    deadline = time.monotonic() + TIMEOUT_SECONDS
    while any(reference() for reference in gone) and time.monotonic() < deadline:
        time.sleep(0)  # noqa: TID251 - a last heartbeat may be under way
    assert not any(reference() for reference in gone)


class Far:
    """Something that a context variable leads to, as an app context leads to its app."""


def test_no_thread_keeps_alive_the_context_that_first_watched_a_lease(heartbeats: Heartbeats):
    lease = RecordingLease(ENDLESS_SECONDS)

    def watch() -> weakref.ref[Far]:
        far = Far()
        FAR.set(far)
        heartbeats.watch(lease)
        return weakref.ref(far)

    gone = contextvars.copy_context().run(watch)
    gc.collect()
    assert gone() is None
    heartbeats.forget(lease)


def test_watching_a_lease_fails_while_no_thread_can_be_started(
    heartbeats: Heartbeats, caplog: pytest.LogCaptureFixture
):
    before = threading.stack_size(1 << 46)  # more than there can be
    lease = RecordingLease(SHORT_INTERVAL_SECONDS)
    try:
        for _ in range(2):
            with pytest.raises(RuntimeError, match="no thread can be started"):
                heartbeats.watch(lease)
    finally:
        threading.stack_size(before)
    assert len(caplog.messages) == 1
    heartbeats.watch(lease)
    assert lease.was_extended(2)
    heartbeats.forget(lease)


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_a_thread_that_is_ended_by_its_heartbeat_is_replaced(heartbeats: Heartbeats):
    def leave() -> None:
        raise SystemExit  # a thread ends by it without a word, as a greenlet by GreenletExit

    leaving, working = RecordingLease(SHORT_INTERVAL_SECONDS, leave), RecordingLease(SHORT_INTERVAL_SECONDS)
    heartbeats.watch(leaving)
    assert leaving.was_extended()
    heartbeats.forget(leaving)
    heartbeats.watch(working)
    assert working.was_extended(3)
    heartbeats.forget(working)


@pytest.mark.skipif(importlib.util.find_spec("gevent") is None, reason="gevent is not installed")
def test_under_gevent_a_forked_process_sends_no_heartbeat_of_its_parents_and_prints_no_traceback():
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-m", "tests.ledger.programs.gevent_heartbeats"],
        cwd=ROOT,
        timeout=TIMEOUT_SECONDS,
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")
