"""The HTTP client, against good servers and bad ones."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Callable
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from taskhandler.devqueue import wire
from taskhandler.devqueue.task import Answer
from taskhandler.devqueue.tokens import new_key

from .target import PATIENCE_SECONDS

Sent = list[bytes]


def exchange(
    raw: bytes | None,
    *,
    method: str = "POST",
    path: str = "/x",
    server_tls: ssl.SSLContext | None = None,
    tls: Callable[[], ssl.SSLContext] = ssl.create_default_context,
    scheme: str = "http",
    deadline: float = PATIENCE_SECONDS,
    kept: bool = False,
) -> tuple[Answer, Sent]:
    """Send one request to a server that answers with these bytes (None: never), and return what it got.

    The server then closes the connection, unless it is `kept`.
    """
    sent: Sent = []

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        sent.append(await reader.readuntil(b"\r\n\r\n"))
        if raw is not None:
            writer.write(raw)
            await writer.drain()
        if raw is not None and not kept:
            writer.close()
            return
        await reader.read()
        writer.close()

    async def run() -> Answer:
        server = await asyncio.start_server(answer, "127.0.0.1", 0, ssl=server_tls)
        port = server.sockets[0].getsockname()[1]
        url = f"{scheme}://127.0.0.1:{port}{path}"
        try:
            return await wire.deliver(method, url, [("X-One", "1")], b"", deadline=deadline, tls=tls)
        finally:
            server.close()

    return asyncio.run(run()), sent


@pytest.mark.parametrize(
    "raw",
    [
        b"HTTP/1.1 204 No Content\r\n\r\n",
        b"HTTP/1.0 204\r\n\r\n",
        b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\nHTTP/1.1 204 OK\r\n\r\n",
    ],
)
def test_an_answer_is_its_status(raw: bytes):
    assert exchange(raw)[0] == Answer(204)


def test_an_answer_has_its_retry_after():
    raw = b"HTTP/1.1 503 Wait\r\nretry-AFTER:  7 \r\nContent-Length: 2\r\n\r\nno"
    assert exchange(raw)[0] == Answer(503, retry_after="7")


def test_a_body_without_a_length_ends_with_the_connection():
    assert exchange(b"HTTP/1.1 200 OK\r\n\r\n" + b"x" * 200_000)[0] == Answer(200)


CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"


@pytest.mark.parametrize(
    "end", [b"0\r\n\r\n", b"5\r\nhello\r\nA;x=y\r\n0123456789\r\n0\r\nTrailer: x\r\n\r\n"]
)
def test_an_answer_in_chunks_ends_with_the_last_one_though_the_connection_is_kept(end: bytes):
    assert exchange(CHUNKED + end, kept=True)[0] == Answer(200)


def test_an_answer_with_a_length_ends_with_it_though_the_connection_is_kept():
    assert exchange(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok", kept=True)[0] == Answer(200)


def test_the_answer_to_head_has_no_body_to_wait_for():
    assert exchange(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n", method="HEAD")[0] == Answer(200)


@pytest.mark.parametrize(
    ("raw", "error"),
    [
        (b"", "IncompleteReadError"),
        (b"HTTP/1.1 200 OK\r\n", "IncompleteReadError"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nshort", "EOFError"),
        (b"SSH-2.0\r\n\r\n", "not HTTP/1"),
        (b"HTTP/1.1 OK\r\n\r\n", "ValueError"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: many\r\n\r\n", "ValueError"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n", "ValueError"),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n", "ValueError"),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n-5\r\n", "ValueError"),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nab", "EOFError"),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nab\r\n", "IncompleteReadError"),
        (b"HTTP/1.1 200 OK\r\nX: " + b"x" * (1 << 21) + b"\r\n\r\n", "LimitOverrunError"),
    ],
)
def test_an_answer_that_cannot_be_read_is_no_answer(raw: bytes, error: str):
    answer, _ = exchange(raw)
    assert answer.status is None
    assert error in str(answer.error)


def test_no_answer_in_time_is_no_answer():
    answer, _ = exchange(None, deadline=0.1)
    assert answer == Answer(None, error="no response within 0.1 s")


@pytest.mark.parametrize("url", ["http://", "http://127.0.0.1:99999/", "http://[/"])
def test_a_url_that_leads_nowhere_is_no_answer(url: str):
    answer = asyncio.run(wire.deliver("POST", url, [], b"", deadline=1.0, tls=ssl.create_default_context))
    assert (answer.status, answer.error is None) == (None, False)


def test_the_request_is_plain_http():
    head = exchange(b"HTTP/1.1 204 OK\r\n\r\n", path="/a b/ä?q=ö%20#part")[1][0].decode()
    first, host, *rest = head.split("\r\n")
    assert first == "POST /a%20b/%C3%A4?q=%C3%B6%20 HTTP/1.1"
    assert host.startswith("Host: 127.0.0.1:")
    assert rest == ["X-One: 1", "Content-Length: 0", "Connection: close", "", ""]


def test_a_path_may_be_missing():
    assert exchange(b"HTTP/1.1 204 OK\r\n\r\n", path="")[1][0].startswith(b"POST / HTTP/1.1\r\n")


def test_https_is_spoken_and_its_certificate_checked(tmp_path: Path):
    key = new_key(1_800_000_000.0)
    pem = key.private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
    (tmp_path / "both.pem").write_text(pem + key.certificate)
    server_tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server_tls.load_cert_chain(tmp_path / "both.pem")

    def blind() -> ssl.SSLContext:
        context = ssl.create_default_context()
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
        return context

    raw = b"HTTP/1.1 204 OK\r\n\r\n"
    assert exchange(raw, scheme="https", server_tls=server_tls, tls=blind)[0] == Answer(204)
    refused, _ = exchange(raw, scheme="https", server_tls=server_tls)
    assert "SSLCertVerificationError" in str(refused.error)
