"""How often something may be done: a few times at once, and seldom in the long run."""

from __future__ import annotations


class Budget:
    """A token bucket.

    Args:
        burst: how often it may be done at once.
        seconds: until it may be done once more, up to `burst` times again.
    """

    def __init__(self, *, burst: int, seconds: float) -> None:
        self._seconds = seconds
        self._advance = (burst - 1) * seconds
        self._paid_until = float("-inf")

    def take(self, now: float) -> bool:
        """Ask to do it at `now`, in seconds of a clock that never goes back."""
        paid_until = max(self._paid_until, now)
        if paid_until - now > self._advance:
            return False
        self._paid_until = paid_until + self._seconds
        return True
