"""What a delivery is answered: status, headers and body."""

from __future__ import annotations

import math

import msgspec
from msgspec import Struct

from taskhandler.outcome import STATUS, Outcome

LENGTH_REQUIRED, UNSUPPORTED_MEDIA_TYPE = 411, 415
"""For a malformed request whose reason has a status of its own (RFC 9110 §15.5)."""

_LATER = frozenset(
    {
        Outcome.IN_FLIGHT,
        Outcome.RATE_LIMITED,
        Outcome.RETRY,
        Outcome.UNAVAILABLE,
        Outcome.INTERCEPTED,
    }
)
_STATUS_LINES = {
    200: "200 OK",
    400: "400 Bad Request",
    401: "401 Unauthorized",
    403: "403 Forbidden",
    404: "404 Not Found",
    405: "405 Method Not Allowed",
    409: "409 Conflict",
    411: "411 Length Required",
    413: "413 Content Too Large",
    415: "415 Unsupported Media Type",
    429: "429 Too Many Requests",
    503: "503 Service Unavailable",
}
_HEADERS: dict[Outcome, tuple[tuple[str, str], ...]] = {
    outcome: (("X-TaskHandler-Outcome", outcome.value),) for outcome in Outcome
}
_HEADERS[Outcome.UNAUTHENTICATED] += (("WWW-Authenticate", "Bearer"),)
_HEADERS[Outcome.WRONG_METHOD] += (("Allow", "POST"),)


class Reply(Struct, frozen=True, gc=False):
    """A status code, headers, and a body of JSON."""

    outcome: Outcome
    status: int
    headers: tuple[tuple[str, str], ...]
    body: bytes

    @property
    def status_line(self) -> str:
        """The status with its phrase, as WSGI has it."""
        return _STATUS_LINES[self.status]


class Refusal(Struct, frozen=True, gc=False):
    """Why a request is not delivered; `status` is None where the outcome's own will do."""

    outcome: Outcome
    why: str
    status: int | None = None


def reply(
    outcome: Outcome,
    *,
    task: str = "",
    attempt: int = 0,
    retry_after: float = 10.0,
    in_flight_status: int = 429,
    status: int | None = None,
) -> Reply:
    """Answer `outcome`.

    Args:
        outcome: of the delivery.
        task: the task's id, if it is known who asks.
        attempt: the attempt's number, if there was one.
        retry_after: seconds, for the outcomes that ask for another delivery.
        in_flight_status: 429, or 409 for those who do not want the queue slowed by duplicates.
        status: instead of the outcome's own.
    """
    if status is None:
        status = in_flight_status if outcome is Outcome.IN_FLIGHT else STATUS[outcome]
    headers = _HEADERS[outcome]
    if outcome in _LATER:
        headers = (*headers, ("Retry-After", str(max(1, math.ceil(retry_after)))))
    body = msgspec.json.encode({"outcome": outcome, "task": task, "attempt": attempt})
    return Reply(outcome, status, headers, body)
