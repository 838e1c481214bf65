"""Extends the leases of long-running handlers: one scheduler for all apps of a process.

Theory of operation. A lease is watched while its handler runs, and is due a third of its length later.
Of the sender threads one is the *leader*: it sleeps until the earliest lease is due, appoints another thread
to lead (a spare one, else a new one, up to `MOST_SENDERS`) and sends the heartbeat itself (the pattern
*leader/followers*). So one slow call to a ledger holds up one lease, and nothing is handed from thread to
thread. A thread that has sent its heartbeat becomes the leader if there is none, else it stays as a spare::

    leader ── sleeps until the alarm, the earliest due time ──▶ takes the lease, appoints a spare thread
       ▲                                                                   │
       └──── becomes the leader, or a spare ◀── notifies again? ◀── sends the heartbeat

The leader does not count a lease that is being renewed: its due time may change yet, since a heartbeat that
fails is tried again sooner. So the thread that has sent it notifies the leader again if the lease is due
before the alarm; nothing else would wake it in time.

A new lease wakes the leader only if it is due before all others, and the first one starts the first
thread: a handler that ends early costs two dictionary operations under a lock. Threads end after
`IDLE_SECONDS` without work, and at once when `rest` says that an app is gone. Between two heartbeats a
thread refers to no lease, since a lease leads to a ledger and an app. All of this is the state of
`_Senders`, which a forked child replaces: under gevent the parent's threads are greenlets, which live on
in the child, and are to find nothing to do there.
"""

from __future__ import annotations

import contextvars
import logging
import threading
from collections.abc import Callable, Iterator
from typing import Protocol

from taskhandler.forks import call_in_child
from taskhandler.throttled_log import ThrottledLog

LOGGER = logging.getLogger("taskhandler.ledger")

MOST_SENDERS = 32
"""Threads at most: 80 handlers (a large worker) whose heartbeats take 4 s, every 10 s, keep as many busy."""

IDLE_SECONDS = 10.0
"""Seconds after which a thread ends that has nothing to do."""

REST_LOCK_SECONDS = 0.05
"""Seconds that a finalizer waits for the lock, which its own thread may hold."""


class Renewable(Protocol):
    """Something that needs a heartbeat every `interval` seconds.

    `due` is when the next one is; it is ours to set, and may be set sooner from within `renew`.
    """

    due: float

    @property
    def interval(self) -> float:
        """Seconds between two heartbeats."""

    def renew(self) -> bool:
        """Send one; whether the lease still is ours, as far as is known."""


class Heartbeats:
    """Watches leases and sends their heartbeats when they are due.

    Args:
        clock: seconds of a clock that never goes back.
        most: threads at most.
        idle: seconds after which a thread ends that has nothing to do.
    """

    def __init__(
        self, *, clock: Callable[[], float], most: int = MOST_SENDERS, idle: float = IDLE_SECONDS
    ) -> None:
        self._clock = clock
        self._most = most
        self._idle = idle
        self._senders = _Senders(clock, most=most, idle=idle)
        call_in_child(self._begin_anew)

    def watch(self, lease: Renewable) -> None:
        """Send heartbeats for `lease` from now on.

        Raises:
            RuntimeError: there is no thread for it, and none can be started.
        """
        lease.due = self._clock() + lease.interval
        self._senders.watch(lease)

    def forget(self, lease: Renewable) -> None:
        """Send no more heartbeats for `lease`. One may still be under way."""
        self._senders.forget(lease)

    def rest(self) -> None:
        """End the threads that have nothing to do, unless something is watched.

        May be called by a finalizer, even in the midst of another call on this thread: it waits no longer
        than `REST_LOCK_SECONDS`, after which threads end when they have been idle for long enough.
        """
        self._senders.rest()

    def rest_and_wait(self, seconds: float) -> None:
        """The same, and wait so many seconds at most until they have ended. Not for finalizers."""
        deadline = self._clock() + seconds
        for thread in self._senders.rest():
            if thread is not threading.current_thread():
                thread.join(max(0.0, deadline - self._clock()))

    def _begin_anew(self) -> None:
        self._senders.abandon()
        self._senders = _Senders(self._clock, most=self._most, idle=self._idle)


