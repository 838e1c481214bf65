"""The HTTP side."""

from __future__ import annotations

import json
import socket
import urllib.error
import urllib.request
from typing import Any
from urllib.parse import urlsplit

import pytest
from cryptography import x509
from google.cloud import tasks_v2

from taskhandler.devqueue import LocalQueue

from .making import create
from .target import Target

Client = tasks_v2.CloudTasksClient


def ask(queue: LocalQueue, path: str, body: object = None) -> Any:  # noqa: ANN401 - JSON
    """Return the JSON that a GET, or with a body a POST, is answered with."""
    raw = None if body is None else json.dumps(body).encode()
    with urllib.request.urlopen(queue.http + path, raw) as answer:  # noqa: S310 - our own http URL
        return json.load(answer)


def refused(queue: LocalQueue, path: str, body: object = None) -> tuple[int, str]:
    with pytest.raises(urllib.error.HTTPError) as error:
        ask(queue, path, body)
    with error.value as answer:
        return answer.code, json.load(answer)["error"]


def test_certificates_are_served_in_googles_format(queue: LocalQueue):
    with urllib.request.urlopen(queue.certs_url) as answer:  # noqa: S310 - our own http URL
        assert "max-age=21600" in answer.headers["Cache-Control"]
        certs = json.load(answer)
    (kid,) = certs
    assert len(bytes.fromhex(kid)) == 20
    assert x509.load_pem_x509_certificate(certs[kid].encode()).public_key() is not None


def test_how_long_certificates_may_be_kept_can_be_told():
    with LocalQueue(seed=0, certs_max_age=3) as queue, urllib.request.urlopen(queue.certs_url) as answer:  # noqa: S310 - our own http URL
        assert "max-age=3," in answer.headers["Cache-Control"]


def test_a_rotation_publishes_another_certificate(queue: LocalQueue):
    before = set(ask(queue, "/oauth2/v1/certs"))
    kid = ask(queue, "/_/rotate", {})["kid"]
    assert set(ask(queue, "/oauth2/v1/certs")) == before | {kid}


def test_faults_are_set_over_http(queue: LocalQueue, client: Client, quick: str, target: Target):
    assert ask(queue, "/_/faults", {"duplicate": 1.0}) == {"duplicate": 1.0}
    create(client, quick, target, "t")
    assert ask(queue, "/_/wait?timeout=5") == {"quiet": True, "tasks": 0}
    assert [attempt["kind"] for attempt in ask(queue, "/_/attempts?task=t")] == ["delivery", "duplicate"]
    assert ask(queue, "/_/attempts?task=other") == []
    assert ask(queue, "/_/faults", {}) == {}


def test_stats_tell_the_seed_and_the_sums(queue: LocalQueue, client: Client, quick: str, target: Target):
    create(client, quick, target)
    ask(queue, "/_/wait?timeout=5")
    assert ask(queue, "/_/stats") == {
        "seed": 0,
        "sums": {"delivery": 1, "completed": 1},
        "queues": {quick: {"tasks": 0, "running": 0, "paused": False}},
    }


def test_a_wait_ends_with_its_time(queue: LocalQueue, client: Client, target: Target):
    name = queue.create_queue("slow", max_dispatches_per_second=0.001)
    for _ in range(11):
        create(client, name, target)
    assert ask(queue, "/_/wait?timeout=0.3") == {"quiet": False, "tasks": 1}


@pytest.mark.parametrize(
    ("path", "body", "status", "problem"),
    [
        ("/_/faults", {"duplikate": 1}, 400, "did you mean 'duplicate'"),
        ("/_/faults", [], 400, "a JSON object is wanted"),
        ("/_/faults", None, 405, "no GET /_/faults here"),
        ("/_/nothing", None, 404, "no GET /_/nothing here"),
        ("/_/wait?timeout=nan", None, 400, "seconds from 0"),
        ("/_/wait?timeout=soon", None, 400, "could not convert"),
    ],
)
def test_what_makes_no_sense_is_refused(
    queue: LocalQueue, path: str, body: object, status: int, problem: str
):
    code, error = refused(queue, path, body)
    assert code == status
    assert problem in error


@pytest.mark.parametrize(
    "raw",
    [
        b"nonsense\r\n\r\n",
        b"GET /_/stats HTTP/1.1\r\nContent-Length: -1\r\n\r\n",
        b"GET /_/stats HTTP/1.1\r\nContent-Length: 9999999\r\n\r\n",
    ],
)
def test_a_request_that_cannot_be_read_is_refused(queue: LocalQueue, raw: bytes):
    with socket.create_connection(("127.0.0.1", urlsplit(queue.http).port or 0), timeout=5) as line:
        line.sendall(raw)
        assert line.recv(100).startswith(b"HTTP/1.1 400 ")


def test_a_caller_that_hangs_up_does_no_harm(queue: LocalQueue):
    with socket.create_connection(("127.0.0.1", urlsplit(queue.http).port or 0)) as line:
        line.sendall(b"GET /_/st")
    assert ask(queue, "/_/stats")["seed"] == 0
