"""The heart of a worker: extends the leases of handlers that take their time."""

from __future__ import annotations

import logging
import os
import threading
import weakref
from collections.abc import Callable
from typing import Protocol

LOGGER = logging.getLogger("taskhandler")

SENDERS = 4
"""Threads, so that one slow call to the ledger does not starve the other leases; as many slow ones would."""


class Beating(Protocol):
    """Something that needs a sign of life every `interval` seconds.

    `due` is when the next one is; it is ours to set, and may be set sooner from within `beat`.
    """

    due: float

    @property
    def interval(self) -> float:
        """Seconds between two signs of life."""

    def beat(self) -> bool:
        """Give one; whether another one makes sense."""


class Heartbeats:
    """Watches leases and sends their heartbeats when they are due, from a few shared threads.

    A handler that ends before its first heartbeat is due costs two dictionary operations under a lock.
    The threads start with the first lease, and again in a process forked off.

    Args:
        clock: seconds of a clock that never goes back.
    """

    def __init__(self, *, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._reset()
        this = weakref.ref(self)
        os.register_at_fork(after_in_child=lambda: _reset(this()))

    def watch(self, lease: Beating) -> None:
        """Send heartbeats for `lease` from now on."""
        lease.due = self._clock() + lease.interval
        with self._lock:
            self._watched[id(lease)] = lease
            if lease.due < self._alarm:
                self._wake.notify()
        if self._senders < SENDERS:
            self._start()

    def forget(self, lease: Beating) -> None:
        """Send no more heartbeats for `lease`. One may still be under way."""
        with self._lock:
            self._watched.pop(id(lease), None)

    def _reset(self) -> None:
        self._watched: dict[int, Beating] = {}
        self._beaten: set[int] = set()  # right now; a second heartbeat of a slow one would only wait for it
        self._lock = threading.Lock()
        self._wake = threading.Condition(self._lock)
        self._alarm = float("inf")
        self._senders = 0

    def _start(self) -> None:
        with self._wake:
            while self._senders < SENDERS:
                name = f"taskhandler-heartbeat-{self._senders}"
                threading.Thread(target=self._send, name=name, daemon=True).start()
                self._senders += 1

    def _send(self) -> None:
        lease = self._next(None)
        while True:
            try:
                lease.beat()
            except Exception:  # a storage may be anybody's, and the other leases are not its business
                LOGGER.exception("a heartbeat failed")
            lease = self._next(lease)

    def _next(self, last: Beating | None) -> Beating:
        """Wait for the next lease that is due, done with the `last` one."""
        with self._wake:
            self._beaten.discard(id(last))
            while True:
                now = self._clock()
                first = self._first()
                if first is not None and first.due <= now:
                    first.due = now + first.interval
                    self._beaten.add(id(first))
                    self._wake.notify()  # another thread looks out while this one is busy
                    return first
                self._alarm = float("inf") if first is None else first.due
                self._wake.wait(None if first is None else first.due - now)

    def _first(self) -> Beating | None:
        resting = (lease for key, lease in self._watched.items() if key not in self._beaten)
        return min(resting, key=lambda lease: lease.due, default=None)


def _reset(heartbeats: Heartbeats | None) -> None:
    if heartbeats is not None:
        heartbeats._reset()  # noqa: SLF001 - the same class, after a fork
