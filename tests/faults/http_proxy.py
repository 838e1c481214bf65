"""An HTTP proxy in front of the web servers, which breaks off chosen deliveries in chosen ways."""

from __future__ import annotations

import contextlib
import itertools
import re
import socket
import threading
from collections.abc import Callable, Iterator
from types import TracebackType

from tests.faults.tcp_proxy import CHUNK, Fault

TIMEOUT_SECONDS = 60.0
_TASK = re.compile(rb"x-cloudtasks-taskname: *([^\r]*)", re.IGNORECASE)
_RETRY = re.compile(rb"x-cloudtasks-taskretrycount: *([0-9]*)", re.IGNORECASE)

HALF = "half"
"""The connection breaks in the middle of the request's body."""

Meets = Callable[[str, int], Fault | str]
"""Which fault the delivery of a task meets, by its id and retry count."""


class HTTPProxy:
    """Listens on a free port and hands each connection to the next of `upstreams`; use it as a context.

    Args:
        meets: chooses the faults; it is asked once for each delivery.
    """

    def __init__(self, meets: Meets | None = None) -> None:
        self.meets = meets or self._ordered
        self._orders: dict[str, list[Fault | str]] = {}
        self._turns: Iterator[int] = iter(())
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=256)
        self.port = int(self._listener.getsockname()[1])

    def lead_to(self, *ports: int) -> None:
        """Hand connections to these ports from now on, in turn."""
        self._turns = itertools.cycle(ports)

    def strike(self, task: str, *faults: Fault | str) -> None:
        """Let the next deliveries of `task` meet these faults."""
        self._orders.setdefault(task, []).extend(faults)

    def __enter__(self) -> HTTPProxy:  # noqa: PYI034 - Self is not in Python 3.10
        """Begin to take connections."""
        threading.Thread(target=self._accept, daemon=True).start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Take no more."""
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()

    def _ordered(self, task: str, _: int) -> Fault | str:
        orders = self._orders.get(task)
        return orders.pop(0) if orders else Fault.NONE

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                near, _ = self._listener.accept()
                threading.Thread(target=self._serve, args=(near,), daemon=True).start()

    def _serve(self, near: socket.socket) -> None:
        near.settimeout(TIMEOUT_SECONDS)
        with near, contextlib.suppress(OSError):
            head = _head(near)
            fault = self._fault(head)
            if fault is Fault.CUT_BEFORE:
                return
            if fault is Fault.BLACKHOLE:
                _wait_for_the_end(near)
                return
            with socket.create_connection(("127.0.0.1", next(self._turns)), timeout=TIMEOUT_SECONDS) as far:
                _exchange(near, far, head, fault)
                for side in (near, far):
                    side.shutdown(socket.SHUT_RDWR)  # a close alone is not seen while a thread reads

    def _fault(self, head: bytes) -> Fault | str:
        task, retry = _TASK.search(head), _RETRY.search(head)
        if task is None:
            return Fault.NONE
        return self.meets(task[1].decode(), int(retry[1]) if retry else 0)


def _head(near: socket.socket) -> bytes:
    head = b""
    while b"\r\n\r\n" not in head:
        chunk = near.recv(CHUNK)
        if not chunk:
            raise ConnectionError("it hung up before it had asked")
        head += chunk
    return head


def _exchange(near: socket.socket, far: socket.socket, head: bytes, fault: Fault | str) -> None:
    """Hand the request on and the answer back, but for what `fault` takes away."""
    if fault == HALF:
        far.sendall(head[:-1])
        return
    far.sendall(head)
    asking = threading.Thread(target=_pump, args=(near, far), daemon=True)
    asking.start()
    if fault is Fault.CUT_AFTER:
        far.recv(1)
    elif fault is Fault.MUTE:
        _wait_for_the_end(far)
        _wait_for_the_end(near)
    else:
        _pump(far, near)


def _pump(source: socket.socket, sink: socket.socket) -> None:
    with contextlib.suppress(OSError):
        while chunk := source.recv(CHUNK):
            sink.sendall(chunk)
        sink.shutdown(socket.SHUT_WR)


def _wait_for_the_end(side: socket.socket) -> None:
    with contextlib.suppress(OSError):
        while side.recv(CHUNK):
            pass
