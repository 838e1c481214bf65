"""Bounds a log by the number of causes, not by the number of requests."""

from __future__ import annotations

from collections.abc import Callable, Hashable

MOST_CAUSES = 512
"""Causes that are told apart; when there are more, all are forgotten, and each may have a line again."""


class LogThrottle:
    """Lets each cause have one line in `seconds`, and counts those that were left out.

    Args:
        seconds: of silence after a line.
        clock: seconds of a clock that never goes back.
    """

    def __init__(self, *, seconds: float, clock: Callable[[], float]) -> None:
        self._seconds = seconds
        self._clock = clock
        self._causes: dict[Hashable, tuple[float, int]] = {}

    def left_out(self, cause: Hashable) -> int | None:
        """Ask for a line about `cause`.

        Returns:
            How many lines about it were left out since the last one; None if this one must be, too.
        """
        now = self._clock()
        silent_until, count = self._causes.get(cause, (now, 0))
        if now < silent_until:
            self._causes[cause] = (silent_until, count + 1)
            return None
        if len(self._causes) >= MOST_CAUSES:
            self._causes.clear()
        self._causes[cause] = (now + self._seconds, 0)
        return count
