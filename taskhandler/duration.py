"""Durations as users write them: one reading and one sentence for options, errors, delays and settings."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from numbers import Real


def seconds_of(value: object, *, least: float, most: float) -> float | None:
    """A number of seconds, or a timedelta, as seconds.

    Returns:
        None where it is not one, or not from `least` to `most`; True is not a number, and neither is NaN.
    """
    if isinstance(value, timedelta):
        seconds = value.total_seconds()
    elif isinstance(value, Real | Decimal) and not isinstance(value, bool):
        seconds = _float(value)
    else:
        return None
    return seconds if least <= seconds <= most else None


def must_be(*, least: float, most: float) -> str:
    """What is said of a value that is not such a duration."""
    return f"must be seconds (a number) or a timedelta, from {least:.12g} to {most:.12g}"


def _float(number: Real | Decimal) -> float:
    try:
        return float(number)
    except (OverflowError, ValueError):  # an integer without end, a signalling NaN
        return float("nan")
