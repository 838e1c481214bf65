"""Bounds how many ledgers of one process keep idle connections open.

In a large test suite the garbage collector may run only after hundreds of apps were dropped, each with a
ledger and its open files.
"""

from __future__ import annotations

import threading
import weakref
from typing import Protocol

from taskhandler.forks import call_in_child

MOST_IDLE_LEDGERS = 16
"""More than the ledgers of any real process; each has three files open for each of its connections."""


class HasIdle(Protocol):
    """Something that keeps connections open while they are idle."""

    def close_idle(self) -> None:
        """Close the idle connections, without waiting for calls."""


class IdleLedgers:
    """Remembers in which order ledgers were used, and closes what is idle of those used the longest ago.

    Args:
        most: ledgers that may keep idle connections.
    """

    _latest: weakref.ref[HasIdle] | None

    def __init__(self, *, most: int = MOST_IDLE_LEDGERS) -> None:
        self._most = most
        self._begin_anew()
        call_in_child(self._begin_anew)

    def mark_used(self, ledger: HasIdle) -> None:
        """Say that `ledger` has just been used."""
        if self._latest is not None and self._latest() is ledger:
            return
        with self._lock:
            self._by_use.pop(id(ledger), None)
            self._by_use[id(ledger)] = self._latest = weakref.ref(ledger)
            surplus = list(self._by_use)[: -self._most]
            oldest = [self._by_use.pop(key) for key in surplus]
        for reference in oldest:
            living = reference()
            if living is not None:
                living.close_idle()

    def _begin_anew(self) -> None:
        self._lock = threading.Lock()
        self._by_use: dict[int, weakref.ref[HasIdle]] = {}
        self._latest = None
