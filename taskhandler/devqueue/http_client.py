"""Sends a delivery over HTTP/1.1 on asyncio streams; h11 writes the request and reads the response.

One connection per delivery: a kept connection that dies under a request leaves open whether the handler ran,
and the queue would send a duplicate that no fault asked for.
"""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Callable, Sequence
from urllib.parse import SplitResult, urlsplit

import h11

from taskhandler.devqueue.task import Answer, Target
from taskhandler.text import one_line

LARGEST_HEAD_BYTES = 1 << 20
_CHUNK_BYTES = 1 << 16
_SHOWN_CHARACTERS = 300
_METHODS_WITH_BODY = ("POST", "PUT", "PATCH")

Headers = Sequence[tuple[str, str]]


async def send(
    target: Target, headers: Headers, *, deadline: float, tls: Callable[[], ssl.SSLContext]
) -> Answer:
    """Send one request and return its answer; redirects are not followed.

    After `deadline` seconds the connection is dropped, and the receiver may go on. Nothing raises: whatever
    prevents an answer becomes an Answer without a status.
    """
    try:
        return await asyncio.wait_for(_exchange(target, headers, tls), deadline)
    except asyncio.TimeoutError:
        return Answer(None, error=f"no response within {deadline:g} s")
    except h11.LocalProtocolError as error:
        return _unanswered(f"cannot be sent as HTTP/1.1: {error}")
    except h11.RemoteProtocolError as error:
        return _unanswered(f"invalid HTTP/1.1: {error}")
    except (OSError, ValueError) as error:
        return _unanswered(f"{type(error).__name__}: {error}")


def _unanswered(reason: str) -> Answer:
    return Answer(None, error=one_line(f"no response: {reason}", limit=_SHOWN_CHARACTERS))


async def _exchange(target: Target, headers: Headers, tls: Callable[[], ssl.SSLContext]) -> Answer:
    parts = urlsplit(target.url)
    parser = h11.Connection(h11.CLIENT, max_incomplete_event_size=LARGEST_HEAD_BYTES)
    request = _encode_request(parser, target, parts, headers)
    reader, writer = await _connect(parts, tls)
    try:
        # without drain(): a receiver that answers early need not read the rest
        writer.write(request)
        return await _read_answer(parser, reader)
    finally:
        # whatever is left is of no use, and a deadline must not wait for the other side
        writer.transport.abort()


async def _connect(
    parts: SplitResult, tls: Callable[[], ssl.SSLContext]
) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    if not parts.hostname:
        raise ValueError("the URL names no host")
    secure = parts.scheme == "https"
    port = parts.port or (443 if secure else 80)
    return await asyncio.open_connection(parts.hostname, port, ssl=tls() if secure else None)


def _encode_request(parser: h11.Connection, target: Target, parts: SplitResult, headers: Headers) -> bytes:
    path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    has_length = target.body or target.method in _METHODS_WITH_BODY
    length = [("Content-Length", str(len(target.body)))] if has_length else []
    pairs = [("Host", parts.netloc.rpartition("@")[2]), *headers, *length, ("Connection", "close")]
    # white space around a value is not part of it, and h11 refuses it
    encoded = [(name.encode(), value.strip(" \t").encode()) for name, value in pairs]
    events = [
        h11.Request(method=target.method, target=_quote(path), headers=encoded),
        h11.Data(data=target.body),
        h11.EndOfMessage(),
    ]
    return b"".join(parser.send(event) or b"" for event in events)


def _quote(path: str) -> str:
    # as HttpRequest.url says: "Cloud Tasks will encode some characters for safety and compatibility"
    return "".join(
        char if "!" <= char <= "~" else "".join(f"%{byte:02X}" for byte in char.encode()) for char in path
    )


async def _read_answer(parser: h11.Connection, reader: asyncio.StreamReader) -> Answer:
    event = await _next_event(parser, reader)
    while not isinstance(event, h11.Response):  # 1xx: the answer is still to come
        event = await _next_event(parser, reader)
    while not isinstance(await _next_event(parser, reader), h11.EndOfMessage):
        pass  # without a complete body there is no answer
    retry_after = dict(event.headers).get(b"retry-after")
    return Answer(event.status_code, retry_after=retry_after.decode("latin-1") if retry_after else None)


async def _next_event(parser: h11.Connection, reader: asyncio.StreamReader) -> object:
    while (event := parser.next_event()) is h11.NEED_DATA:
        received = await reader.read(_CHUNK_BYTES)
        if not received and parser.their_state is h11.SEND_RESPONSE:
            raise ConnectionAbortedError("the connection was closed before the response was complete")
        parser.receive_data(received)
    return event