class _Senders:
    """The threads of one process, and what they watch."""

    def __init__(self, clock: Callable[[], float], *, most: int, idle: float) -> None:
        self._clock = clock
        self._most = most
        self._idle = idle
        self._log = ThrottledLog(LOGGER, clock=clock)
        self._lock = threading.Lock()
        self._earlier = threading.Condition(self._lock)  # wakes the leader
        self._leadership = threading.Condition(self._lock)  # wakes a spare thread to lead
        self._watched: dict[int, Renewable] = {}
        self._being_renewed: set[int] = set()
        self._alarm = float("inf")
        self._led = False
        self._appointed = False  # a thread, which does not lead yet
        self._threads = set[threading.Thread]()
        self._spares = 0
        self._resting = False
        self._abandoned = False

    def watch(self, lease: Renewable) -> None:
        with self._lock:
            self._resting = False
            self._watched[id(lease)] = lease
            if not (self._led or self._appointed):
                self._appoint_leader()
                if not self._threads:
                    del self._watched[id(lease)]
                    raise RuntimeError("no thread can be started for heartbeats: the lease would lapse")
            elif lease.due < self._alarm:
                self._earlier.notify()

    def forget(self, lease: Renewable) -> None:
        with self._lock:
            self._watched.pop(id(lease), None)

    def rest(self) -> list[threading.Thread]:
        """End idle threads, unless something is watched; returns the threads that end now."""
        self._resting = True
        if not self._lock.acquire(timeout=REST_LOCK_SECONDS):
            return []
        try:
            if self._watched:
                self._resting = False
                return []
            self._earlier.notify_all()
            self._leadership.notify_all()
            return list(self._threads)
        finally:
            self._lock.release()

    def abandon(self) -> None:
        """Leave nothing to do for the greenlets that a fork has copied."""
        self._watched.clear()
        self._resting = self._abandoned = True

    def _appoint_leader(self) -> None:
        """Have a thread lead: a spare one, or a new one, or the first that has sent its heartbeat."""
        if self._spares:
            self._leadership.notify()
            self._appointed = True
        elif len(self._threads) < self._most:
            self._appointed = self._start()

    def _start(self) -> bool:
        thread = threading.Thread(target=self._send, name="taskhandler-heartbeat", daemon=True)
        try:
            contextvars.Context().run(thread.start)  # a copy of the caller's would keep its app alive
        except RuntimeError as error:  # the system has no more threads, or the interpreter is ending
            self._log.warning("no thread can be started for heartbeats (%s); leases may lapse", error)
            return False
        self._threads.add(thread)
        return True

    def _send(self) -> None:
        try:
            while (lease := self._next()) is not None:
                self._renew(lease)
                del lease
        except BaseException:  # the thread is ended from outside, as by gevent's GreenletExit
            with self._lock:
                self._threads.discard(threading.current_thread())
            raise

    def _renew(self, lease: Renewable) -> None:
        try:
            lease.renew()
        except Exception as error:  # noqa: BLE001 - a storage may be the user's own, and must not harm the other leases
            self._log.traceback("a heartbeat failed", error=error)
        finally:
            with self._lock:
                self._being_renewed.discard(id(lease))
                if lease.due < self._alarm:  # the leader has not counted on it
                    self._earlier.notify()

    def _next(self) -> Renewable | None:
        """Wait for the next lease that is due; None if this thread is not needed any more."""
        with self._lock:
            lease = self._lead() if self._await_leadership() else None
            if lease is None and self._abandoned:
                self._leadership.wait()  # `threading` does not know this thread here: it cannot end
            if lease is None:
                self._threads.discard(threading.current_thread())
            elif any(key not in self._being_renewed for key in self._watched):
                self._appoint_leader()
            return lease

    def _await_leadership(self) -> bool:
        """Wait as a spare thread until there is no leader; False if that takes too long."""
        woken = True
        while self._led:
            if self._resting or not woken:
                return False
            self._spares += 1
            try:
                woken = self._leadership.wait(self._idle)
            finally:
                self._spares -= 1
        return True

    def _lead(self) -> Renewable | None:
        self._led, self._appointed = True, False
        try:
            return self._await_due()
        finally:
            self._led = False

    def _await_due(self) -> Renewable | None:
        """The lease that is due; None if nothing has been watched for a while."""
        woken = True
        while True:
            now = self._clock()
            self._alarm, key = min(self._dues(), default=(float("inf"), 0))
            if self._alarm <= now:
                return self._take(key, now)
            if self._alarm == float("inf") and (self._resting or not woken):
                return None
            woken = self._earlier.wait(min(self._alarm - now, self._idle))

    def _dues(self) -> Iterator[tuple[float, int]]:
        return ((lease.due, key) for key, lease in self._watched.items() if key not in self._being_renewed)

    def _take(self, key: int, now: float) -> Renewable:
        lease = self._watched[key]
        lease.due = now + lease.interval
        self._being_renewed.add(key)
        return lease
