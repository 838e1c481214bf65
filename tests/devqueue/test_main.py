"""`python -m taskhandler.devqueue`."""

from __future__ import annotations

import json
import signal
import socket
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager

import grpc  # type: ignore[import-untyped]  # grpcio ships no types
import pytest
from google.cloud import tasks_v2
from google.cloud.tasks_v2.services.cloud_tasks.transports import CloudTasksGrpcTransport

from taskhandler.devqueue.__main__ import main

from .target import PATIENCE_SECONDS

QUEUE = "projects/p/locations/l/queues/q"
# google-api-core warns of every Python that nears its end of life
COMMAND = [sys.executable, "-W", "ignore::FutureWarning", "-m", "taskhandler.devqueue"]


@contextmanager
def started(*options: str) -> Iterator[subprocess.Popen[str]]:
    """The program, which is ended with the context if it has not ended before."""
    pipe = subprocess.PIPE
    with subprocess.Popen([*COMMAND, *options], stdout=pipe, stderr=pipe, text=True) as running:
        try:
            yield running
        finally:
            running.kill()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_it_says_where_it_is_and_ends_politely(number: signal.Signals):
    with started("--seed", "7", "--queue", QUEUE) as running:
        assert running.stdout is not None
        ready = json.loads(running.stdout.readline())
        with grpc.insecure_channel(ready["grpc"]) as channel:
            client = tasks_v2.CloudTasksClient(transport=CloudTasksGrpcTransport(channel=channel))
            assert client.get_queue(name=QUEUE).name == QUEUE
        running.send_signal(number)
        assert running.communicate(timeout=PATIENCE_SECONDS) == ("", "")
    assert running.returncode == 0
    assert ready["certs_url"] == ready["http"] + "/oauth2/v1/certs"


def test_listening_beyond_this_machine_is_a_warning_on_stderr_and_other_names_must_be_allowed():
    allowed = ("--allow-host", "queue", "--allow-host", "tasks.internal")
    with started("--host", "0.0.0.0", *allowed) as running:
        assert running.stdout is not None
        ready = json.loads(running.stdout.readline())
        named = [status(ready["http"], host) for host in ("queue:1", "tasks.internal", "evil.example")]
        running.send_signal(signal.SIGTERM)
        _, said = running.communicate(timeout=PATIENCE_SECONDS)
    assert named == [200, 200, 403]
    assert ready["http"].startswith("http://127.0.0.1:")
    assert said.count("\n") == 1
    assert "other machines may reach" in said


def status(http: str, host: str) -> int:
    asked = urllib.request.Request(f"{http}/_/stats", headers={"Host": host})  # noqa: S310 - our own http URL
    try:
        with urllib.request.urlopen(asked, timeout=PATIENCE_SECONDS) as answer:  # noqa: S310 - the same
            return int(answer.status)
    except urllib.error.HTTPError as error:
        with error:
            return error.code


@pytest.mark.parametrize(
    ("options", "problem"),
    [
        (["--allow-host", "queue:8124"], "'queue:8124' is not a host name"),
        (["--queue", "a/b"], "Queue name must be formatted"),
        (["--queue", QUEUE, "--queue", QUEUE], "Queue already exists"),
        (["--port", "65536"], "'65536': must be an integer from 0 to 65535"),
        (["--http-port", "-1"], "'-1': must be an integer from 0 to 65535"),
        (["--http-port", "9" * 5000], "must be an integer from 0 to 65535"),
        (["--host", "nobody.invalid"], "error:"),
        (["--seed", "x"], "invalid int value"),
    ],
)
def test_what_cannot_be_started_is_said_in_a_line_without_a_traceback(
    options: list[str], problem: str, capsys: pytest.CaptureFixture[str]
):
    with pytest.raises(SystemExit, match=r"^2$"):
        main(options)
    shown = capsys.readouterr()
    assert shown.out == ""
    assert problem in shown.err.splitlines()[-1]


@pytest.mark.parametrize("option", ["--port", "--http-port"])
def test_a_port_that_is_taken_is_said_in_a_line_without_a_traceback(
    option: str, capsys: pytest.CaptureFixture[str]
):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        with pytest.raises(SystemExit, match=r"^2$"):
            main([option, port])
    shown = capsys.readouterr()
    assert shown.out == ""
    assert port in shown.err.splitlines()[-1]


def test_help_tells_how_to_use_it():
    helped = subprocess.run([*COMMAND, "--help"], check=True, capture_output=True, text=True)
    for word in ("--http-port", "--allow-host", "--seed", "--queue", "/_/faults", "CloudTasksClient"):
        assert word in helped.stdout
