"""Stands around the app, so that nothing in it can answer a task instead of its delivery.

A `before_request` that answers 200, an error page without a status, a session that cannot be saved, a
catch-all route: any of them would acknowledge a task of which nothing is recorded. Therefore a task's
request takes this way::

    server ─▶ Guard ─▶ what app.wsgi_app was ─▶ hooks, sessions ─▶ view ─▶ delivery
                │                                                    │
                └─────────────── TaskRequest.reply ◀─────────────────┘

The view leaves the decided reply in the `TaskRequest` that the guard has put into the WSGI environment, and
lets Flask go through its own motions. Whatever comes of these, the guard sends the reply that was decided,
or says `intercepted` (503) where there is none. A request that is not a task's passes untouched; one that
carries a task's name is watched, since a middleware inside of the guard may move it to a task's path.

Middleware that is put around the app later stands outside and answers for itself.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from itertools import chain, islice
from typing import Any

from flask import Flask, got_request_exception, has_request_context, request

from taskhandler.delivery.receiver import Receiver
from taskhandler.delivery.reply import Reply
from taskhandler.outcome import Outcome
from taskhandler.text import one_line
from taskhandler.tracebacks import is_behind
from taskhandler.web.incoming import WSGIHeaders
from taskhandler.web.task_request import (
    CURRENT_REQUEST,
    JSON,
    TASK_REQUEST,
    Environ,
    Start,
    TaskRequest,
    ensure_task_request,
)
from taskhandler.web.task_routes import TaskRoutes


class Guard:
    """The WSGI application that replaces `app.wsgi_app`.

    Args:
        app: the app.
        receiver: refuses the requests that reach no handler.
        routes: distinguishes tasks from other requests.
    """

    def __init__(self, app: Flask, receiver: Receiver, routes: TaskRoutes) -> None:
        self.routes = routes
        self._receiver = receiver
        self._inner = app.wsgi_app
        self._request_context = app.request_context
        self._watched = f"taskhandler.watched.{id(self)}"  # the key of the TaskRequest of a watched one
        got_request_exception.connect(_forget_logged_error, app)
        app.wsgi_app = self  # type: ignore[method-assign]  # Flask's documented place for middleware
        app.request_context = self._open  # type: ignore[method-assign]  # behind all middleware, before all hooks

    def __call__(self, environ: Environ, start_response: Start) -> Iterable[bytes]:
        """Answer a request, as PEP 3333 has it."""
        limit = self._receiver.settings.max_body
        if self.routes.is_task(environ):
            path = environ.get("PATH_INFO", "")
            misrouted = self._find_misrouting(environ, path)
            if misrouted is not None:
                return _send(self._refuse(environ, path, *misrouted), environ, start_response)
            environ.pop(self._watched, None)  # of the request that this one was made of
            task_request = ensure_task_request(environ, limit)
            task_request.guarded = True
        elif self.routes.is_named(environ):  # a middleware may move it to a task's path
            task_request = environ[self._watched] = TaskRequest(environ, limit)
        else:
            return self._inner(environ, start_response)
        return self._hand_on(environ, start_response, task_request)

    def _hand_on(self, environ: Environ, start_response: Start, task_request: TaskRequest) -> Iterable[bytes]:
        """Hand the request on to the app, and answer in its place if it is guarded, or is by then."""
        statuses: list[str] = []

        def start(status: str, headers: Any, exc_info: Any = None) -> Callable[[bytes], object]:  # noqa: ANN401 - as PEP 3333 has it
            statuses.append(status)
            return _discard if task_request.guarded else start_response(status, headers, exc_info)

        error: BaseException | None = None
        before = CURRENT_REQUEST.set(task_request)
        try:
            body = self._inner(environ, start)
            if not task_request.guarded:
                if not statuses:  # of a middleware that is a generator, which has done nothing yet
                    body = _StartedBody(body)
                if not task_request.guarded:
                    return body
            _close(body, statuses)
        except BaseException as raised:
            decided = task_request.reply is not None
            if not task_request.guarded or not (decided or isinstance(raised, Exception)):
                raise
            error = raised
        finally:
            CURRENT_REQUEST.reset(before)
        if error is None and task_request.error is None and task_request.reply is not None:
            return _send(task_request.reply, environ, start_response)
        return self._send_decided(environ, start_response, task_request, statuses, error)

    def _open(self, environ: Environ) -> Any:  # noqa: ANN401 - Flask's context of a request
        """Take a request for a task's if it has become one: its path is now the one that Flask routes."""
        task_request = environ.get(self._watched)
        if (
            isinstance(task_request, TaskRequest)
            and TASK_REQUEST not in environ
            and task_request.is_about(environ)
            and self.routes.is_task(environ)
        ):
            task_request.take_over(environ)
        return self._request_context(environ)

    def _send_decided(
        self,
        environ: Environ,
        start_response: Start,
        task_request: TaskRequest,
        statuses: list[str],
        error: BaseException | None,
    ) -> Iterable[bytes]:
        """Send the reply to a delivery after the app has answered or raised."""
        unlogged, task_request.error = task_request.error, None
        if unlogged is not None and not is_behind(unlogged, error):
            self._receiver.notifier.log_error(task_request.path, unlogged)
        if isinstance(error, Exception):
            self._receiver.notifier.log_error(task_request.path, error)
        reply = task_request.reply or self._refuse_undecided(environ, task_request, statuses, error)
        body = _send(reply, environ, start_response)
        return body if error is None or isinstance(error, Exception) else _ThenRaises(body, error)

    def _refuse_undecided(
        self, environ: Environ, task_request: TaskRequest, statuses: list[str], error: BaseException | None
    ) -> Reply:
        answered = one_line(statuses[-1] if statuses else "nothing", limit=80)
        did = f"answered {answered!r}" if error is None else f"raised {type(error).__name__}"
        why = (Outcome.INTERCEPTED, f"the app {did} instead of the delivery")
        if task_request.entered:
            why = (Outcome.UNAVAILABLE, f"the delivery was interrupted: the app {did}")
        elif misrouted := self._find_misrouting(environ, task_request.path):
            why = misrouted
        return self._refuse(environ, task_request.path, *why)

    def _find_misrouting(self, environ: Environ, path: str) -> tuple[Outcome, str] | None:
        """Why no handler is asked about a task that was sent to `path`."""
        if self.routes.find_handler(path) is None:
            return Outcome.UNKNOWN_HANDLER, "there is no handler with this name here"
        if environ["REQUEST_METHOD"] != "POST":
            return Outcome.WRONG_METHOD, "tasks are delivered by POST"
        return None

    def _refuse(self, environ: Environ, path: str, outcome: Outcome, why: str) -> Reply:
        handler = self.routes.find_handler(path)
        return self._receiver.refuse(WSGIHeaders(environ), outcome, why, handler=handler)


