"""The outcomes of a delivery, and the status that each is answered with."""

from __future__ import annotations

import enum


class Outcome(str, enum.Enum):
    """The outcome of a delivery."""

    __hash__ = str.__hash__  # an Enum's own is a Python function, called for every look-up

    COMPLETED = "completed"
    DUPLICATE = "duplicate"
    REJECTED = "rejected"
    DEAD = "dead"
    CONFLICT = "conflict"
    CANCELLED = "cancelled"
    IN_FLIGHT = "in-flight"
    RATE_LIMITED = "rate-limited"
    RETRY = "retry"
    UNAVAILABLE = "unavailable"
    INTERCEPTED = "intercepted"
    UNAUTHENTICATED = "unauthenticated"
    FORBIDDEN = "forbidden"
    MALFORMED = "malformed"
    TOO_LARGE = "too-large"
    WRONG_METHOD = "wrong-method"
    UNKNOWN_HANDLER = "unknown-handler"


STATUS = {
    Outcome.COMPLETED: 200,
    Outcome.DUPLICATE: 200,
    Outcome.REJECTED: 200,
    Outcome.DEAD: 200,
    Outcome.CONFLICT: 200,
    Outcome.CANCELLED: 200,
    Outcome.IN_FLIGHT: 429,
    Outcome.RATE_LIMITED: 429,
    Outcome.RETRY: 503,
    Outcome.UNAVAILABLE: 503,
    Outcome.INTERCEPTED: 503,
    Outcome.UNAUTHENTICATED: 401,
    Outcome.FORBIDDEN: 403,
    Outcome.MALFORMED: 400,
    Outcome.TOO_LARGE: 413,
    Outcome.WRONG_METHOD: 405,
    Outcome.UNKNOWN_HANDLER: 404,
}
"""Anything but a 2xx makes Cloud Tasks deliver again, and uses up one of the queue's attempts."""
