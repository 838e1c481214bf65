"""A real HTTP server for deliveries: it records what it is sent, and answers as a test chooses."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

PATIENCE_SECONDS = 60
"""A guard against tests that hang. What a test must not wait for has to be due much later."""


@dataclass(frozen=True)
class Seen:
    """One request; the names of its headers are in lower case."""

    number: int
    method: str
    path: str
    headers: dict[str, str]
    body: bytes

    def task_header(self, word: str) -> str | None:
        """Return the value of the header `X-CloudTasks-` with this ending."""
        return self.headers.get(f"x-cloudtasks-{word}".lower())


@dataclass(frozen=True)
class Reply:
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)


Answering = Callable[[Seen], Reply]


class Target:
    """Listens on a free port; `answering` may be changed at any time.

    A request is put into `seen` before it is answered: a test that has waited for the answer finds it there.
    A test whose delivery is given up without an answer must wait for the handler itself.
    """

    def __init__(self) -> None:
        self.seen: list[Seen] = []
        self.answering: Answering = lambda _: Reply()
        self._lock = threading.Lock()
        self._server = _Server(("127.0.0.1", 0), self._handler())
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.01,))
        self._thread.start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_port}/tasks/run"

    def answer(self, *statuses: int) -> None:
        """Answer with these statuses in order, then with 200."""
        self.answering = lambda seen: Reply(statuses[seen.number] if seen.number < len(statuses) else 200)

    def close(self) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    def _see(self, handler: BaseHTTPRequestHandler) -> Seen:
        body = handler.rfile.read(int(handler.headers.get("Content-Length", "0")))
        headers = {name.lower(): value for name, value in handler.headers.items()}
        with self._lock:
            seen = Seen(len(self.seen), handler.command, handler.path, headers, body)
            self.seen.append(seen)
        return seen

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        target = self

        class Handler(BaseHTTPRequestHandler):
            def handle_one_request(self) -> None:
                self.raw_requestline = self.rfile.readline(65537)
                if self.parse_request():
                    self._answer(target.answering(target._see(self)))

            def _answer(self, reply: Reply) -> None:
                self.send_response(reply.status)
                for name, value in reply.headers.items():
                    self.send_header(name, value)
                self.end_headers()

            def log_message(self, *_: object) -> None:
                """Log nothing."""

        return Handler


def until(held: Callable[[], object]) -> None:
    """Wait until `held` returns something true; fail after `PATIENCE_SECONDS`."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not held():
        assert time.monotonic() < deadline, "the condition was never met"
        threading.Event().wait(0.01)


class _Server(ThreadingHTTPServer):
    daemon_threads = False
    request_queue_size = 128

    def handle_error(self, *_: object) -> None:
        """Ignore a queue that hangs up early."""
