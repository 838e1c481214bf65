"""Fetches the certificates over HTTP, within one deadline and one limit of bytes for everything.

A time-out of `urllib` bounds one step on the network: a server that sends a byte a second never exceeds it.
Here every step, from connecting to the last byte of the body, has as its time-out what is left of the fetch's
time, and all bytes received are counted. Two things can take longer: the name resolver cannot be interrupted,
and gevent's TLS starts its time-out again with each byte of a record.

This module has heavy imports, so it is itself imported only with the first fetch.
"""

from __future__ import annotations

import http.client
import socket
import ssl
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from functools import partial
from typing import Any

from taskhandler.auth.fetch_response import Fetched, read_max_age

LARGEST_BODY_BYTES = 262_144
"""Google's body has about 3,000."""
LARGEST_RESPONSE_BYTES = LARGEST_BODY_BYTES + 65_536
"""Everything received, without TLS: the proxy's response, the headers, and the body with its framing."""


def fetch_over_http(url: str, timeout: float, *, clock: Callable[[], float] = time.monotonic) -> Fetched:
    """Fetch the certificates: no redirects, nothing but a 200.

    Args:
        url: https, or http on a loopback address. https goes through the environment's proxy, if any.
        timeout: seconds that the whole fetch may take.
        clock: seconds, monotonic.

    Raises:
        OSError: nothing was fetched in time, or the status is not 200.
        ValueError: the response is too long.
    """
    bounds = _Bounds(clock, clock() + timeout)
    try:
        with _make_opener(url, bounds).open(url, timeout=timeout) as response:
            if response.status != http.client.OK:
                raise OSError(f"HTTP {response.status} {response.reason}")
            body: bytes = response.read(LARGEST_BODY_BYTES + 1)
            control: str = response.headers.get("Cache-Control", "")
    except urllib.error.URLError as error:
        raise error.reason if isinstance(error.reason, OSError) else error from None
    except http.client.HTTPException as error:
        raise OSError(f"the response is not HTTP: {error!r}") from error
    finally:
        bounds.close()
    if len(body) > LARGEST_BODY_BYTES:
        raise ValueError(f"the response is longer than {LARGEST_BODY_BYTES} bytes")
    return Fetched(body, read_max_age(control))


class _Bounds:
    """What one fetch has left of its time and its bytes."""

    def __init__(self, clock: Callable[[], float], ends: float) -> None:
        self._clock, self._ends, self._bytes_left = clock, ends, LARGEST_RESPONSE_BYTES
        self._connected: socket.socket | None = None

    def arm(self, sock: socket.socket, *, share: int = 1) -> None:
        """Bound the next step of `sock` by the time left, or by one of `share` equal parts of it."""
        left = self._ends - self._clock()
        if left <= 0:
            raise TimeoutError("timed out: the fetch as a whole took too long")
        sock.settimeout(left / share)

    def count(self, received: int) -> int:
        self._bytes_left -= received
        if self._bytes_left < 0:
            raise ValueError(f"the response is longer than {LARGEST_RESPONSE_BYTES} bytes")
        return received

    def connect(self, address: tuple[str, int], *_: object) -> socket.socket:
        """Connect to one of the addresses of a host, as `socket.create_connection` does."""
        found = socket.getaddrinfo(*address, type=socket.SOCK_STREAM)
        fault: OSError | None = None
        for number, (family, kind, protocol, _name, where) in enumerate(found):
            sock: socket.socket = _make_bounded(socket.socket, self)(family, kind, protocol)
            try:
                self.arm(
                    sock, share=len(found) - number
                )  # an address that is silent leaves time for the next
                sock.connect(where)
                self.arm(sock)
                self._connected = sock
            except OSError as error:
                sock.close()
                fault = error
            else:
                return sock
        try:
            raise fault or OSError("the host has no address")
        finally:
            del fault  # it holds this frame

    def close(self) -> None:
        """Close the connection now, even if `http.client` has forgotten to (Python 3.10, in a tunnel)."""
        descriptor = -1 if self._connected is None else self._connected.detach()
        if descriptor >= 0:
            socket.close(descriptor)

    def make_tls_context(self) -> ssl.SSLContext:
        """Make a context that checks the server as Python does by default."""
        context = ssl.create_default_context()
        context.sslsocket_class = _make_bounded(ssl.SSLSocket, self)
        return context


def _make_bounded(kind: type[Any], bounds: _Bounds) -> type[Any]:
    """Make a class of sockets that keep within `bounds`; each fetch has its own.

    `ssl` creates its sockets itself: only their class can be chosen. Its handshake takes no longer than the
    time-out of the socket that it is given. What is sent needs no attention, since the request fits into
    the buffers of the system.
    """

    class BoundedSocket(kind):  # type: ignore[misc]  # mypy cannot know a class that is an argument
        def recv_into(self, *args: object) -> int:
            bounds.arm(self)
            received = bounds.count(super().recv_into(*args))
            bounds.arm(self)  # a handshake may be next, and keeps the time-out as it is
            return received

    return BoundedSocket


def _make_opener(url: str, bounds: _Bounds) -> urllib.request.OpenerDirector:
    """Make an opener without redirects and without errors for statuses: every response is returned."""
    is_https = url.startswith("https:")
    proxies = urllib.request.getproxies() if is_https else {}
    # A handler for HTTPS reads all of the machine's certificate authorities, which takes 80 ms.
    handler = _HTTPSHandler(bounds) if is_https else _HTTPHandler(bounds)
    opener = urllib.request.OpenerDirector()
    opener.add_handler(urllib.request.ProxyHandler(proxies))
    opener.add_handler(handler)
    return opener


class _HTTPHandler(urllib.request.HTTPHandler):
    def __init__(self, bounds: _Bounds) -> None:
        super().__init__()
        self._bounds = bounds

    def http_open(self, request: urllib.request.Request) -> http.client.HTTPResponse:
        return self.do_open(partial(_make_connection, http.client.HTTPConnection, self._bounds), request)


class _HTTPSHandler(urllib.request.HTTPSHandler):
    def __init__(self, bounds: _Bounds) -> None:
        super().__init__()
        self._bounds = bounds

    def https_open(self, request: urllib.request.Request) -> http.client.HTTPResponse:
        make = partial(_make_connection, http.client.HTTPSConnection, self._bounds)
        return self.do_open(make, request, context=self._bounds.make_tls_context())


def _make_connection(kind: type[Any], bounds: _Bounds, host: str, **options: object) -> Any:  # noqa: ANN401 - of that kind
    connection = kind(host, **options)
    connection._create_connection = bounds.connect  # noqa: SLF001 - http.client has no public way to it
    return connection
