"""Bounds a log by the number of causes, not by the number of requests."""

from __future__ import annotations

from collections.abc import Callable, Hashable

MOST_KINDS = 512
"""Kinds that are distinguished; when there are more, all are forgotten, and each may have a line again."""

MOST_CAUSES = 10
"""Causes of one kind that are distinguished in one period; the others share a line."""

_OTHERS = object()
"""All causes of a kind beyond those."""


class _Period:
    """What one kind has had since `begun`: for each cause with a line, how many more were left out."""

    __slots__ = ("before", "begun", "left_out")

    def __init__(self, begun: float, before: dict[Hashable, int]) -> None:
        self.begun = begun
        self.before = before
        self.left_out: dict[Hashable, int] = {}


class LogThrottle:
    """Lets each cause have one line in `seconds`, and counts those that were left out.

    Causes that hold something of a request (a reason with an order's number in it) would be as many as
    the requests, so only a few causes of one kind are distinguished.

    Args:
        seconds: of silence after a line.
        clock: seconds of a clock that never goes back.
    """

    def __init__(self, *, seconds: float, clock: Callable[[], float]) -> None:
        self._seconds = seconds
        self._clock = clock
        self._periods: dict[Hashable, _Period] = {}

    def count_left_out(self, kind: Hashable, cause: Hashable = None) -> int | None:
        """Ask for a line about `cause`, which is of this `kind`.

        Returns:
            How many lines about it were left out in the period before; None if this one must be left out.
        """
        period = self._find_period(kind)
        if cause not in period.left_out and len(period.left_out) >= MOST_CAUSES:
            cause = _OTHERS
        if cause in period.left_out:
            period.left_out[cause] += 1
            return None
        period.left_out[cause] = 0
        return period.before.pop(cause, 0) + period.before.pop(_OTHERS, 0)

    def _find_period(self, kind: Hashable) -> _Period:
        now = self._clock()
        last = self._periods.get(kind)
        if last is not None and now - last.begun < self._seconds:
            return last
        if last is None and len(self._periods) >= MOST_KINDS:
            self._periods.clear()
        period = self._periods[kind] = _Period(now, {} if last is None else last.left_out)
        return period


def and_more(left_out: int) -> str:
    """What ends a line about a cause of which so many lines were left out before; empty for none."""
    return f" (and {left_out} more before)" if left_out else ""
