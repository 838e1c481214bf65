"""A Flask request, read as a delivery needs it: headers by look-up, the body late and within a limit."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

from flask import Request
from werkzeug.exceptions import HTTPException

from taskhandler.delivery_facts import Unreadable
from taskhandler.reply import Outcome


class WSGIHeaders:
    """The headers of a WSGI environment, by name in any case.

    What werkzeug's `request.headers.get` says, at a fraction of its cost: a delivery looks up ten.
    """

    __slots__ = ("_environ",)

    def __init__(self, environ: dict[str, Any]) -> None:
        self._environ = environ

    def get(self, name: str, /) -> str | None:
        """The header's value (of several: joined by commas, as the server does it), or None."""
        value: str | None = self._environ.get(_variable(name))
        return value


@lru_cache(maxsize=256)
def _variable(name: str) -> str:
    variable = name.upper().replace("-", "_")
    return variable if variable in {"CONTENT_TYPE", "CONTENT_LENGTH"} else f"HTTP_{variable}"


def read_body(request: Request, limit: int) -> bytes | Unreadable:
    """The body, if it is whole and has at most `limit` bytes.

    It is read past Flask, whose own limit (MAX_CONTENT_LENGTH) would let the app's error handlers answer.
    """
    announced = request.environ.get("CONTENT_LENGTH") or ""
    if not announced:
        return _read_unannounced(request, limit)
    if not (announced.isascii() and announced.isdigit()):
        return Unreadable(Outcome.MALFORMED, "Content-Length is no number")
    length = int(announced[:20])
    if length > limit:
        return Unreadable(Outcome.TOO_LARGE, f"the body has {length} bytes, {limit} are allowed")
    body = _read(request, length)
    if body is None:
        return Unreadable(Outcome.MALFORMED, "the body ended before its end")
    if len(body) != length:
        return Unreadable(Outcome.MALFORMED, f"the body has {len(body)} bytes, {length} were announced")
    return body


def _read_unannounced(request: Request, limit: int) -> bytes | Unreadable:
    """A body in chunks, if the server says that it sees to its end; else there is none (RFC 9112, 6.3)."""
    if not request.environ.get("wsgi.input_terminated"):
        return b""
    body = _read(request, limit + 1)
    if body is None:
        return Unreadable(Outcome.MALFORMED, "the body is not in proper chunks")
    if len(body) > limit:
        return Unreadable(Outcome.TOO_LARGE, f"the body has more than {limit} bytes")
    return body


def _read(request: Request, length: int) -> bytes | None:
    """Up to `length` bytes of the body; None if the server cannot make it out."""
    stream = request.environ["wsgi.input"]
    try:
        body: bytes = stream.read(length)
        while len(body) < length and (chunk := stream.read(length - len(body))):
            body += chunk
    except Exception:  # noqa: BLE001 - OSError from most servers, errors of its own from gunicorn
        return None
    return body or _read_before(request)


def _read_before(request: Request) -> bytes:
    """What a hook of the app has read already, if it went through Flask."""
    try:
        return request.get_data()
    except HTTPException:
        return b""
