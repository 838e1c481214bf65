"""Requests to the HTTP side: as programs send them, and byte by byte."""

from __future__ import annotations

import json
import socket
import urllib.error
import urllib.request
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

import pytest

from taskhandler.devqueue import LocalQueue

from .target import PATIENCE_SECONDS


def ask(queue: LocalQueue, path: str, body: object = None) -> Any:  # noqa: ANN401 - JSON
    """Send a GET, or with a body a POST, and return the JSON of the reply."""
    raw = None if body is None else json.dumps(body).encode()
    asked = urllib.request.Request(queue.http + path, raw, {"Content-Type": "application/json"})  # noqa: S310 - our own http URL
    with urllib.request.urlopen(asked, timeout=PATIENCE_SECONDS) as answer:  # noqa: S310 - the same
        return json.load(answer)


def refused(queue: LocalQueue, path: str, body: object = None) -> tuple[int, str]:
    """Send the same and return status and reason; fail unless it is refused."""
    with pytest.raises(urllib.error.HTTPError) as error:
        ask(queue, path, body)
    with error.value as answer:
        return answer.code, json.load(answer)["error"]


@dataclass(frozen=True)
class Answer:
    """A reply; the names of its headers are in lower case."""

    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def content(self) -> Any:  # noqa: ANN401 - JSON
        return json.loads(self.body)


def port_of(queue: LocalQueue) -> int:
    return urlsplit(queue.http).port or 0


def connected(queue: LocalQueue) -> socket.socket:
    return socket.create_connection(("127.0.0.1", port_of(queue)), timeout=PATIENCE_SECONDS)


def sent(queue: LocalQueue, raw: bytes, *, end: bool = False) -> Answer | None:
    """Send these bytes (and nothing more, if `end`) and return the answer; None if there is none."""
    with connected(queue) as line:
        try:
            line.sendall(raw)
            if end:
                line.shutdown(socket.SHUT_WR)
        except OSError:
            pass  # the server need not read all of a request that it refuses
        return read_answer(line)


def read_answer(line: socket.socket) -> Answer | None:
    raw = b""
    while chunk := line.recv(1 << 16):
        raw += chunk
    if not raw:
        return None
    head, _, body = raw.partition(b"\r\n\r\n")
    first, *lines = head.decode("latin-1").split("\r\n")
    pairs = (each.partition(": ") for each in lines)
    return Answer(int(first.split(" ")[1]), {name.lower(): value for name, _, value in pairs}, body)


def request(method: str, path: str, *headers: str, host: str = "localhost", body: bytes = b"") -> bytes:
    """Return a request with these headers, each `Name: value`."""
    sized = [f"Content-Length: {len(body)}"] if body else []
    lines = [f"{method} {path} HTTP/1.1", f"Host: {host}", *headers, *sized]
    return "\r\n".join([*lines, "", ""]).encode("latin-1") + body
