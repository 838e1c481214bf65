"""Bounds how many deliveries of a worker wait for a task that another delivery runs."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from taskhandler.forks import call_in_child


class WaitLimit:
    """Lets half of the worker's threads wait; where there is only one, it never does.

    Args:
        threads: how many requests the worker can serve at once.
    """

    def __init__(self, *, threads: Callable[[], int]) -> None:
        self._threads = threads
        self._begin_anew()
        call_in_child(self._begin_anew)

    def _begin_anew(self) -> None:
        """In a forked child no delivery waits, and no thread is left to release the lock."""
        self._waiting = 0
        self._lock = threading.Lock()

    @contextmanager
    def reserve_slot(self) -> Iterator[bool]:
        """Take a place for as long as the block lasts; yields whether one was free."""
        with self._lock:
            is_free = self._waiting < self._threads() // 2
            self._waiting += is_free
        try:
            yield is_free
        finally:
            with self._lock:
                self._waiting -= is_free
