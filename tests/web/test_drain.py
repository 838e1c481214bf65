"""A worker that is to stop drains."""

from __future__ import annotations

import http.client
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from taskhandler.web.drain import Drain
from tests.mirror import ROOT

TIMEOUT_SECONDS = 60.0


@contextmanager
def gunicorn(*options: str) -> Iterator[tuple[http.client.HTTPConnection, subprocess.Popen[bytes]]]:
    """One worker of a real gunicorn, and a connection to it."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listening = ["--bind", f"fd://{listener.fileno()}", "--no-control-socket", "--log-level", "error"]
        server = subprocess.Popen(
            [sys.executable, "-m", "gunicorn", "tests.web.draining_app:app", *listening, *options],
            cwd=ROOT,
            pass_fds=[listener.fileno()],
        )
        connection = http.client.HTTPConnection(
            "127.0.0.1", listener.getsockname()[1], timeout=TIMEOUT_SECONDS
        )
        try:
            yield connection, server
        finally:
            connection.close()
            server.terminate()
            server.wait(TIMEOUT_SECONDS)


@pytest.mark.parametrize("loading", [(), ("--preload",)])
@pytest.mark.parametrize(
    "kind", [("--worker-class", "sync"), ("--worker-class", "gthread", "--threads", "2")]
)
def test_a_gunicorn_worker_that_got_sigterm_drains(kind: tuple[str, ...], loading: tuple[str, ...]):
    with gunicorn(*kind, *loading) as (connection, _):
        connection.request("GET", "/")
        answer = connection.getresponse()
        worker = int(answer.readline())
        os.kill(worker, signal.SIGTERM)
        assert answer.read() == b"draining"


@pytest.mark.parametrize(
    "kind", [("--worker-class", "sync"), ("--worker-class", "gthread", "--threads", "2")]
)
def test_a_worker_at_its_request_limit_still_runs_the_last_one(kind: tuple[str, ...]):
    with gunicorn(*kind, "--max-requests", "1") as (connection, _):
        connection.request("GET", "/now")
        assert connection.getresponse().read() == b"serving"


def test_workers_of_a_gunicorn_that_is_stopped_drain():
    with gunicorn("--worker-class", "gthread", "--threads", "2") as (connection, server):
        connection.request("GET", "/")
        answer = connection.getresponse()
        assert answer.readline()
        server.send_signal(signal.SIGTERM)
        assert answer.read() == b"draining"


def test_a_process_drains_once_drain_is_called():
    draining = Drain()
    assert not draining()
    draining.drain()
    assert draining()


class Caught:
    """A user's own handler of the signal: a method of an object whose `alive` means something else."""

    def __init__(self, alive: object) -> None:
        self.alive = alive

    def end(self, *_: object) -> None:
        """Nothing."""


@pytest.mark.parametrize(
    "theirs", [signal.SIG_DFL, signal.SIG_IGN, lambda *_: None, Caught("yes").end, Caught(alive=True).end]
)
def test_a_process_that_is_not_a_worker_never_drains_by_itself(theirs: signal.Handlers):
    before = signal.signal(signal.SIGTERM, theirs)
    try:
        assert not Drain()()
    finally:
        signal.signal(signal.SIGTERM, before)


@pytest.mark.parametrize("served", [{}, {"nr": 1}, {"nr": 1, "max_requests": 2}])
def test_a_worker_of_any_gunicorn_version_drains_when_it_is_to_end(served: dict[str, int]):
    worker = Caught(alive=False)
    vars(worker).update(served)
    before = signal.signal(signal.SIGTERM, worker.end)
    try:
        assert Drain()()
    finally:
        signal.signal(signal.SIGTERM, before)


def test_a_child_process_is_not_disturbed_by_a_drain_that_was_collected():
    code = "import os; from taskhandler.web.drain import Drain; Drain(); kept = Drain(); kept(); "
    code += "pid = os.fork(); os._exit(kept() if not pid else os.waitpid(pid, 0)[1])"
    assert subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=False).returncode == 0
