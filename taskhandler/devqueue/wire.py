"""HTTP/1.1 on asyncio streams: enough to deliver a task.

One connection per delivery: a kept connection that dies under a request leaves open whether the handler ran,
and the queue would send a duplicate that nobody asked for.
"""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Callable, Mapping, Sequence
from urllib.parse import urlsplit

from taskhandler.devqueue.task import Answer
from taskhandler.text import one_line

_LONGEST_HEAD = 1 << 20
_CHUNK = 1 << 16
_SHOWN_CHARACTERS = 300
_INTERIM = range(100, 200)
_BODILESS = (204, 304)

Headers = Sequence[tuple[str, str]]


async def deliver(
    method: str,
    url: str,
    headers: Headers,
    body: bytes,
    *,
    deadline: float,
    tls: Callable[[], ssl.SSLContext],
) -> Answer:
    """Send one request and return its answer; redirects are not followed.

    After `deadline` seconds the connection is dropped, and the receiver may go on. Nothing raises: whatever
    keeps the answer away is an Answer without a status.
    """
    try:
        return await asyncio.wait_for(_exchange(method, url, headers, body, tls), deadline)
    except asyncio.TimeoutError:
        return Answer(None, error=f"no response within {deadline:g} s")
    except (OSError, EOFError, ValueError, asyncio.LimitOverrunError) as error:
        said = one_line(error, limit=_SHOWN_CHARACTERS)
        return Answer(None, error=f"no response: {type(error).__name__}: {said}")


async def _exchange(
    method: str, url: str, headers: Headers, body: bytes, tls: Callable[[], ssl.SSLContext]
) -> Answer:
    reader, writer = await _connect(url, tls)
    try:
        writer.write(_request(method, url, headers, body))
        await writer.drain()
        return await _answer(reader, method)
    finally:
        # whatever is left is of no use, and a deadline must not wait for the other side
        writer.transport.abort()


async def _connect(
    url: str, tls: Callable[[], ssl.SSLContext]
) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    parts = urlsplit(url)
    if not parts.hostname:
        raise ValueError("the URL names no host")
    secure = parts.scheme == "https"
    port = parts.port or (443 if secure else 80)
    return await asyncio.open_connection(
        parts.hostname, port, ssl=tls() if secure else None, limit=_LONGEST_HEAD
    )


def _request(method: str, url: str, headers: Headers, body: bytes) -> bytes:
    parts = urlsplit(url)
    target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    sized = [("Content-Length", str(len(body)))] if body or method in ("POST", "PUT", "PATCH") else []
    pairs = [("Host", parts.netloc.rpartition("@")[2]), *headers, *sized, ("Connection", "close")]
    lines = [f"{method} {_plain(target)} HTTP/1.1", *(f"{name}: {value}" for name, value in pairs)]
    return "\r\n".join([*lines, "", ""]).encode() + body


def _plain(target: str) -> str:
    # as HttpRequest.url says: "Cloud Tasks will encode some characters for safety and compatibility"
    return "".join(
        char if "!" <= char <= "~" else "".join(f"%{byte:02X}" for byte in char.encode()) for char in target
    )


async def _answer(reader: asyncio.StreamReader, method: str) -> Answer:
    status, headers = await _status(reader)
    while status in _INTERIM:
        status, headers = await _status(reader)
    if method != "HEAD" and status not in _BODILESS:
        await _skip_body(reader, headers)
    return Answer(status, retry_after=headers.get("retry-after"))


async def _status(reader: asyncio.StreamReader) -> tuple[int, dict[str, str]]:
    first, headers = await _head(reader)
    version, _, rest = first.partition(" ")
    if not version.startswith("HTTP/1."):
        raise ValueError("the answer is not HTTP/1")
    return int(rest[:3]), headers


async def _head(reader: asyncio.StreamReader) -> tuple[str, dict[str, str]]:
    """Return the first line and the headers, their names in lower case; ValueError if that is not HTTP."""
    head = await reader.readuntil(b"\r\n\r\n")
    first, *lines = head.decode("latin-1").removesuffix("\r\n\r\n").split("\r\n")
    pairs = (line.partition(":") for line in lines)
    return first, {name.strip().lower(): value.strip() for name, _, value in pairs}


async def _skip_body(reader: asyncio.StreamReader, headers: Mapping[str, str]) -> None:
    if headers.get("transfer-encoding", "").lower() == "chunked":
        await _skip_chunks(reader)
    elif "content-length" in headers:
        await _skip(reader, _size(headers["content-length"], radix=10))
    else:
        while await reader.read(_CHUNK):
            pass


async def _skip_chunks(reader: asyncio.StreamReader) -> None:
    # the receiver may keep the connection: only the last chunk says that the answer is whole
    while size := _size((await _line(reader)).partition(";")[0].strip(), radix=16):
        await _skip(reader, size)
        await _line(reader)
    while await _line(reader):
        pass


async def _skip(reader: asyncio.StreamReader, size: int) -> None:
    while size:
        chunk = await reader.read(min(_CHUNK, size))
        if not chunk:
            raise EOFError("the body was cut short")
        size -= len(chunk)


async def _line(reader: asyncio.StreamReader) -> str:
    return (await reader.readuntil(b"\r\n")).decode("latin-1").removesuffix("\r\n")


def _size(text: str, *, radix: int) -> int:
    size = int(text, radix)
    if size < 0:
        raise ValueError("a length is negative")
    return size
