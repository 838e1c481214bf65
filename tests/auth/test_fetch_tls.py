"""The fetch of certificates over TLS, and by a proxy: both real, on this machine."""

from __future__ import annotations

import ssl
from collections.abc import Callable
from itertools import chain, repeat
from pathlib import Path

import pytest

from taskhandler.auth.fetch import fetch_over_http
from taskhandler.auth.fetch_response import Fetched
from tests.auth import tls_certificates
from tests.auth.misbehaving_servers import (
    ENDLESS,
    FETCH_SECONDS,
    LONG,
    OK,
    SLOW,
    TEST_TIMEOUT_SECONDS,
    Talk,
    over_tls,
    repeats,
    says,
    serving,
    silent,
    trickles,
    trickles_a_handshake,
    tunnels,
)


@pytest.fixture
def trusted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ssl.SSLContext:
    """A server's context whose certificate this process trusts."""
    authority, chain = tls_certificates.made(tmp_path)
    monkeypatch.setenv("SSL_CERT_FILE", str(authority))
    for name in ("https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(chain)
    return context


def test_an_answer_over_tls_is_read(trusted: ssl.SSLContext):
    talk = over_tls(trusted, says(OK + b"Content-Length: 2\r\n\r\n{}"))
    with serving(talk) as server:
        assert fetch_over_http(f"https://127.0.0.1:{server.port}/", TEST_TIMEOUT_SECONDS) == Fetched(
            b"{}", 60
        )


def test_a_server_whose_certificate_no_authority_signed_is_refused(
    trusted: ssl.SSLContext, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.delenv("SSL_CERT_FILE")
    talk = over_tls(trusted, says(OK + b"Content-Length: 2\r\n\r\n{}"))
    with serving(talk) as server, pytest.raises(ssl.SSLError, match="CERTIFICATE_VERIFY_FAILED"):
        fetch_over_http(f"https://127.0.0.1:{server.port}/", TEST_TIMEOUT_SECONDS)


def test_a_server_whose_certificate_has_another_name_is_refused(trusted: ssl.SSLContext):
    talk = over_tls(trusted, says(OK + b"Content-Length: 2\r\n\r\n{}"))
    with serving(talk) as server, pytest.raises(ssl.SSLError, match="mismatch"):
        fetch_over_http(f"https://localhost:{server.port}/", TEST_TIMEOUT_SECONDS)


@pytest.mark.parametrize(
    "name", ["silent", "silent after the headers", "trickles the headers", "trickles the body"]
)
def test_a_slow_answer_over_tls_is_given_up_at_the_deadline(trusted: ssl.SSLContext, name: str):
    with serving(over_tls(trusted, SLOW[name])) as server:
        with pytest.raises(OSError, match="timed out"):
            fetch_over_http(f"https://127.0.0.1:{server.port}/", FETCH_SECONDS)
        assert server.left.wait(TEST_TIMEOUT_SECONDS)


@pytest.mark.parametrize("name", ["body", "headers", "trailers"])
def test_an_endless_answer_over_tls_is_given_up(trusted: ssl.SSLContext, name: str):
    with serving(over_tls(trusted, ENDLESS[name])) as server:
        with pytest.raises((OSError, ValueError), match=r"longer|not HTTP"):
            fetch_over_http(f"https://127.0.0.1:{server.port}/", TEST_TIMEOUT_SECONDS)
        assert server.left.wait(TEST_TIMEOUT_SECONDS)


@pytest.mark.parametrize("talk", [silent, trickles_a_handshake])
@pytest.mark.usefixtures("trusted")
def test_a_slow_tls_handshake_is_given_up_at_the_deadline(talk: Talk):
    with serving(talk) as server:
        with pytest.raises(OSError, match="timed out"):
            fetch_over_http(f"https://127.0.0.1:{server.port}/", FETCH_SECONDS)
        assert server.left.wait(TEST_TIMEOUT_SECONDS)


def test_a_proxy_of_the_environment_is_used_over_tls(
    trusted: ssl.SSLContext, monkeypatch: pytest.MonkeyPatch
):
    established = b"HTTP/1.1 200 Connection established\r\n\r\n"
    talk = tunnels(trusted, established, says(OK + b"Content-Length: 2\r\n\r\n{}"))
    with serving(talk) as proxy:
        monkeypatch.setenv("https_proxy", f"http://user:password@127.0.0.1:{proxy.port}")
        monkeypatch.setenv("no_proxy", "")
        assert fetch_over_http("https://127.0.0.1:9/", TEST_TIMEOUT_SECONDS) == Fetched(b"{}", 60)


@pytest.mark.parametrize(
    ("talk", "deadline", "said"),
    [
        (silent, FETCH_SECONDS, "timed out"),
        (trickles(b"HTTP/1.1 200 OK\r\nX-Slow: ", LONG), FETCH_SECONDS, "timed out"),
        (repeats(b"HTTP/1.1 200 OK\r\n", b"X-Header: x\r\n"), TEST_TIMEOUT_SECONDS, "longer|not HTTP"),
        (says(b"HTTP/1.1 407 Proxy Authentication Required\r\n\r\n"), TEST_TIMEOUT_SECONDS, "407"),
    ],
    ids=["silent", "trickles", "endless", "refuses"],
)
@pytest.mark.usefixtures("trusted")
def test_a_misbehaving_proxy_is_given_up_at_the_deadline(
    monkeypatch: pytest.MonkeyPatch, talk: Talk, deadline: float, said: str
):
    with serving(talk) as proxy:
        monkeypatch.setenv("https_proxy", f"http://127.0.0.1:{proxy.port}")
        monkeypatch.setenv("no_proxy", "")
        with pytest.raises((OSError, ValueError), match=said):
            fetch_over_http("https://127.0.0.1:9/", deadline)
        assert proxy.left.wait(TEST_TIMEOUT_SECONDS)


def clock_that_jumps(after: int) -> Callable[[], float]:
    """A clock that stands still for `after` looks, and is past every deadline then."""
    return chain(repeat(0.0, after), repeat(1_000.0)).__next__


@pytest.mark.usefixtures("trusted")
def test_a_tls_handshake_has_the_time_that_connecting_left_of_the_deadline():
    with serving(silent) as server, pytest.raises(TimeoutError, match="the fetch as a whole took too long"):
        fetch_over_http(f"https://127.0.0.1:{server.port}/", FETCH_SECONDS, clock=clock_that_jumps(after=2))


@pytest.mark.usefixtures("trusted")
def test_a_tls_handshake_has_the_time_that_the_proxy_left_of_the_deadline(monkeypatch: pytest.MonkeyPatch):
    with serving(says(b"HTTP/1.1 200 OK\r\n\r\n")) as proxy:
        monkeypatch.setenv("https_proxy", f"http://127.0.0.1:{proxy.port}")
        monkeypatch.setenv("no_proxy", "")
        with pytest.raises(TimeoutError, match="the fetch as a whole took too long"):
            fetch_over_http("https://127.0.0.1:9/", FETCH_SECONDS, clock=clock_that_jumps(after=4))
