"""Stands around the app, so that nothing in it can answer a task in the place of its delivery.

A `before_request` that answers 200, an error page without a status, a session that cannot be saved, a
catch-all route: any of them would acknowledge a task of which nothing is recorded. Therefore a task's
request takes this way::

    server ─▶ Guard ─▶ what app.wsgi_app was ─▶ hooks, sessions ─▶ view ─▶ delivery
                │                                                    │
                └──────────────── Exchange.reply ◀───────────────────┘

The view leaves the decided reply in the `Exchange` that the guard has put into the WSGI environment, and
lets Flask go through its own motions. Whatever comes of these, the guard sends the reply that was decided,
or says `intercepted` (503) where there is none. A request that is not a task's passes untouched; one that
carries a task's name is watched, since a middleware inside of the guard may move it to a task's path.

Middleware that is put around the app later stands outside and answers for itself.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any

from flask import Flask, Response, got_request_exception, has_request_context, request
from werkzeug.wsgi import ClosingIterator

from taskhandler.body import RecordedBody
from taskhandler.delivery import Receiver
from taskhandler.incoming import WSGIHeaders
from taskhandler.reply import Outcome, Reply
from taskhandler.task_routes import TaskRoutes
from taskhandler.text import one_line

EXCHANGE = "taskhandler.exchange"
"""The key of a request's `Exchange` in its WSGI environment, which copies of it share."""

WATCHED = "taskhandler.watched"
"""The key of the guard, and its `Exchange`, that a request meets which is not a task's as it comes."""

JSON = "application/json"
"""The content type of every reply."""

Environ = dict[str, Any]
Start = Callable[..., Callable[[bytes], object]]


class Exchange:
    """What guard and view have to tell each other about one request.

    Attributes:
        body: the request's, which can be read again.
        guarded: whether the guard stands around the app.
        entered: whether the delivery has begun.
        reply: what was decided, once it is.
        error: what the handler raised, until somebody has logged it.
    """

    __slots__ = ("body", "entered", "error", "guarded", "reply")

    def __init__(self, body: RecordedBody) -> None:
        self.body = body
        self.guarded = False
        self.entered = False
        self.reply: Reply | None = None
        self.error: Exception | None = None


def exchange_of(environ: Environ, limit: int) -> Exchange:
    """The request's exchange; made, with a body of at most `limit` bytes, where there is none yet.

    One whose delivery has begun belongs to another request, whose environment somebody uses again.
    """
    exchange = environ.get(EXCHANGE)
    if not isinstance(exchange, Exchange) or exchange.entered:
        environ["wsgi.input"] = body = RecordedBody(environ, limit)
        environ[EXCHANGE] = exchange = Exchange(body)
    return exchange


class TaskResponse(Response):
    """A reply as the app's hooks see it."""

    def __call__(self, environ: Environ, start_response: Start) -> Iterable[bytes]:
        """Answer; but behind the guard, which sends the reply itself, only what a middleware looks at."""
        exchange = environ.get(EXCHANGE)
        if not isinstance(exchange, Exchange) or not exchange.guarded:
            return super().__call__(environ, start_response)
        start_response(self.status, self.headers.to_wsgi_list())
        return ClosingIterator((), self.close)


