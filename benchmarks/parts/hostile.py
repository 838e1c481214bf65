"""Storms of requests that are to be refused, each ready to be sent."""

from __future__ import annotations

import base64
import itertools
import json
import secrets
from collections.abc import Callable, Iterator

from msgspec import Struct

from benchmarks.parts.client import request_bytes
from benchmarks.parts.deliveries import ACCOUNT, AUDIENCE
from taskhandler.devqueue import LocalQueue
from taskhandler.devqueue.faults import TokenFault

VARIANTS = 200
"""Different tokens of a storm, sent in turn."""
MEGABYTE = 1_000_000
NUMBER = b"@number@"
"""What is replaced by a number, so that each request is for another task."""


class Storm(Struct, frozen=True, kw_only=True):
    """Requests of one kind.

    Attributes:
        name: for people.
        requests: for ours, in which `/tasks/` is replaced for another view.
        status: that they must be answered.
        bare: the path of the view that they are compared with.
        pace: requests a second that leave the server some capacity.
    """

    name: str
    requests: tuple[bytes, ...]
    status: int = 401
    bare: bytes = b"/bare/"
    pace: float = 100.0


def sequence(requests: tuple[bytes, ...], path: bytes = b"/tasks/") -> Callable[[], bytes]:
    """What gives the next of `requests`, for the view at `path`."""
    turns: Iterator[bytes] = itertools.cycle(each.replace(b" /tasks/", b" " + path, 1) for each in requests)
    start, numbers = secrets.token_hex(6).encode(), itertools.count()
    return lambda: next(turns).replace(NUMBER, b"%s-%d" % (start, next(numbers)), 1)


def valid(token: str) -> tuple[bytes, ...]:
    """A delivery that is to be run."""
    return (_delivery(f"Bearer {token}", body=b'{"id": "A7", "cents": 1200}'),)


def storms(queue: LocalQueue) -> tuple[Storm, ...]:
    """All of them; the tokens are `queue`'s, or would be."""
    token = queue.token(email=ACCOUNT, audience=AUDIENCE)
    megabyte = json.dumps({"id": "x" * MEGABYTE}).encode()
    wrong = json.dumps({"items": [{}] * (MEGABYTE // 4)}, separators=(",", ":")).encode()
    return (
        Storm(name="no token", requests=(_delivery(None),)),
        Storm(name="garbage token", requests=_many(_garbage)),
        Storm(name="unknown kid, certificates hang", requests=_many(lambda: _of_unknown_key(token))),
        Storm(name="expired token", requests=_many(lambda: _expired(queue))),
        Storm(name="Authorization of 7 kB", requests=(_delivery("Bearer " + "x" * 7000),)),
        Storm(name="1 MB without a token", requests=(_delivery(None, body=megabyte),), pace=30.0),
        *(
            Storm(name=f"{method} without a token", requests=(_delivery(None, method=method),))
            for method in ("GET", "PUT", "OPTIONS")
        ),
        Storm(name="unknown handler", requests=(_delivery(f"Bearer {token}", handler="x"),), status=404),
        Storm(
            name="undecodable 1 MB, valid token",
            requests=(_delivery(f"Bearer {token}", handler="ship", body=wrong),),
            status=200,
            bare=b"/reading/",
            pace=10.0,
        ),
    )


def _delivery(
    authorization: str | None, *, handler: str = "charge-order", body: bytes = b"{}", method: str = "POST"
) -> bytes:
    headers = {
        "Content-Type": "application/json",
        "User-Agent": "Google-Cloud-Tasks",
        "X-CloudTasks-QueueName": "bench",
        "X-CloudTasks-TaskName": NUMBER.decode(),
        "X-CloudTasks-TaskRetryCount": "0",
        "X-CloudTasks-TaskExecutionCount": "0",
    }
    if authorization is not None:
        headers["Authorization"] = authorization
    return request_bytes(method, f"/tasks/{handler}", headers, body)


def _many(authorization: Callable[[], str]) -> tuple[bytes, ...]:
    return tuple(_delivery(authorization()) for _ in range(VARIANTS))


def _garbage() -> str:
    return f"Bearer {secrets.token_urlsafe(30)}.{secrets.token_urlsafe(300)}.{secrets.token_urlsafe(256)}"


def _of_unknown_key(token: str) -> str:
    """A token that is as it should be up to its signature, by a key that nobody has."""
    header = json.dumps({"alg": "RS256", "kid": secrets.token_hex(20), "typ": "JWT"}).encode()
    _, claims, signature = token.split(".")
    return f"Bearer {base64.urlsafe_b64encode(header).decode().rstrip('=')}.{claims}.{signature}"


def _expired(queue: LocalQueue) -> str:
    token = queue.token(email=ACCOUNT, audience=AUDIENCE, fault=TokenFault.EXPIRED, sub=secrets.token_hex(8))
    return f"Bearer {token}"
