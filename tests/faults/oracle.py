"""The oracle: a process of its own that writes down what really happens, and says what goes wrong next.

It keeps two resources that handlers write to, as the outside world would: one takes whatever it is given,
the other one refuses a fence that is lower than the highest it has seen. Nothing of taskhandler is in it.
"""

from __future__ import annotations

import os
import socketserver
import sys
import threading
import time
from collections import defaultdict
from pathlib import Path

from msgspec.structs import replace

from tests.faults import journal
from tests.faults.journal import Answer, Event, Forget, Order, Release, Report, Request, See

PARKED_SECONDS = 60.0
"""Seconds after which a parked thread goes on, should the bench have forgotten it."""


class Oracle:
    """Hears, remembers and orders.

    Args:
        file: the journal, which is appended to.
    """

    def __init__(self, file: Path) -> None:
        self._file = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
        self._changed = threading.Condition()
        self._events: defaultdict[tuple[str, str], list[Event]] = defaultdict(list)
        self._orders: list[Order] = []
        self._released: list[Release] = []
        self._epoch = 0
        self._fences: dict[str, int] = {}

    def answer(self, request: Request) -> Answer:
        """Do what is asked."""
        match request:
            case Report(event=event):
                return Answer(self._hear(event))
            case Order():
                with self._changed:
                    self._orders.append(request)
            case Release():
                self._release(request)
            case See():
                return Answer(seen=self._see(request))
            case Forget():
                self._forget()
        return Answer()

    def _hear(self, event: Event) -> str:
        with self._changed:
            answer = self._judge(event) if event.what == "fenced" else event.answer
            act = self._ordered(event) or event.act
            heard = replace(event, at=time.time(), act=act, answer=answer)
            os.write(self._file, journal.encode(heard) + b"\n")
            self._events[event.what, event.task].append(heard)
            self._changed.notify_all()
            return self._parked(event) if act == "park" else act or answer

    def _judge(self, event: Event) -> str:
        if event.fence < self._fences.get(event.task, 0):
            return "refused"
        self._fences[event.task] = event.fence
        return "taken"

    def _ordered(self, event: Event) -> str:
        for order in self._orders:
            if _meant(order, event):
                self._orders.remove(order)
                if order.times > 1:
                    self._orders.append(replace(order, times=order.times - 1))
                return order.act
        return ""

    def _parked(self, event: Event) -> str:
        epoch = self._epoch

        def free() -> bool:
            return epoch != self._epoch or any(_frees(each, event) for each in self._released)

        self._changed.wait_for(free, PARKED_SECONDS)
        release = next((each for each in self._released if _frees(each, event)), None)
        if release is None:
            return ""
        self._released.remove(release)
        return release.act

    def _release(self, release: Release) -> None:
        with self._changed:
            self._released.append(release)
            self._changed.notify_all()

    def _see(self, see: See) -> tuple[Event, ...]:
        with self._changed:
            self._changed.wait_for(lambda: len(self._seen(see)) >= see.count, see.timeout)
            return tuple(self._seen(see))

    def _seen(self, see: See) -> list[Event]:
        return [
            event
            for event in self._events[see.what, see.task]
            if see.attempt in {0, event.attempt} and see.said in {"", event.said}
        ]

    def _forget(self) -> None:
        with self._changed:
            self._orders.clear()
            self._released.clear()
            self._epoch += 1
            self._changed.notify_all()


def _meant(order: Order, event: Event) -> bool:
    return order.what == event.what and order.task in {"", event.task} and order.attempt in {0, event.attempt}


def _frees(release: Release, event: Event) -> bool:
    return release.what == event.what and release.task == event.task


class _Line(socketserver.StreamRequestHandler):
    """One reporter's connection."""

    def handle(self) -> None:
        """Answer until it hangs up."""
        oracle = self.server.oracle  # type: ignore[attr-defined]  # set below
        for line in self.rfile:
            self.wfile.write(journal.encode(oracle.answer(journal.requests.decode(line))) + b"\n")


class _Server(socketserver.ThreadingTCPServer):
    daemon_threads = True
    allow_reuse_address = True
    request_queue_size = 256

    def __init__(self, oracle: Oracle) -> None:
        super().__init__(("127.0.0.1", 0), _Line)
        self.oracle = oracle

    def handle_error(self, request: object, client_address: object) -> None:
        """Say nothing: reporters are killed in the middle of a line, which is what the bench does."""


def main(file: str) -> None:
    """Serve until standard input ends, which it does when the bench does."""
    with _Server(Oracle(Path(file))) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        print(server.server_address[1], flush=True)  # noqa: T201 - this is how the bench learns it
        sys.stdin.read()
        server.shutdown()


if __name__ == "__main__":
    main(sys.argv[1])
