"""One HTTP/1.1 request per connection, within bounds of size and time; h11 does the parsing.

Each connection is answered by a coroutine of its own in the queue's event loop: the head is read and routed,
then the body is read, then the route runs. An error in a request is answered as JSON. A caller cannot hold
a connection by sending slowly, by not reading the reply, or by leaving while a route is still waiting.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from http import HTTPStatus
from typing import Any

import h11

from taskhandler.devqueue.http_message import Head, HttpError, Reply, Request

LARGEST_HEAD_BYTES = 16 << 10
LARGEST_BODY_BYTES = 1 << 20
MOST_CONNECTIONS = 256
_CHUNK_BYTES = 1 << 16
_LINGER_SECONDS = 5.0

Route = Callable[[Request], Coroutine[Any, Any, Reply]]


class HttpServer:
    """Answers the one request of each connection.

    Args:
        route: returns what answers a request, before its body is read; raises HttpError.
        timeout: seconds for the whole request to arrive, and as many for the reply to be read.
    """

    def __init__(self, route: Callable[[Head], Route], *, timeout: float = 10.0) -> None:
        self._route = route
        self._timeout = timeout
        self._open = 0

    async def answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Answer the one request of a connection."""
        self._open += 1
        try:
            await _Exchange(reader, writer, self._timeout).run(self._admit)
        except (OSError, asyncio.TimeoutError):
            pass  # the caller has left, or does not read the reply
        finally:
            self._open -= 1
            writer.transport.abort()

    def _admit(self, head: Head) -> Route:
        if self._open > MOST_CONNECTIONS:
            raise HttpError(HTTPStatus.SERVICE_UNAVAILABLE, "too many connections are open")
        return self._route(head)


class _Exchange:
    """A connection, its one request and the reply."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, timeout: float) -> None:
        self._parser = h11.Connection(h11.SERVER, max_incomplete_event_size=LARGEST_HEAD_BYTES)
        self._reader = reader
        self._writer = writer
        self._timeout = timeout
        self._method = ""
        self._gone: asyncio.Future[None] | None = None

    async def run(self, route: Callable[[Head], Route]) -> None:
        try:
            reply = await self._reply(route)
            if reply is not None:
                await asyncio.wait_for(self._send(reply), self._timeout)
                await self._linger()
        finally:
            if self._gone is not None:
                self._gone.cancel()

    async def _reply(self, route: Callable[[Head], Route]) -> Reply | None:
        try:
            answering, request = await self._receive(route)
            return await self._reply_unless_gone(answering(request))
        except HttpError as error:
            return error.reply

    async def _receive(self, route: Callable[[Head], Route]) -> tuple[Route, Request]:
        try:
            return await asyncio.wait_for(self._read(route), self._timeout)
        except asyncio.TimeoutError as error:
            raise HttpError(HTTPStatus.REQUEST_TIMEOUT, "the request did not arrive in time") from error
        except h11.RemoteProtocolError as error:
            raise HttpError(HTTPStatus(error.error_status_hint), f"not HTTP/1.1: {error}") from error

    async def _read(self, route: Callable[[Head], Route]) -> tuple[Route, Request]:
        event = await self._next_event()
        if not isinstance(event, h11.Request):
            raise ConnectionAbortedError("closed without a request")
        head = _read_head(event)
        self._method = head.method
        answering = route(head)
        _check_length(head)
        if self._parser.they_are_waiting_for_100_continue:
            self._writer.write(b"HTTP/1.1 100 Continue\r\n\r\n")
        return answering, Request(head, await self._read_body())

    async def _read_body(self) -> bytes:
        body = bytearray()
        while isinstance(event := await self._next_event(), h11.Data):
            body += event.data
            if len(body) > LARGEST_BODY_BYTES:
                raise _too_large()
        return bytes(body)

    async def _next_event(self) -> object:
        while (event := self._parser.next_event()) is h11.NEED_DATA:
            self._parser.receive_data(await self._reader.read(_CHUNK_BYTES))
        return event

    async def _reply_unless_gone(self, answering: Coroutine[Any, Any, Reply]) -> Reply | None:
        """Return the route's reply; None if the caller leaves first."""
        answer = asyncio.ensure_future(answering)
        either: list[asyncio.Future[Any]] = [answer, self._watch_caller()]
        try:
            await asyncio.wait(either, return_when=asyncio.FIRST_COMPLETED)
            return answer.result() if answer.done() else None
        finally:
            answer.cancel()

    async def _send(self, reply: Reply) -> None:
        self._writer.transport.set_write_buffer_limits(0)  # drain() then waits until all is sent
        self._writer.write(reply.render(with_body=self._method != "HEAD"))
        await self._writer.drain()

    async def _linger(self) -> None:
        # closing with bytes unread resets the connection: a caller that still sends would never see the reply
        self._writer.write_eof()
        await asyncio.wait_for(self._watch_caller(), _LINGER_SECONDS)

    def _watch_caller(self) -> asyncio.Future[None]:
        # one for the whole exchange: a stream has one reader at a time
        if self._gone is None:
            self._gone = asyncio.ensure_future(self._discard())
        return self._gone

    async def _discard(self) -> None:
        try:
            while await self._reader.read(_CHUNK_BYTES):
                pass
        except OSError:
            pass  # reset: the caller has left as well


def _read_head(request: h11.Request) -> Head:
    _check_size(request)
    target = request.target.decode("latin-1")
    if not target.startswith("/"):
        raise HttpError(HTTPStatus.BAD_REQUEST, "the request target must be a path")
    path, _, query = target.partition("?")
    headers = [(name.decode("latin-1"), value.decode("latin-1")) for name, value in request.headers]
    return Head(request.method.decode("latin-1"), path, query, tuple(headers))


def _check_size(request: h11.Request) -> None:
    # h11's own limit is for heads that arrive in more than one piece
    size = len(request.target) + sum(len(name) + len(value) for name, value in request.headers)
    if size > LARGEST_HEAD_BYTES:
        text = f"the head is larger than {LARGEST_HEAD_BYTES} bytes"
        raise HttpError(HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE, text)


def _check_length(head: Head) -> None:
    # h11 has made sure that there is at most one, of digits
    if any(int(length) > LARGEST_BODY_BYTES for length in head.values("content-length")):
        raise _too_large()


def _too_large() -> HttpError:
    return HttpError(
        HTTPStatus.REQUEST_ENTITY_TOO_LARGE, f"the body is larger than {LARGEST_BODY_BYTES} bytes"
    )
