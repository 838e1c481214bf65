"""A TCP proxy that loses, delays and refuses what goes through it, exactly when it is ordered to.

It knows where requests and answers of gRPC begin and end, so that a fault strikes one call and no timing is
involved: cut before the request is forwarded (it is not done), or after its whole answer has come (it is
done, and nobody hears of it).
"""

from __future__ import annotations

import contextlib
import enum
import random
import socket
import threading
import time
from collections.abc import Callable
from types import TracebackType

from tests.faults.delay_line import DelayLine
from tests.faults.http2 import Frames, begins, ends

CHUNK = 65536


class Fault(enum.Enum):
    """What may go wrong with the next calls."""

    NONE = "nothing"
    CUT_BEFORE = "the connection breaks before the request gets through: it is not done"
    CUT_AFTER = "the connection breaks before the answer gets through: it is done"
    BLACKHOLE = "what is sent goes nowhere, and nobody says so; what was sent before the fault may be done"
    MUTE = "requests get through and are done, answers go nowhere"


class Proxy:
    """Listens on a free port of this machine, and connects each client to `upstream`.

    Use it as a context. A connection that a black hole has swallowed something of stays black when the fault
    is over, as one does whose packets a router has forgotten about; new ones get through.

    Args:
        upstream: host and port.
    """

    def __init__(self, upstream: str) -> None:
        host, _, port = upstream.rpartition(":")
        self._upstream = (host, int(port))
        self._lock = threading.Lock()
        self._fault = Fault.NONE
        self._left = 0
        self._delay, self._jitter = 0.0, 0.0
        self._chance = random.Random(0)  # noqa: S311 - chance that repeats, nothing secret
        self._stop = threading.Event()
        self._open: set[socket.socket] = set()
        self._threads: list[threading.Thread] = []
        self._listener: socket.socket | None = None
        self._reserved = _bound(0)
        self._port = int(self._reserved.getsockname()[1])
        self.connections = 0
        self.faults = 0

    @property
    def address(self) -> str:
        """Where to connect to, host and port."""
        return f"127.0.0.1:{self._port}"

    def strike(self, fault: Fault, *, times: int = 1) -> None:
        """Let the next `times` calls meet `fault`, whatever connection they are on. 0: all, until healed."""
        with self._lock:
            self._fault, self._left = fault, times or 1 << 60

    def delay(self, seconds: float, *, jitter: float = 0.0) -> None:
        """Hold up every chunk for so long, and up to `jitter` seconds longer, in each direction."""
        self._delay, self._jitter = seconds, jitter

    def refuse(self) -> None:
        """Break all connections and take no new ones."""
        listener, self._listener = self._listener, None
        if listener is not None:
            _close(listener)
            self._reserved = _bound(self._port)
        self.cut()

    def cut(self) -> None:
        """Break all connections."""
        for each in list(self._open):
            _close(each)

    def heal(self) -> None:
        """Let everything through from now on."""
        with self._lock:
            self._fault, self._left, self._delay, self._jitter = Fault.NONE, 0, 0.0, 0.0
        if self._listener is None:
            self._listen()

    def __enter__(self) -> Proxy:  # noqa: PYI034 - Self is not in Python 3.10
        """Begin to listen."""
        self._listen()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Break all connections, and wait for the threads."""
        self._stop.set()
        self.refuse()
        self._reserved.close()
        for thread in self._threads:
            thread.join(10)

    def _listen(self) -> None:
        listener = self._listener = self._reserved
        listener.listen()
        self._start(lambda: self._accept(listener))

    def _accept(self, listener: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while True:
                near, _ = listener.accept()
                self._connect(near)

    def _connect(self, near: socket.socket) -> None:
        try:
            far = socket.create_connection(self._upstream, timeout=10)
        except OSError:
            _close(near)
            return
        far.settimeout(None)
        self.connections += 1
        self._open |= {near, far}
        way = _Way()
        self._carry(near, far, way, asking=True)
        self._carry(far, near, way, asking=False)

    def _carry(self, source: socket.socket, sink: socket.socket, way: _Way, *, asking: bool) -> None:
        line = DelayLine(self._next_delay, clock=time.monotonic, wait=self._stop.wait)
        self._start(lambda: _fill(line, source))
        self._start(lambda: self._drain(line, source, sink, way, asking=asking))

    def _next_delay(self) -> float:
        return self._delay + self._jitter * self._chance.random()

    def _drain(
        self, line: DelayLine, source: socket.socket, sink: socket.socket, way: _Way, *, asking: bool
    ) -> None:
        watched = Frames()
        with contextlib.suppress(OSError):
            for chunk in line:
                frames = watched.feed(chunk)
                if asking and way.fault is Fault.NONE and begins(frames):
                    way.fault = self._next()
                if way.fault is Fault.CUT_BEFORE or (way.cuts and not asking and ends(frames)):
                    break
                if not way.swallows(asking=asking):
                    sink.sendall(chunk)
        _close(source)
        _close(sink)
        self._open -= {source, sink}

    def _next(self) -> Fault:
        with self._lock:
            if not self._left:
                return Fault.NONE
            self._left -= 1
            self.faults += self._fault is not Fault.NONE
            return self._fault

    def _start(self, target: Callable[[], None]) -> None:
        thread = threading.Thread(target=target, daemon=True)
        self._threads.append(thread)
        thread.start()


class _Way:
    """A connection, and the fault that it has met with."""

    def __init__(self) -> None:
        self.fault = Fault.NONE

    @property
    def cuts(self) -> bool:
        return self.fault is Fault.CUT_AFTER

    def swallows(self, *, asking: bool) -> bool:
        return self.fault is Fault.BLACKHOLE or (self.fault is not Fault.NONE and not asking)


def _fill(line: DelayLine, source: socket.socket) -> None:
    with contextlib.suppress(OSError):
        while chunk := source.recv(CHUNK):
            line.put(chunk)
    line.put(b"")


def _bound(port: int) -> socket.socket:
    """A socket that has a port, so that no one else gets it, and refuses connections until it listens."""
    reserved = socket.socket()
    reserved.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    reserved.bind(("127.0.0.1", port))
    return reserved


def _close(each: socket.socket) -> None:
    with contextlib.suppress(OSError):
        each.shutdown(socket.SHUT_RDWR)
    each.close()
