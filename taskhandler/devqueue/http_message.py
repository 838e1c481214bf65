"""Requests and replies of the HTTP side of the queue."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from urllib.parse import parse_qsl

from taskhandler.text import one_line

_SHOWN_CHARACTERS = 500


@dataclass(frozen=True, slots=True)
class Head:
    """A request without its body; the names of its headers are in lower case."""

    method: str
    path: str
    query: str
    headers: tuple[tuple[str, str], ...]

    def values(self, name: str) -> list[str]:
        """Return the values of all headers of a name, which is given in lower case."""
        return [value for key, value in self.headers if key == name]


@dataclass(frozen=True, slots=True)
class Request:
    """A request with its whole body."""

    head: Head
    body: bytes

    def parameter(self, name: str) -> str | None:
        """Return the last value of a name in the query."""
        return dict(parse_qsl(self.head.query, keep_blank_values=True)).get(name)


@dataclass(frozen=True, slots=True)
class Reply:
    """A reply in JSON."""

    content: object
    status: HTTPStatus = HTTPStatus.OK
    headers: Mapping[str, str] = field(default_factory=dict)

    def render(self, *, with_body: bool) -> bytes:
        """Return the bytes of the reply, after which the connection is closed."""
        body = json.dumps(self.content).encode()
        headers = {
            "Content-Type": "application/json",
            "Content-Length": str(len(body)),
            "Cache-Control": "no-store",
            "X-Content-Type-Options": "nosniff",
            "Connection": "close",
        }
        lines = [f"HTTP/1.1 {self.status.value} {self.status.phrase}"]
        lines += [f"{name}: {value}" for name, value in {**headers, **self.headers}.items()]
        return "\r\n".join([*lines, "", ""]).encode() + (body if with_body else b"")


class HttpError(Exception):
    """A request is refused.

    Attributes:
        reply: the reply to it.
    """

    def __init__(self, status: HTTPStatus, text: object, headers: Mapping[str, str] | None = None) -> None:
        """`text` says why, and may quote the request."""
        line = one_line(text, limit=_SHOWN_CHARACTERS)
        self.reply = Reply({"error": line}, status, headers or {})
        super().__init__(line)
