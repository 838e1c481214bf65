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
# google-api-core warns if this Python nears its end of life
COMMAND = [sys.executable, "-W", "ignore::FutureWarning", "-m", "taskhandler.devqueue"]


@contextmanager
def started(*options: str) -> Iterator[subprocess.Popen[str]]:
    """Run the program; when the context ends, so does the program."""
    pipe = subprocess.PIPE
    with subprocess.Popen([*COMMAND, *options], stdout=pipe, stderr=pipe, text=True) as running:
        try:
            yield running
        finally:
            running.kill()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_the_command_prints_its_addresses_and_exits_with_0_on_a_signal(number: signal.Signals):
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


def test_the_command_on_all_interfaces_warns_on_stderr_and_refuses_other_host_names():
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
def test_a_bad_option_ends_the_command_with_one_line_and_exit_code_2(
    options: list[str], problem: str, capsys: pytest.CaptureFixture[str]
):
    with pytest.raises(SystemExit, match=r"^2$"):
        main(options)
    shown = capsys.readouterr()
    assert shown.out == ""
    assert problem in shown.err.splitlines()[-1]


@pytest.mark.parametrize("option", ["--port", "--http-port"])
def test_a_taken_port_ends_the_command_with_one_line_and_exit_code_2(
    option: str, capsys: pytest.CaptureFixture[str]
):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        with pytest.raises(SystemExit, match=r"^2$"):
            main([option, port])
    shown = capsys.readouterr()
    assert shown.out == ""
    assert port in shown.err.splitlines()[-1]


def test_help_names_the_options_and_the_routes():
    helped = subprocess.run([*COMMAND, "--help"], check=True, capture_output=True, text=True)
    for word in ("--http-port", "--allow-host", "--seed", "--queue", "/_/faults", "CloudTasksClient"):
        assert word in helped.stdout
