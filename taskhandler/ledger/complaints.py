"""Saying what is wrong with a ledger once in a while, not once for every delivery."""

from __future__ import annotations

import logging
from collections.abc import Callable

EVERY = 60 * 10**9
"""Nanoseconds of silence after a complaint before the same one is made again."""

_log = logging.getLogger("taskhandler.ledger")


class Complaints:
    """What a ledger has to complain about, each thing at most once a minute.

    Args:
        clock: nanoseconds since some fixed moment.
    """

    def __init__(self, *, clock: Callable[[], int]) -> None:
        self._clock = clock
        self._made: dict[str, int] = {}

    def make(self, kind: str, message: str) -> None:
        """Log `message`, unless one of the same `kind` (there must be few) was logged a moment ago."""
        now = self._clock()
        made = self._made.get(kind)
        if made is not None and now - made < EVERY:
            return
        self._made[kind] = now
        _log.error("%s", message)
