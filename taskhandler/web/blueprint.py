"""Where Flask begins and ends: a blueprint whose routes are handlers."""

from __future__ import annotations

import importlib.util
import inspect
from collections.abc import Callable, Iterable
from datetime import timedelta
from typing import Any, ParamSpec, TypeVar, overload

from flask import Blueprint, Flask, Response, current_app, has_app_context
from flask.blueprints import BlueprintSetupState
from flask.globals import request_ctx
from werkzeug.local import LocalProxy

from taskhandler.delivery.receiver import Receiver
from taskhandler.delivery.request import Delivered, Incoming
from taskhandler.errors import ConfigError, UsageError
from taskhandler.handlers.handler import Handler
from taskhandler.handlers.options import check_options, choose_name
from taskhandler.task import CURRENT, Task
from taskhandler.task_ref import TaskRef
from taskhandler.web.assembly import Assembly, assemble
from taskhandler.web.guard import Guard
from taskhandler.web.incoming import WSGIHeaders, read_body
from taskhandler.web.task_request import CURRENT_REQUEST, JSON, TaskRequest, TaskResponse, ensure_task_request
from taskhandler.web.task_routes import TaskRoutes

P = ParamSpec("P")
R = TypeVar("R")

EXTENSION = "taskhandler"
"""The key of the app's `Assembly` in `app.extensions`."""

GUARD = "taskhandler.guard"
"""The key of the app's `Guard`, beside it."""

current_task: Task = LocalProxy(CURRENT, unbound_message="no handler of a task is running here")  # type: ignore[assignment]  # a proxy of one, as in Flask
"""The task whose handler runs here."""


class TaskBlueprint(Blueprint):
    """A Flask blueprint that receives Cloud Tasks: `POST <url_prefix>/<handler's name>`.

    Mounted, nested and named like any other. The app's settings are read when the first one is
    registered; see docs/settings.md.
    """

    def __init__(self, name: str, import_name: str, **options: Any) -> None:  # noqa: ANN401 - whatever flask.Blueprint takes
        """See `flask.Blueprint`."""
        super().__init__(name, import_name, **options)
        self.handlers: dict[str, Handler[Any, Any]] = {}
        self.record(self._mount)

    @overload
    def handler(self, name: Callable[P, R], /) -> Handler[P, R]: ...

    @overload
    def handler(
        self,
        name: str | None = None,
        /,
        *,
        lease: float | timedelta | None = None,
        max_attempts: int | None = None,
        on_invalid: str = "reject",
        queue: str | None = None,
        service_accounts: Iterable[str] | None = None,
    ) -> Callable[[Callable[P, R]], Handler[P, R]]: ...

    def handler(self, name: object = None, /, **options: Any) -> Any:
        """Register the decorated function as the handler of tasks, with or without a name and options.

        Args:
            name: is part of the URL; by default the function's own name.
            **options: see `taskhandler.handlers.options.Options`.

        Raises:
            UsageError: the name is taken or not allowed, an option is unknown or wrong, or the
                function's arguments cannot be filled.
        """
        if callable(name):
            return self._add(None, name, {})
        return lambda function: self._add(name, function, options)

    def _add(self, name: object, function: Callable[P, R], options: dict[str, Any]) -> Handler[P, R]:
        self._check_setup_finished("handler")
        chosen = choose_name(name, function)
        if chosen in self.handlers:
            raise UsageError(f"blueprint {self.name!r} already has a handler {chosen!r}")
        if inspect.iscoroutinefunction(function) and importlib.util.find_spec("asgiref") is None:
            raise UsageError(f"handler {chosen!r} is async: install flask[async]")
        handler = Handler(function, name=chosen, options=check_options(chosen, options), post=_post)
        self.handlers[chosen] = handler
        return handler

    def _check_accounts(self, receiver: Receiver) -> None:
        for handler in self.handlers.values():
            others = (handler.options.service_accounts or frozenset()) - {*receiver.settings.service_accounts}
            if others and receiver.settings.auth != "none":
                problem = (
                    f"handler {handler.name!r} allows accounts that TASKHANDLER_SERVICE_ACCOUNTS does not"
                )
                raise ConfigError("service_accounts", sorted(others), problem, remedy=_ACCOUNTS)

    def _mount(self, state: BlueprintSetupState) -> None:
        prefix = (state.url_prefix or "").rstrip("/")
        if not prefix or "<" in prefix:
            raise ConfigError("url_prefix", state.url_prefix, _PREFIX)
        app = state.app
        if not isinstance(app, Flask):
            raise UsageError(f"{app!r} is not a Flask app")
        assembly = ensure_assembly(app)
        receiver = assembly.receiver
        self._check_accounts(receiver)
        subdomain = state.subdomain or app.url_map.default_subdomain
        endpoints = _find_posts(app, subdomain)
        assembly.mounts.add(
            self.name, prefix, self.handlers.values(), host=_find_host(app, subdomain), endpoints=endpoints
        )
        routes = _ensure_guard(app, receiver).routes
        routes.add_mount(prefix)
        for handler in self.handlers.values():
            view = _make_view(receiver, handler, app.ensure_sync(handler.function))
            routes.add_handler(prefix, handler, endpoint=_add_rules(state, handler.name, view))


