"""What an app may have beside its tasks: hooks, sessions, error pages, middleware, all of them hostile.

Each `Customization` is installed before or after the task blueprint is registered, and says which outcome
a delivery has whose handler returns, and one whose handler raises.
"""

from __future__ import annotations

import copy
import json
from collections.abc import Callable, Iterable
from typing import Any, NoReturn

from flask import Flask, Response, abort, got_request_exception, redirect, request, request_started, session
from flask.sessions import SecureCookieSessionInterface
from msgspec import Struct

COMPLETED, INTERCEPTED, RETRY, UNAVAILABLE = "completed", "intercepted", "retry", "unavailable"


class Customization(Struct, frozen=True):
    """One of them, and the outcomes beside it.

    Attributes:
        install: adds it to the app.
        returning: the outcome of a delivery whose handler returns.
        raising: the outcome of one whose handler raises.
    """

    install: Callable[[Flask], object]
    returning: str = COMPLETED
    raising: str = RETRY


def fail(*_: object, **__: object) -> NoReturn:
    """Raise."""
    raise RuntimeError("a hook's error")


def stop(*_: object, **__: object) -> NoReturn:
    """Raise one of werkzeug's own."""
    abort(418)


def _answering(app: Flask, answer: Any) -> None:  # noqa: ANN401 - whatever a view may return
    app.before_request(lambda: answer)


def _intercepting(install: Callable[[Flask], object]) -> Customization:
    return Customization(install, INTERCEPTED, INTERCEPTED)


class NoSession(SecureCookieSessionInterface):
    """Sessions whose store is down when they are opened."""

    def open_session(self, app: Flask, request: Any) -> NoReturn:  # noqa: ANN401, ARG002 - as Flask has it
        """Fail."""
        fail()


class UnsavedSession(SecureCookieSessionInterface):
    """Sessions whose store is down when they are saved."""

    def save_session(self, app: Flask, session: Any, response: Response) -> NoReturn:  # noqa: ANN401, ARG002 - as Flask has it
        """Fail."""
        fail()


def _sessions(app: Flask, interface: SecureCookieSessionInterface) -> None:
    app.session_interface = interface
    app.secret_key = "secret"
    app.before_request(_fill_session)


def _fill_session() -> None:
    session["large"] = "x" * 10**6


def _large_cookie(app: Flask) -> None:
    app.secret_key = "secret"
    app.before_request(_fill_session)


def _redirect_at_the_end(app: Flask) -> None:
    app.after_request(lambda _: redirect("/"))


def _append_to_hooks(app: Flask, hook: Callable[..., object], *, first: bool) -> None:
    hooks = app.after_request_funcs.setdefault(None, [])
    hooks.insert(0 if first else len(hooks), hook)


def _error_page(app: Flask, *kinds: Any) -> None:  # noqa: ANN401 - codes and exceptions
    for kind in kinds:
        app.register_error_handler(kind, lambda _: "<h1>sorry</h1>")


def _catch_all(app: Flask) -> None:
    methods = ["GET", "POST", "PUT", "HEAD", "OPTIONS"]
    app.add_url_rule("/<path:rest>", "all", lambda rest: f"page {rest}", methods=methods)
    app.register_error_handler(404, lambda _: ("single page", 200))


def _around(app: Flask, middleware: Callable[[Any, dict[str, Any], Any], Iterable[bytes]]) -> None:
    inner = app.wsgi_app
    app.wsgi_app = lambda environ, start: middleware(inner, environ, start)  # type: ignore[assignment, method-assign]  # as Flask's docs do


def _yielding(inner: Any, environ: dict[str, Any], start: Any) -> Iterable[bytes]:  # noqa: ANN401 - as WSGI
    yield from inner(environ, start)


def _copying(inner: Any, environ: dict[str, Any], start: Any) -> Iterable[bytes]:  # noqa: ANN401 - as WSGI
    answer: Iterable[bytes] = inner(copy.copy(environ), start)
    return answer


def _writing(_inner: Any, _environ: dict[str, Any], start: Any) -> Iterable[bytes]:  # noqa: ANN401 - as WSGI
    start("200 OK", [])(b"written")
    return []


