"""The heart of a worker: extends the leases of handlers that take their time."""

from __future__ import annotations

import os
import threading
import weakref
from collections.abc import Callable
from typing import Protocol

SENDERS = 4
"""Threads, so that one slow call to the ledger does not starve the other leases."""


class Beating(Protocol):
    """Something that needs a sign of life every `interval` seconds; `due` is when, and ours to set."""

    due: float

    @property
    def interval(self) -> float:
        """Seconds between two signs of life."""

    def beat(self) -> bool:
        """Give one; whether another one makes sense."""


class Heartbeats:
    """Watches leases and sends their heartbeats when they are due, from a few shared threads.

    A handler that ends before its first heartbeat is due costs two dictionary operations. The threads
    start with the first lease, and again in a process forked off.

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
        with self._wake:
            self._watched[id(lease)] = lease
            if lease.due < self._alarm:
                self._wake.notify()
        if not self._started:
            self._start()

    def forget(self, lease: Beating) -> None:
        """Send no more heartbeats for `lease`. One may still be under way."""
        self._watched.pop(id(lease), None)

    def _reset(self) -> None:
        self._watched: dict[int, Beating] = {}
        self._wake = threading.Condition()
        self._alarm = float("inf")
        self._started = False

    def _start(self) -> None:
        with self._wake:
            if self._started:
                return
            self._started = True
        for number in range(SENDERS):
            name = f"taskhandler-heartbeat-{number}"
            threading.Thread(target=self._send, name=name, daemon=True).start()

    def _send(self) -> None:
        while True:
            self._next().beat()

    def _next(self) -> Beating:
        with self._wake:
            while True:
                now = self._clock()
                first = min(tuple(self._watched.values()), key=lambda lease: lease.due, default=None)
                if first is not None and first.due <= now:
                    first.due = now + first.interval
                    self._wake.notify()  # another thread looks out while this one is busy
                    return first
                self._alarm = float("inf") if first is None else first.due
                self._wake.wait(None if first is None else first.due - now)


def _reset(heartbeats: Heartbeats | None) -> None:
    if heartbeats is not None:
        heartbeats._reset()  # noqa: SLF001 - the same class, after a fork
