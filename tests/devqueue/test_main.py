"""`python -m taskhandler.devqueue`."""

from __future__ import annotations

import json
import signal
import subprocess
import sys

import grpc  # type: ignore[import-untyped]  # grpcio ships no types
import pytest
from google.cloud import tasks_v2
from google.cloud.tasks_v2.services.cloud_tasks.transports import CloudTasksGrpcTransport

QUEUE = "projects/p/locations/l/queues/q"
# google-api-core warns of every Python that nears its end of life
COMMAND = [sys.executable, "-W", "ignore::FutureWarning", "-m", "taskhandler.devqueue"]


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_it_says_where_it_is_and_ends_politely(number: signal.Signals):
    with subprocess.Popen(
        [*COMMAND, "--seed", "7", "--queue", QUEUE], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as running:
        assert running.stdout is not None
        ready = json.loads(running.stdout.readline())
        with grpc.insecure_channel(ready["grpc"]) as channel:
            client = tasks_v2.CloudTasksClient(transport=CloudTasksGrpcTransport(channel=channel))
            assert client.get_queue(name=QUEUE).name == QUEUE
        running.send_signal(number)
        assert running.communicate(timeout=10) == ("", "")
    assert running.returncode == 0
    assert ready["certs_url"] == ready["http"] + "/oauth2/v1/certs"


def test_help_tells_how_to_use_it():
    helped = subprocess.run([*COMMAND, "--help"], check=True, capture_output=True, text=True)
    for word in ("--http-port", "--seed", "--queue", "/_/faults", "CloudTasksClient"):
        assert word in helped.stdout