def _read_form(app: Flask) -> None:
    def read() -> None:
        assert request.form is not None

    app.before_request(read)


def _read_stream(app: Flask) -> None:
    def read() -> None:
        assert request.stream.read() is not None
        request.environ["wsgi.input"].close()

    app.before_request(read)


def _replace_input(app: Flask) -> None:
    def replace() -> None:
        request.environ["wsgi.input"] = None
        request.environ["CONTENT_LENGTH"] = "1"

    app.before_request(replace)


def _broken_handlers(app: Flask) -> None:
    for kind in (Exception, 500, 404):
        app.register_error_handler(kind, fail)


def _broken_listeners(app: Flask) -> None:
    for signal in (got_request_exception, request_started):
        signal.connect(fail, app)
    app.extensions["keep"] = fail


CUSTOMIZATIONS: dict[str, Customization] = {
    "nothing": Customization(lambda _: None),
    "a before_request that raises": _intercepting(lambda app: app.before_request(fail)),
    "a before_request that aborts": _intercepting(lambda app: app.before_request(stop)),
    "a before_request that answers": _intercepting(lambda app: _answering(app, "maintenance")),
    "a before_request that answers 204": _intercepting(lambda app: _answering(app, ("", 204))),
    "a before_request that redirects": _intercepting(lambda app: _answering(app, redirect("/login"))),
    "a before_request that streams": _intercepting(
        lambda app: app.before_request(lambda: Response(iter(["a", "b"])))
    ),
    "a before_request that copies our answer": _intercepting(
        lambda app: _answering(
            app, (json.dumps({"outcome": "completed"}), 200, {"X-TaskHandler-Outcome": "completed"})
        )
    ),
    "an after_request that raises": Customization(lambda app: app.after_request(fail)),
    "an after_request that aborts": Customization(lambda app: app.after_request(stop)),
    "an after_request that redirects": Customization(_redirect_at_the_end),
    "an after_request that is first": Customization(lambda app: _append_to_hooks(app, fail, first=True)),
    "an after_request that is last": Customization(lambda app: _append_to_hooks(app, fail, first=False)),
    "an after_request that returns nothing": Customization(lambda app: app.after_request(lambda _: None)),
    "a teardown_request that raises": Customization(lambda app: app.teardown_request(fail)),
    "a teardown_appcontext that raises": Customization(lambda app: app.teardown_appcontext(fail)),
    "a url_value_preprocessor that raises": _intercepting(lambda app: app.url_value_preprocessor(fail)),
    "sessions that cannot be opened": _intercepting(lambda app: _sessions(app, NoSession())),
    "sessions that cannot be saved": Customization(lambda app: _sessions(app, UnsavedSession())),
    "a session of a megabyte": Customization(_large_cookie),
    "an error page for everything": Customization(lambda app: _error_page(app, Exception)),
    "an error page for codes": Customization(lambda app: _error_page(app, 404, 405, 413, 500, 503)),
    "error handlers that raise": Customization(_broken_handlers),
    "listeners that raise": _intercepting(_broken_listeners),
    "a single page and a catch-all": Customization(_catch_all),
    "a hook that reads the form": Customization(_read_form),
    "a hook that reads and closes the stream": Customization(_read_stream),
    "a hook that takes the input away": Customization(_replace_input),
    "a small MAX_CONTENT_LENGTH": Customization(lambda app: app.config.update(MAX_CONTENT_LENGTH=1)),
    "a middleware that is a generator": Customization(lambda app: _around(app, _yielding)),
    "a middleware that copies the environment": Customization(lambda app: _around(app, _copying)),
}

INNER_ONLY: dict[str, Customization] = {
    "a middleware that answers and writes": _intercepting(lambda app: _around(app, _writing)),
}
"""Those which stand inside of the guard only if they come before the blueprint."""

ACKNOWLEDGING_TOGETHER = ("an after_request that raises", "an error page for everything")
"""Two that together acknowledged failed tasks: a hook that fails, and a page for it without a status."""
