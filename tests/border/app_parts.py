"""Customizations that are error pages, sessions, routes, settings, app classes, and inner middleware."""

from __future__ import annotations

from typing import Any

import flask
from flask import Flask, Response, redirect, session
from flask.sessions import SessionInterface, SessionMixin

from taskhandler import TaskBlueprint
from tests.border.customization import customization, fail, page

HUGE = "x" * 1_000_000

# ---------------------------------------------------------------- error pages


@customization()
def a_page_for_every_error(app: Flask, _: TaskBlueprint) -> None:
    app.register_error_handler(Exception, page)


@customization()
def a_page_for_500(app: Flask, _: TaskBlueprint) -> None:
    app.register_error_handler(500, lambda _: ("sorry", 200))


@customization()
def a_page_for_404(app: Flask, _: TaskBlueprint) -> None:
    app.register_error_handler(404, lambda _: "<div id=app></div>")


@customization()
def a_page_for_405(app: Flask, _: TaskBlueprint) -> None:
    app.register_error_handler(405, lambda _: "<div id=app></div>")


@customization()
def an_error_page_that_raises(app: Flask, _: TaskBlueprint) -> None:
    app.register_error_handler(Exception, fail)


@customization(placements=("early",))
def a_blueprint_page_for_every_error(_: Flask, tasks: TaskBlueprint) -> None:
    tasks.register_error_handler(Exception, page)


# ---------------------------------------------------------------- sessions


class NoStore(SessionInterface):
    """A session store that is down when a session is opened."""

    def open_session(self, app: Flask, request: flask.Request) -> SessionMixin | None:
        """Fail."""
        del app, request
        fail()


class FullStore(flask.sessions.SecureCookieSessionInterface):
    """A session store that takes nothing more."""

    def save_session(self, app: Flask, session: SessionMixin, response: Response) -> None:
        """Fail."""
        del app, session, response
        fail()


@customization(reaches=False)
def a_session_that_cannot_be_opened(app: Flask, _: TaskBlueprint) -> None:
    app.session_interface = NoStore()


@customization()
def a_session_that_cannot_be_saved(app: Flask, _: TaskBlueprint) -> None:
    app.session_interface = FullStore()


@customization()
def a_session_cookie_of_a_megabyte(app: Flask, _: TaskBlueprint) -> None:
    app.before_request(lambda: session.update(everything=HUGE))


# ---------------------------------------------------------------- routes and classes


@customization()
def a_catch_all_route(app: Flask, _: TaskBlueprint) -> None:
    methods = ["GET", "POST", "PUT", "DELETE", "PATCH"]
    app.add_url_rule("/<path:rest>", "all", page, methods=methods)


@customization()
def pages_at_and_under_the_prefix(app: Flask, _: TaskBlueprint) -> None:
    """Pages of the app's own, for people."""
    app.add_url_rule("/tasks", "overview", page)
    app.add_url_rule("/tasks/health", "health", page, methods=["GET", "POST"])
    app.add_url_rule("/tasks/log", "log", lambda: Response(f"line {number}\n" for number in range(3)))


@customization()
def a_limit_of_bodies_with_a_page(app: Flask, _: TaskBlueprint) -> None:
    app.config["MAX_CONTENT_LENGTH"] = 1
    app.register_error_handler(413, lambda _: redirect("/"))


@customization()
def every_error_is_propagated(app: Flask, _: TaskBlueprint) -> None:
    app.config["PROPAGATE_EXCEPTIONS"] = app.config["TRAP_HTTP_EXCEPTIONS"] = True


@customization(reaches=False)
def hosts_that_are_not_trusted(app: Flask, _: TaskBlueprint) -> None:
    app.config["TRUSTED_HOSTS"] = ["else.where"]
    app.register_error_handler(400, page)


class Cached(Flask):
    """An app that answers from a cache of its own, which has a page for everything."""

    def dispatch_request(self) -> flask.typing.ResponseReturnValue:
        """Answer in the place of the view."""
        return page()


class Cheerful(Flask):
    """An app that makes every response a good one."""

    def process_response(self, response: Response) -> Response:
        """Answer 200."""
        response.status_code = 200
        return super().process_response(response)


class Stoic(Flask):
    """An app that takes no exception for a failure."""

    def handle_exception(self, e: Exception) -> Response:
        """Answer 200."""
        del e
        return Response("fine", 200)

    def handle_user_exception(self, e: Exception) -> flask.typing.ResponseReturnValue:
        """Answer 200."""
        del e
        return "fine"


@customization(reaches=False, flask=Cached, placements=("early",))
def dispatch_request_is_overridden(_: Flask, __: TaskBlueprint) -> None:
    """The class does it."""


@customization(flask=Cheerful, placements=("early",))
def process_response_is_overridden(_: Flask, __: TaskBlueprint) -> None:
    """The class does it."""


@customization(flask=Stoic, placements=("early",))
def handle_exception_is_overridden(_: Flask, __: TaskBlueprint) -> None:
    """The class does it."""


# ---------------------------------------------------------------- middleware inside of the tasks' own layer


@customization(placements=("early",))
def an_inner_middleware_that_copies_the_environ(app: Flask, _: TaskBlueprint) -> None:
    inner = app.wsgi_app
    app.wsgi_app = lambda environ, start_response: inner(dict(environ), start_response)  # type: ignore[method-assign]  # Flask's documented way


@customization(placements=("early",), reaches=False)
def an_inner_middleware_that_answers(app: Flask, _: TaskBlueprint) -> None:
    app.wsgi_app = Response("cached", 200)  # type: ignore[method-assign]  # a WSGI app, which is all that is needed


@customization(placements=("early",))
def an_inner_middleware_that_replaces_the_answer(app: Flask, _: TaskBlueprint) -> None:
    inner = app.wsgi_app

    def replace(environ: dict[str, Any], start_response: Any) -> Any:  # noqa: ANN401 - the standard's own types
        for _ in inner(environ, lambda *_: lambda _: None):
            pass
        return Response("cached", 200)(environ, start_response)

    app.wsgi_app = replace  # type: ignore[method-assign]  # Flask's documented way
