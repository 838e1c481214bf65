"""Limits how often certificates are fetched: a few times at once, seldom in the long run (a token bucket)."""

from __future__ import annotations


class TokenBucket:
    """Allows `burst` acts at once, and one more every so many seconds.

    Args:
        burst: acts.
        seconds: for one more act, up to `burst` of them.
    """

    def __init__(self, *, burst: int, seconds: float) -> None:
        self._seconds = seconds
        self._advance = (burst - 1) * seconds
        self._paid_until = float("-inf")

    def take(self, now: float) -> bool:
        """Whether to act at `now`, in seconds of a clock that never goes back; counts it if so."""
        paid_until = max(self._paid_until, now)
        if paid_until - now > self._advance:
            return False
        self._paid_until = paid_until + self._seconds
        return True