def _post(
    handler: Handler[Any, Any], payload: object, *, name: str | None, delay: float | timedelta | None
) -> TaskRef:
    if not has_app_context():
        raise UsageError(
            f"{handler!r}.enqueue() outside of an app: write it inside `with app.app_context():`"
        )
    assembly = ensure_assembly(current_app._get_current_object())  # type: ignore[attr-defined]  # noqa: SLF001 - Flask's documented way to the app
    url = assembly.mounts.url_of(handler)
    return assembly.enqueuer.enqueue(handler, payload, url=url, name=name, delay=delay)


_ACCOUNTS = "Add them to TASKHANDLER_SERVICE_ACCOUNTS, which a handler can only narrow"

_PREFIX = (
    "must be a fixed prefix that no other route of the app has. "
    'Write app.register_blueprint(tasks, url_prefix="/tasks")'
)


def ensure_assembly(app: Flask) -> Assembly:
    """What all task blueprints of `app` share; made, from its settings, when it is first asked for.

    Raises:
        ConfigError: a setting is missing or wrong.
    """
    assembly = app.extensions.get(EXTENSION)
    if not isinstance(assembly, Assembly):
        debug = bool(app.debug or app.testing)
        assembly = assemble(app.config, instance=app.instance_path, debug=debug, sender=app)
        app.extensions[EXTENSION] = assembly
    return assembly


def _find_host(app: Flask, subdomain: str) -> str:
    """The host that routes in `subdomain` answer under; empty where Flask does not look at it.

    Raises:
        ConfigError: they would answer under none.
    """
    if app.url_map.host_matching:
        problem = "a blueprint's routes then answer under no host"
        remedy = "Mount it in an app without host matching"
        raise ConfigError("host_matching", app.url_map.host_matching, problem, remedy=remedy)
    server = app.config["SERVER_NAME"] or ""
    if app.subdomain_matching and server and "<" not in subdomain:
        return f"{subdomain}.{server}".lstrip(".").lower()
    if subdomain != app.url_map.default_subdomain:
        problem = "the app does not answer under this subdomain"
        remedy = "Set SERVER_NAME, write Flask(subdomain_matching=True), and name a fixed subdomain"
        raise ConfigError("subdomain", subdomain, problem, remedy=remedy)
    return ""


def _find_posts(app: Flask, subdomain: str) -> dict[str, str]:
    """The endpoints that already answer a POST in the app, by path."""
    rules = [rule for rule in app.url_map.iter_rules() if rule.subdomain == subdomain]
    return {rule.rule: rule.endpoint for rule in rules if rule.methods is None or "POST" in rule.methods}


def _ensure_guard(app: Flask, receiver: Receiver) -> Guard:
    guard = app.extensions.get(GUARD)
    if not isinstance(guard, Guard):
        header = "HTTP_X_APPENGINE_TASKNAME" if receiver.settings.app_engine else "HTTP_X_CLOUDTASKS_TASKNAME"
        guard = app.extensions[GUARD] = Guard(app, receiver, TaskRoutes(app, name_header=header))
    return guard


def _add_rules(state: BlueprintSetupState, name: str, view: Callable[[], Response]) -> str:
    """Route the tasks of the handler `name` to `view`, without any redirect; the endpoint's full name."""
    for rule in (f"/{name}", f"/{name}/"):
        state.add_url_rule(
            rule, name, view, methods=("POST",), provide_automatic_options=False, merge_slashes=False
        )
    return f"{state.name_prefix}.{state.name}.{name}".lstrip(".")


def _make_view(
    receiver: Receiver, handler: Handler[Any, Any], call: Callable[..., object]
) -> Callable[[], Response]:
    limit = receiver.settings.max_body

    def deliver() -> Response:
        request = request_ctx.request
        environ = request.environ
        passed = CURRENT_REQUEST.get()
        task_request = ensure_task_request(environ, limit, passed=passed)
        if task_request is passed and not task_request.guarded:  # the guard has only watched it until now
            task_request.take_over(environ)
        task_request.entered = True
        if not task_request.guarded:
            receiver.notifier.warn_unguarded(environ.get("PATH_INFO", ""))
        incoming = Incoming(
            handler, call, WSGIHeaders(environ), lambda: read_body(request, task_request.body)
        )
        return _hand_over(receiver.deliver(incoming), task_request)

    return deliver


def _hand_over(delivered: Delivered, task_request: TaskRequest) -> Response:
    """Leave the reply to the guard, and show the app what it would see of an ordinary view.

    Raises:
        Exception: what the handler raised.
    """
    task_request.reply, task_request.error = delivered.reply, delivered.error
    try:
        if delivered.error is not None:
            raise delivered.error
        reply = delivered.reply
        response = TaskResponse([reply.body], reply.status_line, content_type=JSON)
        for name, value in reply.headers:
            response.headers.add(name, value)
        return response
    finally:
        del delivered  # its error's traceback holds this frame: a reference cycle
