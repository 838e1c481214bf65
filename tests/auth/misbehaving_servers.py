"""Servers on this machine that misbehave: silent, slow, endless, or not HTTP at all."""

from __future__ import annotations

import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

TEST_TIMEOUT_SECONDS = 20.0
"""Seconds after which a test that hangs fails."""
FETCH_SECONDS = 0.25
"""Seconds that a fetch is given which cannot succeed."""
OK = b"HTTP/1.1 200 OK\r\nCache-Control: max-age=60\r\n"

Talk = Callable[[socket.socket, threading.Event], None]


class Server:
    """Accepts one connection at a time, and talks until the other side is gone or `over` is set."""

    def __init__(self, talk: Talk) -> None:
        self._talk = talk
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        self.over = threading.Event()
        self.left = threading.Event()
        """Set when a caller has closed its side."""
        self._thread = threading.Thread(target=self._serve)

    def _serve(self) -> None:
        with suppress(OSError):
            while not self.over.is_set():
                connection, _ = self._listener.accept()
                with connection:
                    with suppress(OSError):
                        self._talk(connection, self.over)
                    self._await_end(connection)

    def _await_end(self, connection: socket.socket) -> None:
        with suppress(OSError):  # of a connection that is gone already
            connection.settimeout(TEST_TIMEOUT_SECONDS)
            while connection.recv(65_536):
                pass
        self.left.set()

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self.over.set()
        with suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self._thread.join(TEST_TIMEOUT_SECONDS)


@contextmanager
def serving(talk: Talk) -> Iterator[Server]:
    server = Server(talk)
    server.start()
    try:
        yield server
    finally:
        server.stop()


def read_request(connection: socket.socket) -> None:
    asked = b""
    while not asked.endswith(b"\r\n\r\n"):
        asked += connection.recv(4096)


def trickle(connection: socket.socket, over: threading.Event, content: bytes) -> None:
    """Send a byte often enough that no step of the reader ever times out."""
    for place in range(len(content)):
        if over.wait(FETCH_SECONDS / 10):
            return
        connection.sendall(content[place : place + 1])


def says(content: bytes) -> Talk:
    """A server that reads the request and says `content` at once."""

    def talk(connection: socket.socket, _over: threading.Event) -> None:
        read_request(connection)
        connection.sendall(content)

    return talk


def trickles(at_once: bytes, content: bytes) -> Talk:
    def talk(connection: socket.socket, over: threading.Event) -> None:
        read_request(connection)
        connection.sendall(at_once)
        trickle(connection, over, content)

    return talk


def repeats(at_once: bytes, content: bytes) -> Talk:
    """A server that never stops sending."""

    def talk(connection: socket.socket, over: threading.Event) -> None:
        read_request(connection)
        connection.sendall(at_once)
        while not over.is_set():
            connection.sendall(content)

    return talk


def silent(_connection: socket.socket, _over: threading.Event) -> None:
    pass


LONG = b"x" * 10_000
SLOW: dict[str, Talk] = {
    "silent": silent,
    "silent after the status line": says(b"HTTP/1.1 200 OK\r\n"),
    "silent after the headers": says(OK + b"Content-Length: 3000\r\n\r\n"),
    "silent in the middle of the body": says(OK + b"Content-Length: 3000\r\n\r\n{"),
    "silent in the middle of a chunk": says(OK + b"Transfer-Encoding: chunked\r\n\r\nbb8\r\n{"),
    "trickles the status line": trickles(b"", OK),
    "trickles the headers": trickles(OK, b"X-Slow: " + LONG),
    "trickles the body": trickles(OK + b"Content-Length: 9000\r\n\r\n", LONG),
    "trickles a body without a length": trickles(OK + b"\r\n", LONG),
    "trickles chunks": trickles(OK + b"Transfer-Encoding: chunked\r\n\r\n", b"1\r\nx\r\n" * 1000),
}
ENDLESS: dict[str, Talk] = {
    "body": repeats(OK + b"\r\n", LONG),
    "body of an incredible length": repeats(OK + b"Content-Length: 1000000000000\r\n\r\n", LONG),
    "chunks": repeats(OK + b"Transfer-Encoding: chunked\r\n\r\n", b"3e8\r\n" + b"x" * 1000 + b"\r\n"),
    "chunk extension": repeats(OK + b"Transfer-Encoding: chunked\r\n\r\n1;", LONG),
    "trailers": repeats(OK + b"Transfer-Encoding: chunked\r\n\r\n0\r\n", b"X-Trailer: x\r\n"),
    "headers": repeats(OK, b"X-Header: x\r\n"),
    "header line": repeats(OK + b"X-Header: ", LONG),
    "status line": repeats(b"", LONG),
    "interim answers": repeats(b"", b"HTTP/1.1 100 Continue\r\n\r\n"),
}


def over_tls(context: ssl.SSLContext, talk: Talk) -> Talk:
    def talk_within(connection: socket.socket, over: threading.Event) -> None:
        with context.wrap_socket(connection, server_side=True) as secured:
            talk(secured, over)
            with suppress(OSError):
                while secured.recv(65_536):
                    pass

    return talk_within


def trickles_a_handshake(connection: socket.socket, over: threading.Event) -> None:
    """A record of a handshake, which announces 16,000 bytes."""
    connection.recv(65_536)
    trickle(connection, over, b"\x16\x03\x03\x3e\x80\x02\x00\x3e\x7c" + LONG)


def tunnels(context: ssl.SSLContext, at_once: bytes, talk: Talk) -> Talk:
    """A proxy that opens the tunnel and is itself what is at its other end."""

    def talk_within(connection: socket.socket, over: threading.Event) -> None:
        read_request(connection)
        connection.sendall(at_once)
        over_tls(context, talk)(connection, over)

    return talk_within
