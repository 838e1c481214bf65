"""When a failed task is retried, and when it is given up.

The rules are those of Google's description of `RetryConfig` (google-cloud-tasks 2.26.0): the interval starts
at `min_backoff`, doubles `max_doublings` times, then grows linearly by `2**max_doublings * min_backoff`, and
stays at `max_backoff`. For 10 s, 300 s and 3 doublings: 10, 20, 40, 80, 160, 240, 300, 300, ...
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Annotated

from taskhandler.devqueue.options import between
from taskhandler.devqueue.wellformed import LARGEST_INT32, LONGEST_DURATION_SECONDS

UNLIMITED = -1
# a hundred doublings of a nanosecond are longer than any Duration; more of them would overflow a float
_MAX_DOUBLINGS = 100
_RETENTION_SECONDS = 31 * 86400.0

Seconds = Annotated[float, between(0, LONGEST_DURATION_SECONDS, "seconds")]


@dataclass(frozen=True, slots=True)
class RetryPolicy:
    """`RetryConfig` in seconds; the defaults are the real service's."""

    max_attempts: Annotated[int, between(UNLIMITED, LARGEST_INT32, "an integer")] = 100
    max_retry_duration: Seconds = 0.0
    min_backoff: Seconds = 0.1
    max_backoff: Seconds = 3600.0
    max_doublings: Annotated[int, between(0, LARGEST_INT32, "an integer")] = 16


def retry_interval(policy: RetryPolicy, failures: int) -> float:
    """Return the seconds between failure number `failures` (from 1) and the next attempt."""
    exponent = failures - 1
    doublings = min(exponent, policy.max_doublings, _MAX_DOUBLINGS)
    linear = max(0, exponent - policy.max_doublings)
    return min(policy.max_backoff, policy.min_backoff * 2.0**doublings * (1 + linear))


def retry_delay(policy: RetryPolicy, failures: int, *, status: int | None, retry_after: str | None) -> float:
    """Return the seconds to wait after an attempt that was answered `status` (None: no answer).

    `Retry-After` "is considered" after 429 and 503 (google-cloud-tasks 2.26.0, `HttpRequest`); how is not
    published. Here the longer of the two counts; it must be in seconds, and is at most a task's retention of
    31 days.
    """
    own = retry_interval(policy, failures)
    if status not in (429, 503) or retry_after is None:
        return own
    return max(own, _parse_seconds(retry_after))


def is_exhausted(policy: RetryPolicy, *, attempts: int, elapsed: float) -> bool:
    """Return whether a task is given up after `attempts` dispatches, `elapsed` seconds after the first.

    If both limits are set, both must be reached; a limit that is not set (`max_attempts` -1,
    `max_retry_duration` 0) does not count, and with neither the task is retried for ever.
    """
    reached = []
    if policy.max_attempts != UNLIMITED:
        reached.append(attempts >= policy.max_attempts)
    if policy.max_retry_duration > 0:
        reached.append(elapsed >= policy.max_retry_duration)
    return bool(reached) and all(reached)


def _parse_seconds(retry_after: str) -> float:
    if not re.fullmatch(r"[0-9]{1,12}", retry_after.strip()):
        return 0.0
    return min(float(retry_after), _RETENTION_SECONDS)
