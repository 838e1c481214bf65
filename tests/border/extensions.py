"""Customizations that are real extensions: each as its own documentation has it, and with its exemption."""

from __future__ import annotations

from typing import Any, NoReturn

from cachelib import SimpleCache
from flask import Flask, Response, redirect, request, session
from flask_compress import Compress
from flask_cors import CORS
from flask_debugtoolbar import DebugToolbarExtension
from flask_limiter import Limiter
from flask_login import LoginManager, current_user
from flask_session import Session
from flask_sqlalchemy import SQLAlchemy
from flask_talisman import Talisman
from flask_wtf.csrf import CSRFError, CSRFProtect
from msgspec import Struct
from werkzeug.middleware.dispatcher import DispatcherMiddleware
from werkzeug.middleware.proxy_fix import ProxyFix

from taskhandler import TaskBlueprint
from tests.border.customization import CUSTOMIZATIONS, Customization, Install, fail, page


class Extension(Struct, frozen=True, kw_only=True):
    """An extension beside tasks.

    Attributes:
        installed: as its documentation has it.
        reaches: whether a delivery reaches its handler then.
        exempted: the same, with the exemption that lets deliveries through; None if none is needed.
        exemption: what users write for that.
        placements: whether the exemption may come before the tasks are registered (`early`) or after.
    """

    installed: Install
    reaches: bool = True
    exempted: Install | None = None
    exemption: str = ""
    placements: tuple[str, ...] = ("early", "late")


def _wtf(app: Flask, _: TaskBlueprint) -> None:
    CSRFProtect(app)


def _wtf_exempted(app: Flask, tasks: TaskBlueprint) -> None:
    CSRFProtect(app).exempt(tasks)


def _wtf_with_a_page(app: Flask, tasks: TaskBlueprint) -> None:
    _wtf(app, tasks)
    app.register_error_handler(CSRFError, page)


def _wtf_with_a_page_exempted(app: Flask, tasks: TaskBlueprint) -> None:
    _wtf_exempted(app, tasks)
    app.register_error_handler(CSRFError, page)


def _limiter(app: Flask) -> Limiter:
    return Limiter(lambda: "everybody", app=app, default_limits=["0 per hour"], storage_uri="memory://")


def _limiter_exempted(app: Flask, tasks: TaskBlueprint) -> None:
    _limiter(app).exempt(tasks)


def _talisman(app: Flask, _: TaskBlueprint) -> Talisman:
    app.debug = False  # in debug mode, as under `flask run --debug`, it redirects nothing
    return Talisman(app)


def _talisman_exempted(app: Flask, tasks: TaskBlueprint) -> None:
    talisman = _talisman(app, tasks)
    for endpoint, view in app.view_functions.items():
        if endpoint.startswith("tasks."):
            app.view_functions[endpoint] = talisman(force_https=False)(view)


def _login(app: Flask, *, exempt: str = "") -> None:
    manager = LoginManager(app)
    manager.user_loader(lambda _: None)

    def guard() -> Any:  # noqa: ANN401 - whatever a hook may return
        if request.blueprint == exempt or current_user.is_authenticated:
            return None
        return redirect("/login")

    app.before_request(guard)


def _sqlalchemy(app: Flask, _: TaskBlueprint) -> None:
    app.config["SQLALCHEMY_DATABASE_URI"] = "sqlite://"
    database = SQLAlchemy(app)

    def commit(error: BaseException | None) -> None:
        database.session.rollback() if error else database.session.commit()

    app.teardown_request(commit)


class FullCache(SimpleCache):
    """A store that takes nothing more."""

    def set(self, *_: object, **__: object) -> NoReturn:
        """Fail."""
        fail()


def _session(app: Flask, cache: SimpleCache) -> None:
    app.config.update(SESSION_TYPE="cachelib", SESSION_CACHELIB=cache)
    Session(app)
    app.before_request(lambda: session.update(seen=True))


def _compress(app: Flask, _: TaskBlueprint) -> None:
    app.config["COMPRESS_MIN_SIZE"] = 0
    Compress(app)


def _toolbar(app: Flask, _: TaskBlueprint) -> None:
    app.debug = True
    DebugToolbarExtension(app)


def _proxy_fix(app: Flask, _: TaskBlueprint) -> None:
    app.wsgi_app = ProxyFix(app.wsgi_app, x_host=1, x_prefix=1)  # type: ignore[method-assign]  # Flask's documented way


def _dispatcher(app: Flask, _: TaskBlueprint) -> None:
    app.wsgi_app = DispatcherMiddleware(app.wsgi_app, {"/metrics": Response("up 1")})  # type: ignore[method-assign]  # Flask's documented way


EXTENSIONS = {
    "Flask-WTF": Extension(
        installed=_wtf,
        reaches=False,
        exempted=_wtf_exempted,
        exemption="`csrf.exempt(tasks)`",
    ),
    "Flask-WTF with an error page": Extension(
        installed=_wtf_with_a_page,
        reaches=False,
        exempted=_wtf_with_a_page_exempted,
        exemption="`csrf.exempt(tasks)`",
    ),
    "Flask-Limiter": Extension(
        installed=lambda app, _: _limiter(app),
        reaches=False,
        exempted=_limiter_exempted,
        exemption="`limiter.exempt(tasks)`",
    ),
    "Flask-Talisman": Extension(
        installed=_talisman,
        reaches=False,
        exempted=_talisman_exempted,
        exemption="`talisman(force_https=False)(view)` for the views of `tasks`",
        placements=("late",),
    ),
    "Flask-Login": Extension(
        installed=lambda app, _: _login(app),
        reaches=False,
        exempted=lambda app, _: _login(app, exempt="tasks"),
        exemption='`request.blueprint == "tasks"` in the guard',
    ),
    "Flask-CORS": Extension(installed=lambda app, _: CORS(app)),
    "Flask-SQLAlchemy": Extension(installed=_sqlalchemy),
    "Flask-Session": Extension(installed=lambda app, _: _session(app, SimpleCache())),
    "Flask-Session whose store is full": Extension(installed=lambda app, _: _session(app, FullCache())),
    "Flask-Compress": Extension(installed=_compress),
    "Flask-DebugToolbar": Extension(installed=_toolbar),
    "ProxyFix": Extension(installed=_proxy_fix),
    "DispatcherMiddleware": Extension(installed=_dispatcher),
}

for _name, _extension in EXTENSIONS.items():
    CUSTOMIZATIONS[_name] = Customization(
        install=_extension.installed, reaches=_extension.reaches, placements=("early", "late")
    )
    if _extension.exempted is not None:
        CUSTOMIZATIONS[f"{_name}, exempted"] = Customization(
            install=_extension.exempted, placements=_extension.placements
        )
