"""Requests of any kind, byte by byte: each is answered in JSON with the right status, or not at all."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from taskhandler.devqueue import LocalQueue
from taskhandler.devqueue.http_server import LARGEST_BODY_BYTES, LARGEST_HEAD_BYTES

from .http_calls import ask, connected, read_answer, request, sent
from .sample_tasks import http_task

JSON = "Content-Type: application/json"
CHUNKED = "Transfer-Encoding: chunked"


@pytest.fixture(scope="module")
def asked() -> Iterator[LocalQueue]:
    """One queue for all requests of this file, which must survive them all."""
    with LocalQueue(seed=0) as running:
        yield running
        assert ask(running, "/_/stats")["seed"] == 0


@pytest.fixture(autouse=True)
def silent(caplog: pytest.LogCaptureFixture) -> Iterator[None]:
    """Fail if a request is logged as a warning or an error."""
    caplog.set_level(logging.WARNING)
    yield
    assert [record.getMessage() for record in caplog.records] == []


@pytest.mark.parametrize(
    ("raw", "status"),
    [
        (b"nonsense\r\n\r\n", 400),
        (b"\r\n\r\n", 400),
        (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n", 400),
        (b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 400),
        (b"GET /_/stats HTTP/1.1\r\n\r\n", 400),
        (b"GET /_/stats HTTP/1.0\r\n\r\n", 400),
        (b"GET /_/stats HTTP/1.1\r\nHost: localhost\r\nHost: localhost\r\n\r\n", 400),
        (b"GET /_/stats HTTP/1.1\r\nHost: localhost\r\nno colon\r\n\r\n", 400),
        (b"GET /_/stats HTTP/1.1\r\nHost: localhost\r\nX: \x00\r\n\r\n", 400),
        (b"GET /_/st\xc3\xa4ts HTTP/1.1\r\nHost: localhost\r\n\r\n", 400),
        (b"GET /_/st ats HTTP/1.1\r\nHost: localhost\r\n\r\n", 400),
        (b"GET http://localhost/_/stats HTTP/1.1\r\nHost: localhost\r\n\r\n", 400),
        (b"CONNECT localhost:80 HTTP/1.1\r\nHost: localhost\r\n\r\n", 400),
        (b"OPTIONS * HTTP/1.1\r\nHost: localhost\r\n\r\n", 400),
        (request("GET", "/_/stats", host="evil.example"), 403),
        (request("GET", "//evil.example/_/stats"), 404),
        (request("GET", "/_/stats/"), 404),
        (request("GET", "/_/%73tats"), 404),
        (request("GET", "/_/stats#x"), 404),
        (request("GET", "/"), 404),
        (request("FETCH", "/_/stats"), 405),
        (request("POST", "/_/stats", JSON), 405),
        (request("GET", "/_/stats", "Content-Length: -1"), 400),
        (request("GET", "/_/stats", "Content-Length: 1_0"), 400),
        (request("GET", "/_/stats", "Content-Length: 1", "Content-Length: 2"), 400),
        (request("GET", "/_/stats", "Content-Length: " + "9" * 19), 413),
        (request("GET", "/_/stats", "Content-Length: " + "9" * 5000), 400),
        (request("POST", "/_/rotate", JSON, f"Content-Length: {LARGEST_BODY_BYTES + 1}"), 413),
        (request("POST", "/_/rotate", JSON, "Transfer-Encoding: gzip"), 501),
        (request("POST", "/_/rotate", JSON, CHUNKED) + b"zz\r\n", 400),
        (request("POST", "/_/rotate", JSON, CHUNKED) + b"2\r\nabcd", 400),
        (request("POST", "/_/rotate", JSON, CHUNKED) + b"f" * 100 + b"\r\n", 400),
        (request("POST", "/_/rotate", JSON, CHUNKED) + b"1;" + b"x" * LARGEST_HEAD_BYTES, 431),
        (request("GET", "/_/stats", "X: " + "x" * LARGEST_HEAD_BYTES), 431),
        (request("GET", "/_/stats", *[f"X-{n}: {n}" for n in range(10_000)]), 431),
        (request("GET", "/_/stats?" + "x" * LARGEST_HEAD_BYTES), 431),
    ],
)
def test_a_malformed_request_is_answered_with_its_status_and_reason(
    asked: LocalQueue, raw: bytes, status: int
):
    answer = sent(asked, raw)
    assert answer is not None
    assert answer.status == status
    assert list(answer.content) == ["error"]


def test_a_truncated_request_is_answered_400(asked: LocalQueue):
    whole = request("POST", "/_/faults", JSON, body=b'{"duplicate": 0}')
    for cut in (1, 10, 30, len(whole) - 1):
        answer = sent(asked, whole[:cut], end=True)
        assert answer is not None
        assert answer.status == 400


def test_a_connection_without_a_request_is_closed_without_a_reply(asked: LocalQueue):
    assert sent(asked, b"", end=True) is None


def test_a_body_in_chunks_is_read(asked: LocalQueue):
    chunks = b'5\r\n{"dup\r\nc;x=y\r\nlicate": 0.5\r\n1\r\n}\r\n0\r\nTrailer: x\r\n\r\n'
    answer = sent(asked, request("POST", "/_/faults", JSON, CHUNKED) + chunks)
    assert answer is not None
    assert (answer.status, answer.content) == (200, {"duplicate": 0.5})


def test_endless_chunks_are_answered_413_which_the_sender_can_read(asked: LocalQueue):
    chunk = b"10000\r\n" + b" " * (1 << 16) + b"\r\n"
    answer = sent(asked, request("POST", "/_/faults", JSON, CHUNKED) + chunk * 32)
    assert answer is not None
    assert answer.status == 413


def test_a_content_length_above_the_limit_is_answered_413_before_the_body_has_arrived(asked: LocalQueue):
    answer = sent(asked, request("POST", "/_/faults", JSON, body=b" " * (2 << 20)))
    assert answer is not None
    assert answer.status == 413


def test_a_body_of_exactly_the_limit_is_read(asked: LocalQueue):
    answer = sent(asked, request("POST", "/_/faults", JSON, body=b"{}".ljust(LARGEST_BODY_BYTES)))
    assert answer is not None
    assert (answer.status, answer.content) == (200, {})


def test_a_refusal_is_sent_without_waiting_for_the_body(asked: LocalQueue):
    answer = sent(asked, request("POST", "/_/rotate", "Content-Length: 9", JSON, host="evil.example"))
    assert answer is not None
    assert answer.status == 403


def test_a_caller_that_expects_100_continue_receives_it(asked: LocalQueue):
    with connected(asked) as line:
        line.sendall(request("POST", "/_/faults", JSON, "Expect: 100-continue", "Content-Length: 2"))
        assert line.recv(100) == b"HTTP/1.1 100 Continue\r\n\r\n"
        line.sendall(b"{}")
        answer = read_answer(line)
    assert answer is not None
    assert (answer.status, answer.content) == (200, {})


def test_the_reply_to_head_has_no_body(asked: LocalQueue):
    answer = sent(asked, request("HEAD", "/_/stats"))
    assert answer is not None
    assert (answer.status, answer.body) == (405, b"")


def test_a_second_request_on_a_connection_is_ignored(asked: LocalQueue):
    answer = sent(asked, request("GET", "/_/stats") + request("GET", "/_/nothing"))
    assert answer is not None
    assert answer.status == 200
    assert answer.content["seed"] == 0


def test_a_caller_that_hangs_up_leaves_the_server_answering(asked: LocalQueue):
    for part in (b"", b"GET /_/st", request("GET", "/_/stats"), request("GET", "/_/wait?timeout=3600")):
        with connected(asked) as line:
            line.sendall(part)
    assert ask(asked, "/_/stats")["seed"] == 0


@given(
    raw=st.binary(max_size=300)
    | st.text(alphabet=" \r\n:/?#[]@;,GETPOSHVhost0123", max_size=300).map(str.encode)
)
@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_bytes_are_answered_with_an_error_in_json_or_not_at_all(asked: LocalQueue, raw: bytes):
    answer = sent(asked, raw, end=True)
    assert answer is None or (400 <= answer.status < 500 and list(answer.content) == ["error"])


VALUES = st.text(st.characters(min_codepoint=1, max_codepoint=255), max_size=60)
HEADERS = st.sampled_from(
    ["Host", "Origin", "Sec-Fetch-Site", "Content-Type", "Content-Length", "Transfer-Encoding", "Expect", "X"]
)


@given(
    method=st.sampled_from(["GET", "POST", "PUT", "HEAD", "OPTIONS"]),
    path=st.sampled_from(["/_/faults", "/_/rotate", "/_/stats", "/_/attempts?task=", "/_/wait?timeout="]),
    query=st.text(st.characters(min_codepoint=33, max_codepoint=126), max_size=20),
    headers=st.lists(st.tuples(HEADERS, VALUES).map(": ".join), max_size=5),
    body=st.binary(max_size=100),
)
@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_request_is_answered_in_json(
    asked: LocalQueue, method: str, path: str, query: str, headers: list[str], body: bytes
):
    answer = sent(asked, request(method, path + query, *headers, body=body), end=True)
    if answer is not None and method != "HEAD":
        assert answer.status < 502
        json.loads(answer.body)


@given(
    body=st.binary(max_size=200)
    | st.recursive(st.none() | st.floats() | st.text(), st.lists).map(json.dumps).map(str.encode)
)
@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_body_of_faults_is_accepted_or_answered_400(asked: LocalQueue, body: bytes):
    answer = sent(asked, request("POST", "/_/faults", JSON, body=body))
    assert answer is not None
    assert answer.status in {200, 400}


def test_many_requests_at_once_are_all_answered(asked: LocalQueue):
    with ThreadPoolExecutor(16) as pool:
        answers = list(pool.map(lambda _: ask(asked, "/_/stats")["seed"], range(64)))
    assert answers == [0] * 64


def test_a_local_queue_can_be_closed_while_callers_wait():
    with LocalQueue(seed=0) as queue:
        name = queue.create_queue("q", min_backoff=1800)
        due_again = http_task("http://127.0.0.1:9/nobody-listens")
        queue.client().create_task(parent=name, task=due_again)
        parts = (b"", b"GET /_/st", request("GET", "/_/wait?timeout=3600"))
        waiting = [connected(queue) for _ in parts]
        for line, part in zip(waiting, parts, strict=True):
            line.sendall(part)
        assert ask(queue, "/_/wait?timeout=60")["tasks"] == 1
    for line in waiting:
        with line:
            assert read_answer(line) is None
