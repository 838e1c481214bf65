"""The HTTP client, against good receivers and bad ones on real sockets."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Callable
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from taskhandler.devqueue import http_client
from taskhandler.devqueue.task import Answer, Target
from taskhandler.devqueue.tokens import new_key

from .scripted_receiver import (
    HEAD_END,
    Script,
    answer_of,
    closes_after,
    exchange,
    reads_on_only_after,
    repeats_after,
    resets_after,
    stays_open_after,
)
from .target import PATIENCE_SECONDS

NO_CONTENT = b"HTTP/1.1 204 No Content\r\n\r\n"
SIZED = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
CHUNKED_HEAD = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
CHUNKED = CHUNKED_HEAD + b"2\r\nok\r\nA;x=y\r\n0123456789\r\n0\r\nTrailer: x\r\n\r\n"
INTERIM = b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n"
TOO_LARGE = b"HTTP/1.1 413 Too Large\r\nContent-Length: 2\r\n\r\nno"
LARGE_TARGET = Target("/x", body=b"x" * (16 << 20))  # more than the buffers of a connection hold


@pytest.mark.parametrize("raw", [NO_CONTENT, b"HTTP/1.0 204\r\n\r\n", b"HTTP/1.1 204 OK\nServer: x\n\n"])
def test_a_response_without_a_body_is_answered_with_its_status(raw: bytes):
    assert answer_of(stays_open_after(raw)) == Answer(204)


def test_an_answer_carries_the_retry_after_of_the_response():
    raw = b"HTTP/1.1 503 Wait\r\nretry-AFTER:  7 \r\nContent-Length: 2\r\n\r\nno"
    assert answer_of(closes_after(raw)) == Answer(503, retry_after="7")


@pytest.mark.parametrize("raw", [SIZED, CHUNKED, CHUNKED_HEAD + b"0\r\n\r\n"])
def test_a_body_with_a_length_or_in_chunks_ends_though_the_connection_stays_open(raw: bytes):
    assert answer_of(stays_open_after(raw)) == Answer(200)


def test_a_body_without_a_length_ends_when_the_connection_is_closed():
    assert answer_of(closes_after(b"HTTP/1.1 200 OK\r\n\r\n" + b"x" * 200_000)) == Answer(200)


def test_the_response_to_head_has_no_body_to_wait_for():
    raw = b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n"
    assert answer_of(stays_open_after(raw), target=Target("/x", "HEAD")) == Answer(200)


@pytest.mark.parametrize("times", [1, 1000])
def test_interim_responses_are_skipped_until_the_final_one(times: int):
    assert answer_of(stays_open_after(INTERIM * times + SIZED)) == Answer(200)


def test_a_switch_of_protocols_that_was_not_asked_for_counts_as_no_response():
    raw = b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: upgrade\r\n\r\n"
    assert "invalid HTTP/1.1" in str(answer_of(stays_open_after(raw)).error)


def test_what_follows_a_complete_response_is_ignored():
    assert answer_of(stays_open_after(SIZED + b"\0\0garbage")) == Answer(200)


@pytest.mark.parametrize("raw", [SIZED, INTERIM + CHUNKED])
def test_a_response_that_arrives_byte_by_byte_is_read_whole(raw: bytes):
    assert answer_of(closes_after(*(bytes([byte]) for byte in raw))) == Answer(200)


def test_a_response_sent_before_the_request_was_read_is_the_answer_and_the_rest_is_not_sent():
    async def answer_early() -> tuple[Answer, bytes]:
        done, rest = asyncio.Event(), asyncio.get_running_loop().create_future()
        answer, _ = await exchange(reads_on_only_after(TOO_LARGE, done, rest), target=LARGE_TARGET)
        done.set()
        return answer, await asyncio.wait_for(rest, PATIENCE_SECONDS)

    answer, rest = asyncio.run(answer_early())
    assert answer == Answer(413)
    assert len(rest) < len(LARGE_TARGET.body)


@pytest.mark.parametrize("script", [closes_after(TOO_LARGE), resets_after(TOO_LARGE)])
def test_an_early_response_counts_though_the_connection_then_breaks_under_the_request(script: Script):
    assert answer_of(script, target=LARGE_TARGET) == Answer(413)


@pytest.mark.parametrize("raw", [SIZED, INTERIM + CHUNKED], ids=["sized", "chunked"])
@pytest.mark.parametrize("ending", [closes_after, resets_after])
def test_a_response_cut_off_at_any_byte_counts_as_no_response(ending: Callable[[bytes], Script], raw: bytes):
    async def cut_off_everywhere() -> list[int | None]:
        return [(await exchange(ending(raw[:length])))[0].status for length in range(len(raw) + 1)]

    assert asyncio.run(cut_off_everywhere()) == [None] * len(raw) + [200]


def test_a_body_without_a_length_that_ends_with_a_reset_counts_as_no_response():
    assert "ConnectionResetError" in str(answer_of(resets_after(b"HTTP/1.1 200 OK\r\n\r\nhalf")).error)


@pytest.mark.parametrize(
    ("raw", "reason"),
    [
        (b"", "closed before the response was complete"),
        (b"HTTP/1.1 200 OK\r\n", "closed before the response was complete"),
        (INTERIM, "closed before the response was complete"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nshort", "received 5 bytes, expected 9"),
        (CHUNKED_HEAD + b"5\r\nab", "incomplete chunked read"),
        (CHUNKED_HEAD + b"2\r\nab\r\n", "incomplete chunked read"),
        (b"SSH-2.0\r\n\r\n", "illegal status line"),
        (b"\x16\x03\x01\x02\x00\r\n\r\n", "illegal status line"),
        (b"HTTP/1.1 OK\r\n\r\n", "illegal status line"),
        (b"HTTP/2 200 OK\r\n\r\n", "illegal status line"),
        (b"HTTP/1.1 200 OK\r\nno colon\r\n\r\n", "illegal header line"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: many\r\n\r\n", "bad Content-Length"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n", "bad Content-Length"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n", "conflicting Content-Length"),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip\r\n\r\n", "Transfer-Encoding"),
        (CHUNKED_HEAD + b"zz\r\n", "illegal chunk header"),
        (CHUNKED_HEAD + b"-5\r\n", "illegal chunk header"),
    ],
)
def test_a_response_that_cannot_be_read_is_an_answer_with_the_reason_and_no_status(raw: bytes, reason: str):
    answer = answer_of(closes_after(raw))
    assert answer.status is None
    assert reason in str(answer.error)


def test_a_head_of_half_the_limit_is_read():
    filler = b"X: " + b"x" * (http_client.LARGEST_HEAD_BYTES // 2)
    assert answer_of(stays_open_after(b"HTTP/1.1 204 OK\r\n" + filler + HEAD_END)) == Answer(204)


@pytest.mark.parametrize(
    "script",
    [
        repeats_after(b"HTTP/1.1 204 OK\r\nX: ", b"x" * 10_000),
        repeats_after(b"HTTP/1.1 204 OK\r\n", b"X-Filler: x\r\n" * 1000),
        repeats_after(b"", b"x" * 10_000),
        repeats_after(CHUNKED_HEAD + b"0\r\n", b"X-Trailer: x\r\n" * 1000),
    ],
    ids=["one header", "many headers", "no line end", "trailers"],
)
def test_a_head_without_end_counts_as_no_response_once_it_is_too_large(script: Script):
    assert "Receive buffer too long" in str(answer_of(script).error)


@pytest.mark.parametrize(
    "script",
    [
        stays_open_after(b""),
        stays_open_after(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nshort"),
        repeats_after(b"", INTERIM),
        repeats_after(b"HTTP/1.1 200 OK\r\n\r\n", b"x" * 10_000),
        repeats_after(CHUNKED_HEAD, b"2\r\nok\r\n"),
    ],
    ids=["silence", "half a body", "interim responses", "an endless body", "endless chunks"],
)
def test_a_response_that_is_not_complete_by_the_deadline_counts_as_no_response(script: Script):
    assert answer_of(script, deadline=0.1) == Answer(None, error="no response within 0.1 s")


def send(url: str, *headers: tuple[str, str]) -> Answer:
    return asyncio.run(http_client.send(Target(url), headers, deadline=1.0, tls=ssl.create_default_context))


@pytest.mark.parametrize("url", ["http://", "http://127.0.0.1:99999/", "http://[/", "http://127.0.0.1:1/"])
def test_a_url_that_cannot_be_connected_to_gets_no_response(url: str):
    answer = send(url)
    assert answer.status is None
    assert str(answer.error).startswith("no response: ")


def test_a_header_that_http_does_not_allow_is_not_sent():
    assert "cannot be sent as HTTP/1.1" in str(send("http://127.0.0.1:1/", ("X", "a\r\nb: c")).error)


def request_lines(target: Target, *headers: tuple[str, str]) -> list[bytes]:
    _, head = asyncio.run(exchange(stays_open_after(NO_CONTENT), target=target, headers=headers))
    return head.removesuffix(HEAD_END).split(b"\r\n")


def test_a_request_has_its_target_quoted_and_its_headers_as_they_were_given():
    target = Target("/a b/ä?q=ö%20#part", body=b"{}")
    first, host, *rest = request_lines(target, ("X-One", "1"), ("x-two", " ä\t2 "))
    assert first == b"POST /a%20b/%C3%A4?q=%C3%B6%20 HTTP/1.1"
    assert host.startswith(b"Host: 127.0.0.1:")
    assert rest == [b"X-One: 1", "x-two: ä\t2".encode(), b"Content-Length: 2", b"Connection: close"]


def test_a_request_carries_every_character_that_the_api_allows_in_a_header():
    name = "!#$%&'*+.^_`|~09AZaz-"
    value = "x\t" + "".join(chr(code) for code in range(0x20, 0x1000) if code != 0x7F)
    assert f"{name}: {value}".encode() in request_lines(Target("/"), (name, value))


def test_a_request_for_a_url_with_a_password_has_a_host_header_without_it():
    _, head = asyncio.run(exchange(stays_open_after(NO_CONTENT), base="http://user:secret@"))
    assert b"\r\nHost: 127.0.0.1:" in head


def test_a_request_for_a_url_without_a_path_asks_for_the_root():
    assert request_lines(Target(""))[0] == b"POST / HTTP/1.1"


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH"])
def test_an_empty_body_has_a_length_where_the_method_is_expected_to_have_one(method: str):
    assert b"Content-Length: 0" in request_lines(Target("/", method))


@pytest.mark.parametrize("method", ["GET", "HEAD", "DELETE", "OPTIONS"])
def test_an_empty_body_has_no_length_where_the_method_has_none(method: str):
    assert not any(line.startswith(b"Content-Length") for line in request_lines(Target("/", method)))


def test_https_needs_a_certificate_that_the_context_trusts(tmp_path: Path):
    key = new_key(1_800_000_000.0)
    pem = key.private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
    (tmp_path / "both.pem").write_text(pem + key.certificate)
    server_tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server_tls.load_cert_chain(tmp_path / "both.pem")

    def trusting() -> ssl.SSLContext:
        context = ssl.create_default_context()
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
        return context

    script = closes_after(NO_CONTENT)
    trusted, _ = asyncio.run(exchange(script, base="https://", server_tls=server_tls, tls=trusting))
    refused, _ = asyncio.run(exchange(script, base="https://", server_tls=server_tls))
    assert trusted == Answer(204)
    assert "SSLCertVerificationError" in str(refused.error)
