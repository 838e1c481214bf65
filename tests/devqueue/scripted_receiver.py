"""A receiver on a real socket that answers one request byte by byte, as a script tells it."""

from __future__ import annotations

import asyncio
import socket
import ssl
import struct
from collections.abc import Awaitable, Callable, Iterable
from contextlib import suppress
from dataclasses import replace

from taskhandler.devqueue import http_client
from taskhandler.devqueue.task import Answer, Target

from .target import PATIENCE_SECONDS

HEAD_END = b"\r\n\r\n"
_RESET_ON_CLOSE = struct.pack("ii", 1, 0)  # SO_LINGER: on, 0 seconds
_RECEIVE_BUFFER_BYTES = 4096
_TARGET = Target("/x")

Script = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


def closes_after(*raw: bytes) -> Script:
    """Read the head, send these pieces one by one, and close the connection."""

    async def answer(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await _write_each(writer, raw)

    return answer


def resets_after(raw: bytes) -> Script:
    """Read the head, send these bytes, and reset the connection."""

    async def answer(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await _write_each(writer, [raw])
        connection: socket.socket = writer.get_extra_info("socket")
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET_ON_CLOSE)

    return answer


def stays_open_after(raw: bytes) -> Script:
    """Read the head, send these bytes, and wait until the queue closes the connection."""

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await _write_each(writer, [raw])
        while await reader.read(1 << 16):
            pass

    return answer


def reads_on_only_after(raw: bytes, done: asyncio.Event, rest: asyncio.Future[bytes]) -> Script:
    """Read the head, send these bytes, and leave the `rest` of the request unread until `done`."""

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await _write_each(writer, [raw])
        await done.wait()
        received = b""
        with suppress(ConnectionResetError):
            while chunk := await reader.read(1 << 16):
                received += chunk
        rest.set_result(received)

    return answer


def repeats_after(raw: bytes, repeated: bytes) -> Script:
    """Read the head, send `raw`, then `repeated` again and again until the queue closes the connection."""

    async def answer(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(raw)
        while not writer.is_closing():
            writer.write(repeated)
            await writer.drain()

    return answer


async def exchange(
    script: Script,
    *,
    target: Target = _TARGET,
    headers: http_client.Headers = (),
    base: str = "http://",
    server_tls: ssl.SSLContext | None = None,
    tls: Callable[[], ssl.SSLContext] = ssl.create_default_context,
    deadline: float = PATIENCE_SECONDS,
) -> tuple[Answer, bytes]:
    """Send one request to a receiver that follows the script; return the answer and the head it received.

    The URL of the target is only its path, which is put behind `base` and the address of the receiver.
    """
    heads: list[bytes] = []

    async def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            heads.append(await reader.readuntil(HEAD_END))
            await script(reader, writer)
        except OSError:
            pass  # the queue has closed the connection
        finally:
            writer.close()

    listening = socket.create_server(("127.0.0.1", 0))
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _RECEIVE_BUFFER_BYTES)
    server = await asyncio.start_server(accept, sock=listening, ssl=server_tls)
    url = f"{base}127.0.0.1:{listening.getsockname()[1]}{target.url}"
    try:
        answer = await http_client.send(replace(target, url=url), headers, deadline=deadline, tls=tls)
    finally:
        server.close()
    return answer, b"".join(heads)


def answer_of(script: Script, *, target: Target = _TARGET, deadline: float = PATIENCE_SECONDS) -> Answer:
    """Return the answer that the client reads from the script's response."""
    return asyncio.run(exchange(script, target=target, deadline=deadline))[0]


async def _write_each(writer: asyncio.StreamWriter, pieces: Iterable[bytes]) -> None:
    for piece in pieces:
        writer.write(piece)
        await writer.drain()
        await asyncio.sleep(0)
