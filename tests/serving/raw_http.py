"""HTTP requests byte by byte, as no client library would send them."""

from __future__ import annotations

import contextlib
import re
import socket
from collections.abc import Iterable

from msgspec import Struct

from tests.serving.deliveries import headers
from tests.serving.service import Service

TIMEOUT_SECONDS = 15.0
"""Seconds in which the server must have answered and closed."""

Line = tuple[str, str]


class Said(Struct, frozen=True):
    """What came back for one request; `outcome` is empty if it did not come from a delivery."""

    status: int
    outcome: str
    head: str
    body: str


def lines(service: Service, task: str, **changed: str | None) -> list[Line]:
    """The headers of a good delivery, with some of them (underscores for hyphens) changed or left out."""
    sent = {"Host": "x", "Connection": "close"} | headers(service, task)
    sent |= {name.replace("_", "-"): value for name, value in changed.items() if value is not None}
    gone = {name.replace("_", "-") for name, value in changed.items() if value is None}
    return [(name, value) for name, value in sent.items() if name not in gone]


def request(
    sent: Iterable[Line],
    body: bytes = b"",
    *,
    path: str = "/tasks/raw",
    method: str = "POST",
    unframed: bool = False,
) -> bytes:
    """The bytes of a request; its length is announced unless a header of the test does, or it is unframed."""
    headers = list(sent)
    if not unframed and not {name.lower() for name, _ in headers} & {"content-length", "transfer-encoding"}:
        headers.append(("Content-Length", str(len(body))))
    head = "".join(f"{name}: {value}\r\n" for name, value in headers)
    return f"{method} {path} HTTP/1.1\r\n{head}\r\n".encode("latin-1") + body


def exchange(service: Service, sent: bytes, *, hang_up: bool = False, count: int | None = None) -> list[Said]:
    """Send it, hang up on our side with `hang_up`, and read the answers.

    All that come until the server closes, or `count` of them.
    """
    return converse(service.port, sent, hang_up=hang_up, count=count)


def converse(port: int, sent: bytes, *, hang_up: bool = False, count: int | None = None) -> list[Said]:
    """The same, with whatever listens on a port of this machine."""
    with socket.create_connection(("127.0.0.1", port), timeout=TIMEOUT_SECONDS) as connection:
        with contextlib.suppress(ConnectionError):  # it has answered, and does not read on
            connection.sendall(sent)
            if hang_up:
                connection.shutdown(socket.SHUT_WR)
        came = b""
        while chunk := _receive(connection):
            came += chunk
            if count is not None and len(list(_answers(came, whole=True))) >= count:
                break
    return list(_answers(came))


def _receive(connection: socket.socket) -> bytes:
    try:
        return connection.recv(65536)
    except ConnectionResetError:  # it closed without having read all that was sent
        return b""


def _answers(received: bytes, *, whole: bool = False) -> Iterable[Said]:
    """The answers in what was received so far: all, or those that are there with all of their body."""
    came = received.decode("latin-1")
    while "\r\n\r\n" in came:
        head, _, rest = came.partition("\r\n\r\n")
        announced = re.search(r"(?i)\r\ncontent-length: *(\d+)", head)
        if whole and (announced is None or len(rest) < int(announced[1])):
            return
        # a body without a length goes on to the end
        length = len(rest) if announced is None else int(announced[1])
        outcome = (re.search(r"(?i)\r\nx-taskhandler-outcome: *(\S+)", head) or ["", ""])[1]
        yield Said(int(head.split()[1]), outcome, head, rest[:length])
        came = rest[length:]
