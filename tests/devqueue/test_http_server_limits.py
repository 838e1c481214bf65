"""Limits on the time and the number of connections; a server alone, with a test's own route."""

from __future__ import annotations

import asyncio
import socket

import pytest

from taskhandler.devqueue.http_message import Reply, Request
from taskhandler.devqueue.http_server import MOST_CONNECTIONS, HttpServer, Route

from .http_calls import request
from .target import PATIENCE_SECONDS


class Alone:
    """A server alone, in an event loop of its own, with a given route and time-out."""

    def __init__(self, route: Route, *, timeout: float) -> None:
        self._server = HttpServer(lambda _: route, timeout=timeout)

    async def ask(self, raw: bytes) -> bytes:
        """Send these bytes and return all that is received."""
        async with await asyncio.start_server(self._server.answer, "127.0.0.1", 0) as listening:
            reader, writer = await asyncio.open_connection(*listening.sockets[0].getsockname())
            writer.write(raw)
            answer = await reader.read()
            writer.close()
        return answer


async def fine(_: Request) -> Reply:
    return Reply("fine")


@pytest.mark.parametrize("raw", [b"", b"GET / HT", request("POST", "/", "Content-Length: 9") + b"half"])
def test_a_request_that_does_not_arrive_in_time_is_answered_408(raw: bytes):
    answer = asyncio.run(Alone(fine, timeout=0.05).ask(raw))
    assert answer.startswith(b"HTTP/1.1 408 ")


def test_a_caller_that_does_not_read_its_reply_is_disconnected():
    ended = []

    async def large(_: Request) -> Reply:
        return Reply("x" * (64 << 20))

    async def run() -> None:
        server = HttpServer(lambda _: large, timeout=0.2)

        async def answered(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await server.answer(reader, writer)
            ended.append(writer.is_closing())
            done.set()

        done = asyncio.Event()
        async with await asyncio.start_server(answered, "127.0.0.1", 0) as listening:
            with socket.create_connection(listening.sockets[0].getsockname()) as line:
                line.sendall(request("GET", "/"))
                await asyncio.wait_for(done.wait(), PATIENCE_SECONDS)

    asyncio.run(run())
    assert ended == [True]


def test_a_route_is_cancelled_when_its_caller_leaves():
    async def run() -> bool:
        began, cancelled = asyncio.Event(), asyncio.Event()

        async def lasting(_: Request) -> Reply:
            began.set()
            try:
                await asyncio.Event().wait()
            finally:
                cancelled.set()
            return Reply("never")

        server = HttpServer(lambda _: lasting, timeout=PATIENCE_SECONDS)
        async with await asyncio.start_server(server.answer, "127.0.0.1", 0) as listening:
            _, writer = await asyncio.open_connection(*listening.sockets[0].getsockname())
            writer.write(request("GET", "/"))
            await asyncio.wait_for(began.wait(), PATIENCE_SECONDS)
            writer.close()
            await asyncio.wait_for(cancelled.wait(), PATIENCE_SECONDS)
        return cancelled.is_set()

    assert asyncio.run(run())


def test_connections_beyond_the_limit_are_answered_503_until_others_close():
    async def run() -> list[bytes]:
        began, release = asyncio.Semaphore(0), asyncio.Event()

        async def lasting(_: Request) -> Reply:
            began.release()
            await release.wait()
            return Reply("fine")

        server = HttpServer(lambda _: lasting, timeout=PATIENCE_SECONDS)
        async with await asyncio.start_server(server.answer, "127.0.0.1", 0, backlog=512) as listening:
            address = listening.sockets[0].getsockname()

            async def one() -> bytes:
                reader, writer = await asyncio.open_connection(*address)
                writer.write(request("GET", "/"))
                answer = await reader.read()
                writer.close()
                return answer

            many = [asyncio.ensure_future(one()) for _ in range(MOST_CONNECTIONS)]
            for _ in many:
                await began.acquire()
            refused = await one()
            release.set()
            return [refused, *await asyncio.gather(*many), await one()]

    refused, *others = asyncio.run(run())
    assert refused.startswith(b"HTTP/1.1 503 ")
    assert {other[:13] for other in others} == {b"HTTP/1.1 200 "}
