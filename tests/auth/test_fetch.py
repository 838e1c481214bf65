"""The fetch of certificates from addresses that misbehave: each is a real server on this machine."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from taskhandler.auth.fetch import LARGEST_BODY_BYTES, LARGEST_RESPONSE_BYTES, fetch_over_http
from taskhandler.auth.fetch_response import Fetched
from tests.auth import issuer
from tests.auth.misbehaving_servers import (
    ENDLESS,
    FETCH_SECONDS,
    OK,
    SLOW,
    TEST_TIMEOUT_SECONDS,
    read_request,
    says,
    serving,
    silent,
)


@pytest.fixture
def published() -> Iterator[issuer.Publisher]:
    with issuer.Publisher() as publisher:
        yield publisher


@pytest.mark.parametrize(
    ("control", "max_age"),
    [
        ("public, max-age=21000, must-revalidate, no-transform", 21000),
        ("max-age=0", 0),
        ('private,MAX-AGE="60"', 60),
        ("s-maxage=60", None),
        ("x-max-age=60", None),
        ("max-age=soon", None),
        ("max-age=-1", None),
        ("no-store", None),
        ("", None),
    ],
)
def test_the_max_age_of_an_answer_is_returned(
    published: issuer.Publisher, control: str, max_age: float | None
) -> None:
    published.headers = {"Cache-Control": control}
    assert fetch_over_http(published.url, TEST_TIMEOUT_SECONDS) == Fetched(published.body, max_age)


def test_an_answer_without_cache_control_is_read(published: issuer.Publisher) -> None:
    published.headers = {}
    assert fetch_over_http(published.url, TEST_TIMEOUT_SECONDS).max_age is None


@pytest.mark.parametrize("status", [301, 302, 307, 308, 400, 404, 429, 500, 503])
def test_a_status_other_than_200_is_a_failure_and_redirects_are_not_followed(
    published: issuer.Publisher, status: int
) -> None:
    published.status, published.headers = status, {"Location": published.url}
    with pytest.raises(OSError, match=str(status)):
        fetch_over_http(published.url, TEST_TIMEOUT_SECONDS)
    assert published.asked == 1


def test_an_endless_answer_is_a_failure(published: issuer.Publisher) -> None:
    published.body = b"x" * (LARGEST_BODY_BYTES + 1)
    with pytest.raises(ValueError, match="longer"):
        fetch_over_http(published.url, TEST_TIMEOUT_SECONDS)
    published.body = b"x" * LARGEST_BODY_BYTES
    assert fetch_over_http(published.url, TEST_TIMEOUT_SECONDS).body == published.body


def test_an_answer_of_too_many_headers_is_a_failure(published: issuer.Publisher) -> None:
    published.headers = {f"X-{number}": "too many headers" for number in range(101)}
    with pytest.raises(OSError, match="HTTP"):
        fetch_over_http(published.url, TEST_TIMEOUT_SECONDS)


def test_a_fetch_that_gets_no_answer_ends_with_its_time_out(published: issuer.Publisher) -> None:
    published.open.clear()
    with pytest.raises(OSError, match="timed out"):
        fetch_over_http(published.url, FETCH_SECONDS)


def test_a_proxy_of_the_environment_is_not_used_for_this_machine(
    published: issuer.Publisher, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")
    monkeypatch.delenv("no_proxy", raising=False)
    assert fetch_over_http(published.url, TEST_TIMEOUT_SECONDS).body == published.body


@pytest.mark.parametrize("name", SLOW)
def test_a_slow_answer_is_given_up_at_the_deadline_and_its_connection_closed(name: str):
    with serving(SLOW[name]) as server:
        with pytest.raises(OSError, match="timed out"):
            fetch_over_http(f"http://127.0.0.1:{server.port}/", FETCH_SECONDS)
        assert server.left.wait(TEST_TIMEOUT_SECONDS)


@pytest.mark.parametrize("name", ENDLESS)
def test_an_endless_answer_is_given_up_and_its_connection_is_closed(name: str):
    with serving(ENDLESS[name]) as server:
        with pytest.raises((OSError, ValueError), match=r"longer|not HTTP"):
            fetch_over_http(f"http://127.0.0.1:{server.port}/", TEST_TIMEOUT_SECONDS)
        assert server.left.wait(TEST_TIMEOUT_SECONDS)


def test_an_address_that_never_accepts_is_given_up_at_the_deadline():
    with socket.create_server(("127.0.0.1", 0), backlog=1) as listener:
        port = listener.getsockname()[1]
        with pytest.raises(OSError, match="timed out"):
            fetch_over_http(f"http://127.0.0.1:{port}/", FETCH_SECONDS)


def test_an_address_with_a_full_backlog_is_given_up_at_the_deadline():
    with socket.create_server(("127.0.0.1", 0), backlog=0) as listener:
        where = listener.getsockname()
        crowd = [socket.socket() for _ in range(4)]
        for each in crowd:
            each.setblocking(False)  # noqa: FBT003 - the signature is socket's
            each.connect_ex(where)
        with pytest.raises(OSError, match="timed out"):
            fetch_over_http(f"http://127.0.0.1:{where[1]}/", FETCH_SECONDS)
        for each in crowd:
            each.close()


def test_a_deadline_that_has_passed_before_the_connection_is_a_time_out():
    clock = iter([0.0, 100.0]).__next__
    with serving(silent) as server, pytest.raises(OSError, match="timed out"):
        fetch_over_http(f"http://127.0.0.1:{server.port}/", FETCH_SECONDS, clock=clock)


def test_the_second_address_of_a_host_is_tried_when_the_first_refuses():
    with serving(says(OK + b"Content-Length: 2\r\n\r\n{}")) as server:  # listens on IPv4 alone
        assert fetch_over_http(f"http://localhost:{server.port}/", TEST_TIMEOUT_SECONDS) == Fetched(b"{}", 60)


def test_an_answer_in_chunks_is_read():
    answer = OK + b"Transfer-Encoding: chunked\r\n\r\n1\r\n{\r\n1\r\n}\r\n0\r\n\r\n"
    with serving(says(answer)) as server:
        assert fetch_over_http(f"http://127.0.0.1:{server.port}/", TEST_TIMEOUT_SECONDS) == Fetched(b"{}", 60)


@pytest.mark.parametrize("answer", [b"", b"\0" * 100, b"HTTP/9.9 nonsense\r\n\r\n", b"SSH-2.0-OpenSSH\r\n"])
def test_an_answer_that_is_not_http_is_a_failure(answer: bytes):
    def talk(connection: socket.socket, _over: threading.Event) -> None:
        read_request(connection)
        connection.sendall(answer)
        connection.shutdown(socket.SHUT_WR)

    with serving(talk) as server, pytest.raises(OSError, match="not HTTP"):
        fetch_over_http(f"http://127.0.0.1:{server.port}/", TEST_TIMEOUT_SECONDS)


def test_eight_simultaneous_fetches_each_have_their_own_deadline_and_limit():
    with issuer.Publisher() as publisher, ThreadPoolExecutor(8) as threads:
        publisher.body = b"x" * LARGEST_BODY_BYTES
        fetched = list(threads.map(lambda _: fetch_over_http(publisher.url, TEST_TIMEOUT_SECONDS), range(8)))
    assert {len(each.body) for each in fetched} == {LARGEST_BODY_BYTES}
    assert LARGEST_BODY_BYTES < LARGEST_RESPONSE_BYTES
