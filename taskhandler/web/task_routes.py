"""Which requests of an app are tasks: decided by the path and a header, before Flask sees the request.

A request at or under the prefix of a task blueprint is a task's if it carries the task's name, as each
delivery of Cloud Tasks does. Without that name it is a task's if it is below the prefix, and no rule of the
app's own under that prefix fits it. An app's own page at the prefix, or its own route below it, stays the
app's.
"""

from __future__ import annotations

import posixpath
import re
from typing import Any
from urllib.parse import unquote, urlsplit

from flask import Flask
from werkzeug.exceptions import HTTPException, MethodNotAllowed
from werkzeug.routing import MapAdapter, RequestRedirect, Rule

from taskhandler.handlers.handler import Handler

_SLASHES = re.compile(r"[/\\\\]+")


class TaskRoutes:
    """The task routes of one app.

    Args:
        app: whose own rules count, too.
        name_header: the WSGI variable of the header that carries the task's name.
    """

    def __init__(self, app: Flask, *, name_header: str) -> None:
        self._app = app
        self._name_header = name_header
        self._prefixes: tuple[str, ...] = ()
        self._handlers: dict[str, Handler[Any, Any]] = {}
        self._endpoints: set[str] = set()

    def add_mount(self, prefix: str) -> None:
        """Add a task blueprint that is mounted at `prefix`, such as "/tasks"."""
        self._prefixes = tuple(sorted({*self._prefixes, _list_spellings(_encode_path(prefix))[1]}))

    def add_handler(self, prefix: str, handler: Handler[Any, Any], *, endpoint: str) -> None:
        """Add one of its handlers, which Flask knows by `endpoint`."""
        self._endpoints.add(endpoint)
        path = _encode_path(f"{prefix}/{handler.name}")
        self._handlers |= {path: handler, f"{path}/": handler}

    def find_handler(self, path: str) -> Handler[Any, Any] | None:
        """The handler whose route the path is, if it is one."""
        return self._handlers.get(path)

    def is_named(self, environ: dict[str, Any]) -> bool:
        """Whether the request carries a task's name, as each delivery does."""
        return self._name_header in environ

    def is_task(self, environ: dict[str, Any]) -> bool:
        """Whether only the task routes may answer the request."""
        path: str = environ.get("PATH_INFO", "")
        if self.is_named(environ):
            return path in self._handlers or self._find_prefix(path) is not None
        prefix = self._find_prefix(path)
        is_below = prefix is not None and prefix not in _list_spellings(path)
        return is_below and not self._is_apps_own(environ)

    def _find_prefix(self, path: str) -> str | None:
        """The prefix that the path is at or under, however it is written."""
        spellings = _list_spellings(path)
        for prefix in self._prefixes:
            if any(plain == prefix or plain.startswith(f"{prefix}/") for plain in spellings):
                return prefix
        return None

    def _is_apps_own(self, environ: dict[str, Any]) -> bool:
        """Whether a rule of the app's own under a prefix fits the request."""
        try:
            adapter = self._app.create_url_adapter(self._app.request_class(environ))
            rules = [] if adapter is None else _find_rules(adapter)
        except HTTPException:  # the host is not valid: no rule fits it
            return False
        except Exception:  # noqa: BLE001 - a URL converter's; Flask will meet it again and report it
            return True
        return any(
            self._find_prefix(_encode_path(rule.rule))
            for rule in rules
            if rule.endpoint not in self._endpoints
        )


def _encode_path(path: str) -> str:
    """A path as it is in a WSGI environment: its bytes, each as one character."""
    return path.encode().decode("latin-1")


def _list_spellings(path: str) -> tuple[str, str]:
    """The path as servers and proxies may read it: no doubled slashes, no capitals, with and without dots."""
    plain = _SLASHES.sub("/", f"/{path}").casefold()
    return plain.rstrip("/"), posixpath.normpath(plain)


def _find_rules(adapter: MapAdapter, path: str | None = None, method: str | None = None) -> list[Rule]:
    """The rule that fits the request; where none takes the method, those that fit the path."""
    try:
        return [adapter.match(path, method, return_rule=True)[0]]
    except MethodNotAllowed as error:
        methods = error.valid_methods or ()
        return [rule for method in methods for rule in _find_rules(adapter, path, method)]
    except RequestRedirect as error:  # of the routing, to one more or one fewer slash
        target = urlsplit(error.new_url).path.removeprefix(adapter.script_name.rstrip("/"))
        return _find_rules(adapter, unquote(target), method) if path is None else []
    except HTTPException:
        return []
