"""The routes of the HTTP side: the certificates in Google's format, and controls of the queue under `/_/`."""

from __future__ import annotations

from http import HTTPStatus
from typing import Annotated, Any

import msgspec

from taskhandler.devqueue.dispatch import Dispatcher
from taskhandler.devqueue.faults import Faults
from taskhandler.devqueue.http_access import Access, check_json
from taskhandler.devqueue.http_message import Head, HttpError, Reply, Request
from taskhandler.devqueue.http_server import Route
from taskhandler.devqueue.options import between, read_number
from taskhandler.devqueue.queues import Queues
from taskhandler.devqueue.tokens import TokenIssuer
from taskhandler.errors import UsageError

CERTS_PATH = "/oauth2/v1/certs"
_DEFAULT_WAIT_SECONDS = 30

WaitSeconds = Annotated[float, between(0, 3600, "seconds")]


class HttpApi:
    """The routes of the HTTP side.

    Args:
        access: decides which requests are answered.
        certs_max_age: seconds for which receivers may keep the certificates.
    """

    def __init__(
        self,
        queues: Queues,
        dispatcher: Dispatcher,
        issuer: TokenIssuer,
        *,
        access: Access,
        seed: int,
        certs_max_age: int,
    ) -> None:
        """All of these belong to one event loop."""
        self._queues = queues
        self._dispatcher = dispatcher
        self._issuer = issuer
        self._access = access
        self._seed = seed
        self._certs_max_age = certs_max_age
        self._routes: dict[tuple[str, str], Route] = {
            ("GET", CERTS_PATH): self._certs,
            ("GET", "/_/attempts"): self._attempts,
            ("GET", "/_/wait"): self._wait,
            ("GET", "/_/stats"): self._stats,
            ("POST", "/_/faults"): self._set_faults,
            ("POST", "/_/rotate"): self._rotate,
        }

    def route(self, head: Head) -> Route:
        """Return the route of a request; raises HttpError if there is none."""
        self._access.check(head)
        route = self._routes.get((head.method, head.path))
        if route is None:
            raise self._unknown(head)
        if head.method == "POST":
            check_json(head)
        return lambda request: _answer(route, request)

    def stats(self) -> dict[str, object]:
        """Return the seed, the sums since the start, and the state of the queues."""
        queues = {
            queue.name: {"tasks": len(queue.tasks), "running": queue.running, "paused": queue.paused}
            for queue in self._queues.by_name.values()
        }
        return {"seed": self._seed, "sums": self._dispatcher.journal.sums(), "queues": queues}

    def _unknown(self, head: Head) -> HttpError:
        text = f"there is no {head.method} {head.path}"
        methods = [method for method, path in self._routes if path == head.path]
        if methods:
            return HttpError(HTTPStatus.METHOD_NOT_ALLOWED, text, {"Allow": ", ".join(methods)})
        return HttpError(HTTPStatus.NOT_FOUND, text)

    async def _certs(self, _: Request) -> Reply:
        cached = f"public, max-age={self._certs_max_age}, must-revalidate, no-transform"
        return Reply(self._issuer.certificates(), headers={"Cache-Control": cached})

    async def _attempts(self, request: Request) -> Reply:
        return Reply(self._dispatcher.journal.attempts(request.parameter("task")))

    async def _wait(self, request: Request) -> Reply:
        text = request.parameter("timeout") or str(_DEFAULT_WAIT_SECONDS)
        timeout: float = read_number("timeout", text, WaitSeconds)
        quiet = await self._dispatcher.wait_until_quiet(timeout)
        left = sum(len(queue.tasks) for queue in self._queues.by_name.values())
        return Reply({"quiet": quiet, "tasks": left})

    async def _stats(self, _: Request) -> Reply:
        return Reply(self.stats())

    async def _set_faults(self, request: Request) -> Reply:
        chosen = _decode_object(request.body)
        self._dispatcher.faults = Faults.read(chosen)
        return Reply(chosen)

    async def _rotate(self, _: Request) -> Reply:
        return Reply({"kid": self._issuer.rotate()})


async def _answer(route: Route, request: Request) -> Reply:
    try:
        return await route(request)
    except UsageError as error:
        raise HttpError(HTTPStatus.BAD_REQUEST, error) from error


def _decode_object(body: bytes) -> dict[str, Any]:
    try:
        return msgspec.json.decode(body or b"{}", type=dict[str, Any])
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise UsageError(f"the body must be a JSON object: {error}") from error