class Guard:
    """The WSGI application that stands in the place of `app.wsgi_app`.

    Args:
        app: the app.
        receiver: refuses what no handler is asked about.
        routes: tells tasks from other requests.
    """

    def __init__(self, app: Flask, receiver: Receiver, routes: TaskRoutes) -> None:
        self.routes = routes
        self._receiver = receiver
        self._inner = app.wsgi_app
        self._request_context = app.request_context
        got_request_exception.connect(_flask_logs_it, app)
        app.wsgi_app = self  # type: ignore[method-assign]  # Flask's documented place for middleware
        app.request_context = self._open  # type: ignore[method-assign]  # behind all middleware, before all hooks

    def __call__(self, environ: Environ, start_response: Start) -> Iterable[bytes]:
        """Answer a request, as PEP 3333 has it."""
        if self.routes.is_task(environ):
            return _send(self._answer(environ), environ, start_response)
        if self.routes.is_named(environ):
            return self._watch(environ, start_response)
        return self._inner(environ, start_response)

    def _watch(self, environ: Environ, start_response: Start) -> Iterable[bytes]:
        """Let a request pass that carries a task's name, unless a middleware moves it to a task's path."""
        exchange = Exchange(RecordedBody(environ, self._receiver.settings.max_body))
        environ[WATCHED] = (self, exchange)
        statuses: list[str] = []

        def start(status: str, *more: Any) -> Callable[[bytes], object]:  # noqa: ANN401 - as PEP 3333 has it
            statuses.append(status)
            return _discard if exchange.guarded else start_response(status, *more)

        try:
            body = self._inner(environ, start)
        except Exception as error:
            if not exchange.guarded:
                raise
            exchange.error, body = error, ()
        if not exchange.guarded:
            return body
        getattr(body, "close", _nothing)()
        reply = self._decided(environ, exchange, statuses[-1] if statuses else "nothing")
        return _send(reply, environ, start_response)

    def _open(self, environ: Environ) -> Any:  # noqa: ANN401 - Flask's context of a request
        """Take a request for a task's if it has become one: its path is now the one that Flask routes."""
        guard, exchange = environ.get(WATCHED) or (None, None)
        if guard is self and isinstance(exchange, Exchange) and self.routes.is_task(environ):
            exchange.guarded = True
            environ["wsgi.input"] = exchange.body
            environ[EXCHANGE] = exchange
        return self._request_context(environ)

    def _answer(self, environ: Environ) -> Reply:
        handler = self.routes.handler(environ)
        if handler is None:
            return self._refuse(environ, Outcome.UNKNOWN_HANDLER, "no handler of that name is here")
        if environ["REQUEST_METHOD"] != "POST":
            return self._refuse(environ, Outcome.WRONG_METHOD, "tasks are delivered by POST")
        exchange = exchange_of(environ, self._receiver.settings.max_body)
        exchange.guarded = True
        return self._decided(environ, exchange, self._run_app(environ, exchange))

    def _decided(self, environ: Environ, exchange: Exchange, status: str) -> Reply:
        """The reply to a delivery that the app has been through, which would have answered `status`."""
        error, exchange.error = exchange.error, None
        if error is not None:
            self._receiver.teller.raised(environ["PATH_INFO"], error)
        if exchange.reply is not None:
            return exchange.reply
        did = (
            f"answered {one_line(status, limit=80)!r}" if error is None else f"raised {type(error).__name__}"
        )
        if exchange.entered:
            return self._refuse(environ, Outcome.UNAVAILABLE, f"the delivery broke off: the app {did}")
        return self._refuse(environ, Outcome.INTERCEPTED, f"the app {did} in the place of the delivery")

    def _refuse(self, environ: Environ, outcome: Outcome, why: str) -> Reply:
        handler = self.routes.handler(environ)
        return self._receiver.refuse(WSGIHeaders(environ), outcome, why, handler=handler)

    def _run_app(self, environ: Environ, exchange: Exchange) -> str:
        """Let the app go through its own motions; the status that it would answer.

        The body of its answer is closed, and not iterated: only a middleware that is a generator has to be
        begun, since it does nothing before.
        """
        statuses: list[str] = []

        def start(status: str, _headers: object, _error: object = None) -> Callable[[bytes], object]:
            statuses.append(status)
            return _discard

        try:
            body = self._inner(environ, start)
            try:
                if not statuses:
                    _begin(body, statuses)
            finally:
                getattr(body, "close", _nothing)()
        except Exception as error:  # noqa: BLE001 - whatever an app may raise
            exchange.error = error  # one that the handler raised, too, stands in its chain
        return statuses[-1] if statuses else "nothing"


def _send(reply: Reply, environ: Environ, start_response: Start) -> Iterable[bytes]:
    length = ("Content-Length", str(len(reply.body)))
    start_response(reply.status_line, [*reply.headers, ("Content-Type", JSON), length])
    return [] if environ["REQUEST_METHOD"] == "HEAD" else [reply.body]


def _flask_logs_it(_app: Flask, **_: object) -> None:
    """Flask has got an exception that no error handler took: it logs it, or raises it again."""
    exchange = request.environ.get(EXCHANGE) if has_request_context() else None
    if isinstance(exchange, Exchange):
        exchange.error = None


def _begin(body: Iterable[bytes], statuses: list[str]) -> None:
    chunks: Iterator[bytes] = iter(body)
    for _ in chunks:
        if statuses:
            return


def _discard(_chunk: bytes) -> None:
    """Throw away what the app writes; the reply was or will be decided elsewhere."""


def _nothing() -> None:
    """Close what cannot be closed."""
