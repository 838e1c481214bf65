"""Hooks, a session store and error pages of an app's own, which answer or fail when the oracle says so."""

from __future__ import annotations

import itertools
import os
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

from flask import Flask, Request, Response, got_request_exception, request
from flask.sessions import SecureCookieSession, SecureCookieSessionInterface

from taskhandler import TaskBlueprint
from tests.faults.oracle_client import Reporter

SORRY = "<h1>sorry</h1>"
"""What the app's error pages say, with status 200, as those of single-page apps do."""


def interfere(app: Flask, reporter: Reporter) -> None:
    """Give the app hooks that ask the oracle, an error page for every error, and a page for every path."""
    ask = _asking(reporter)
    app.secret_key = "bench"
    app.session_interface = _Sessions(ask)
    app.before_request(lambda: _answer(ask("before")))
    app.after_request(lambda response: _replaced(response) if ask("after") == "answer" else response)
    app.teardown_request(lambda _: _drop(ask("teardown")))
    app.url_value_preprocessor(lambda *_: _drop(ask("preprocess")))
    app.register_error_handler(Exception, lambda _: (ask("error-page"), (SORRY, 200))[1])
    app.register_error_handler(404, lambda _: (SORRY, 200))
    got_request_exception.connect(lambda *_, **__: ask("signal"), app, weak=False)
    app.add_url_rule("/<path:page>", "page", lambda page: f"{page} is a page", methods=["GET", "POST"])


def interfere_within(
    app: Flask, tasks: TaskBlueprint, reporter: Reporter, begin: Callable[[int], None]
) -> None:
    """The same between the app and its tasks, before these are registered: middleware, and their hooks."""
    ask = _asking(reporter)
    app.wsgi_app = _Middleware(app, ask, begin)  # type: ignore[method-assign]  # Flask's documented place for middleware
    tasks.before_request(lambda: _answer(ask("blueprint-before")))
    tasks.after_request(
        lambda response: _replaced(response) if ask("blueprint-after") == "answer" else response
    )
    tasks.teardown_request(lambda _: _drop(ask("blueprint-teardown")))
    tasks.register_error_handler(Exception, lambda _: (ask("blueprint-error-page"), (SORRY, 200))[1])


def _asking(reporter: Reporter) -> Callable[..., str]:
    """What asks the oracle at a place, if the request is a task's; raises if it says so."""

    def ask(place: str, environ: Mapping[str, Any] | None = None) -> str:
        task = (environ or request.environ).get("HTTP_X_CLOUDTASKS_TASKNAME")
        act = "" if task is None else reporter.report(f"hook.{place}", task)
        if act == "raise":
            raise LookupError(f"the bench says so, {place}")
        if act == "leave":
            os._exit(1)
        return act

    return ask


class _Middleware:
    """Answers like a page, or a page at a time, or fails after the app has answered."""

    def __init__(self, app: Flask, ask: Callable[..., str], begin: Callable[[int], None]) -> None:
        self._inner, self._ask, self._begin = app.wsgi_app, ask, begin

    def __call__(self, environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:  # noqa: ANN401 - PEP 3333's
        self._begin(int(environ.get("HTTP_X_CLOUDTASKS_TASKRETRYCOUNT", "0")))
        if self._ask("middleware", environ) == "answer":
            start_response("200 OK", [("Content-Type", "text/html")])
            return [SORRY.encode()]
        body = self._inner(environ, start_response)
        self._ask("middleware-after", environ)
        return body


class _Sessions(SecureCookieSessionInterface):
    def __init__(self, ask: Callable[..., str]) -> None:
        self._ask = ask

    def open_session(self, app: Flask, asked: Request) -> SecureCookieSession | None:
        self._ask("open-session")
        return super().open_session(app, asked)

    def save_session(self, *arguments: Any) -> None:  # noqa: ANN401 - Flask's
        self._ask("save-session")
        super().save_session(*arguments)


def _answer(act: str) -> tuple[str | Iterator[str], int] | None:
    """A page at once, or one that never ends."""
    if act == "stream":
        return itertools.repeat(SORRY), 200
    return (SORRY, 200) if act == "answer" else None


def _replaced(response: Response) -> Response:
    response.status_code, response.data = 200, SORRY.encode()
    return response


def _drop(_: str) -> None:
    """Return nothing, as these hooks do."""