class _StartedBody:
    """A body whose first chunk is made at once."""

    def __init__(self, body: Iterable[bytes]) -> None:
        self._body = body
        self._rest = iter(body)
        self._first = list(islice(self._rest, 1))

    def __iter__(self) -> Iterator[bytes]:
        return chain(self._first, self._rest)

    def close(self) -> None:
        close = getattr(self._body, "close", None)
        if close is not None:
            close()


class _ThenRaises:
    """A body, and a `BaseException` that came after the reply was decided: raised once the body is sent."""

    def __init__(self, body: Iterable[bytes], error: BaseException) -> None:
        self._body = body
        self._error = error

    def __iter__(self) -> Iterator[bytes]:
        return iter(self._body)

    def close(self) -> None:
        raise self._error


def _send(reply: Reply, environ: Environ, start_response: Start) -> Iterable[bytes]:
    length = ("Content-Length", str(len(reply.body)))
    start_response(reply.status_line, [*reply.headers, ("Content-Type", JSON), length])
    return [] if environ["REQUEST_METHOD"] == "HEAD" else [reply.body]


def _forget_logged_error(_app: Flask, exception: BaseException, **_: object) -> None:
    """Forget the handler's error: no error handler took it, so Flask logs it or raises it again."""
    task_request = request.environ.get(TASK_REQUEST) if has_request_context() else None
    if isinstance(task_request, TaskRequest) and is_behind(task_request.error, exception):
        task_request.error = None


def _close(body: Iterable[bytes], statuses: list[str]) -> None:
    """Close the app's answer without iterating it.

    Only a middleware that is a generator has to be started, since it does nothing before its first chunk.
    """
    try:
        if not (statuses or isinstance(body, _StartedBody)):
            next(iter(body), None)
    finally:
        close = getattr(body, "close", None)
        if close is not None:
            close()


def _discard(_chunk: bytes) -> None:
    """Throw away what the app writes; the reply was or will be decided elsewhere."""
