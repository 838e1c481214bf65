"""The HTTP side: the certificates in Google's format, and the knobs under `/_/`."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from http import HTTPStatus
from urllib.parse import parse_qs, urlsplit

from taskhandler.devqueue import wire
from taskhandler.devqueue.dispatch import Dispatcher
from taskhandler.devqueue.faults import Faults
from taskhandler.devqueue.queues import Queues
from taskhandler.devqueue.tokens import Mint
from taskhandler.errors import UsageError

CERTS_PATH = "/oauth2/v1/certs"
_LARGEST_BODY = 1 << 20
_PATIENCE = 30.0
_LONGEST_WAIT = 3600.0


@dataclass(frozen=True, slots=True)
class Call:
    """A request: its query's last values by name, and its body."""

    query: dict[str, str]
    body: bytes


@dataclass(frozen=True, slots=True)
class Reply:
    """What is answered, as JSON."""

    content: object
    status: HTTPStatus = HTTPStatus.OK
    headers: dict[str, str] = field(default_factory=dict)


class Doors:
    """The routes. `certs_max_age` is the seconds for which receivers may keep the certificates."""

    def __init__(
        self, queues: Queues, dispatcher: Dispatcher, mint: Mint, *, seed: int, certs_max_age: int
    ) -> None:
        """All in one event loop."""
        self._queues = queues
        self._dispatcher = dispatcher
        self._mint = mint
        self._seed = seed
        self._certs_max_age = certs_max_age
        self._routes: dict[tuple[str, str], Callable[[Call], Awaitable[Reply]]] = {
            ("GET", CERTS_PATH): self._certs,
            ("GET", "/_/attempts"): self._attempts,
            ("GET", "/_/wait"): self._wait,
            ("GET", "/_/stats"): self._stats,
            ("POST", "/_/faults"): self._set_faults,
            ("POST", "/_/rotate"): self._rotate,
        }

    async def answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Answer the one request of a connection."""
        try:
            writer.write(_rendered(await self._reply(reader)))
            await writer.drain()
        except (OSError, EOFError):
            pass  # the caller has gone
        finally:
            writer.close()

    def stats(self) -> dict[str, object]:
        """Return the seed, the sums since the start, and what the queues hold now."""
        queues = {
            queue.name: {"tasks": len(queue.tasks), "running": queue.running, "paused": queue.paused}
            for queue in self._queues.by_name.values()
        }
        return {"seed": self._seed, "sums": self._dispatcher.journal.sums(), "queues": queues}

    async def _reply(self, reader: asyncio.StreamReader) -> Reply:
        try:
            method, path, call = await asyncio.wait_for(_read(reader), _PATIENCE)
        except (ValueError, asyncio.LimitOverrunError, asyncio.TimeoutError):
            return _problem(HTTPStatus.BAD_REQUEST, "not a request that can be read")
        route = self._routes.get((method, path))
        if route is None:
            known = any(path == at for _, at in self._routes)
            status = HTTPStatus.METHOD_NOT_ALLOWED if known else HTTPStatus.NOT_FOUND
            return _problem(status, f"no {method} {path} here")
        try:
            return await route(call)
        except (UsageError, ValueError) as error:
            return _problem(HTTPStatus.BAD_REQUEST, str(error))

    async def _certs(self, _: Call) -> Reply:
        cached = f"public, max-age={self._certs_max_age}, must-revalidate, no-transform"
        return Reply(self._mint.certificates(), headers={"Cache-Control": cached})

    async def _attempts(self, call: Call) -> Reply:
        return Reply(self._dispatcher.journal.attempts(call.query.get("task")))

    async def _wait(self, call: Call) -> Reply:
        timeout = float(call.query.get("timeout", _PATIENCE))
        if not 0 <= timeout <= _LONGEST_WAIT:
            raise UsageError(f"timeout={timeout}: seconds from 0 to {_LONGEST_WAIT:g} are wanted")
        quiet = await self._dispatcher.quiet(timeout)
        left = sum(len(queue.tasks) for queue in self._queues.by_name.values())
        return Reply({"quiet": quiet, "tasks": left})

    async def _stats(self, _: Call) -> Reply:
        return Reply(self.stats())

    async def _set_faults(self, call: Call) -> Reply:
        wanted = json.loads(call.body or b"{}")
        if not isinstance(wanted, dict):
            raise UsageError("a JSON object is wanted")
        self._dispatcher.faults = Faults.read(wanted)
        return Reply(wanted)

    async def _rotate(self, _: Call) -> Reply:
        return Reply({"kid": self._mint.rotate()})


async def _read(reader: asyncio.StreamReader) -> tuple[str, str, Call]:
    first, headers = await wire.read_head(reader)
    method, target, _ = first.split(" ")
    parts = urlsplit(target)
    length = int(headers.get("content-length", "0"))
    if not 0 <= length <= _LARGEST_BODY:
        raise ValueError("the body is too large")
    query = {name: values[-1] for name, values in parse_qs(parts.query).items()}
    return method, parts.path, Call(query, await reader.readexactly(length))


def _problem(status: HTTPStatus, text: str) -> Reply:
    return Reply({"error": text}, status)


def _rendered(reply: Reply) -> bytes:
    body = json.dumps(reply.content).encode()
    headers = {"Content-Type": "application/json", "Content-Length": str(len(body)), "Connection": "close"}
    lines = [f"HTTP/1.1 {reply.status.value} {reply.status.phrase}"]
    lines += [f"{name}: {value}" for name, value in (headers | reply.headers).items()]
    return "\r\n".join([*lines, "", ""]).encode() + body
