"""The WSGI servers that people use: how each is started, and what is known of it."""

from __future__ import annotations

import importlib.util
import os
import sys
from collections.abc import Callable, Container
from pathlib import Path

import pytest
from msgspec import Struct

UWSGI_ENDS_GRACEFULLY = ("--hook-master-start", "unix_signal:15 gracefully_kill_them_all")
APP = "tests.border.dispatcher:app"
EVERY_SERVER = os.environ.get("BORDER_SERVERS") == "every"
"""Whether all servers are tried (`make servers`), or a core of them."""


class Server(Struct, frozen=True, kw_only=True):
    """A server, with the options that people start it with.

    Attributes:
        name: as the table of docs/extensions-and-servers.md has it.
        module: what must be installed.
        command: starts it on a port of this machine; None is Flask's test client.
        reads_chunks: whether it decodes a body in chunks; if not, such a body has no known length.
        notices_torn_chunks: whether it says that a body in chunks broke off before its end.
        passes_cut_bodies: whether the app is called at all for a body shorter than announced.
        finishes_on_sigterm: whether a running handler is let to its end at SIGTERM.
    """

    name: str
    module: str
    command: Callable[[int], list[str]] | None
    reads_chunks: bool = True
    notices_torn_chunks: bool = True
    passes_cut_bodies: bool = True
    finishes_on_sigterm: bool = True


def _python(module: str, *options: str) -> list[str]:
    return [sys.executable, "-m", module, *options]


def _gunicorn(*options: str) -> Callable[[int], list[str]]:
    usual = ("--no-control-socket", "--graceful-timeout", "8", "--worker-tmp-dir", "/dev/shm")  # noqa: S108 - gunicorn's own advice
    return lambda port: _python("gunicorn", APP, "--bind", f"127.0.0.1:{port}", *usual, *options)


def _flask(*options: str) -> Callable[[int], list[str]]:
    return lambda port: _python("flask", "--app", APP, "run", "--port", str(port), *options)


def _waitress(port: int) -> list[str]:
    return _python("waitress", "--listen", f"127.0.0.1:{port}", APP)


def _wsgiref(port: int) -> list[str]:
    return _python("tests.border.wsgiref_server", str(port))


def _granian(port: int) -> list[str]:
    return _python("granian", "--interface", "wsgi", "--port", str(port), "--blocking-threads", "8", APP)


def _uwsgi(kind: str, *options: str) -> Callable[[int], list[str]]:
    script = str(Path(sys.executable).with_name("pyuwsgi"))
    usual = ("--module", APP, "--master", "--enable-threads", "--threads", "8", *UWSGI_ENDS_GRACEFULLY)
    return lambda port: [script, kind, f"127.0.0.1:{port}", *usual, *options]


SERVERS = (
    Server(name="test client", module="flask", command=None, reads_chunks=False),
    Server(
        name="gunicorn gthread",
        module="gunicorn",
        command=_gunicorn("--worker-class", "gthread", "--threads", "8"),
    ),
    Server(name="gunicorn sync", module="gunicorn", command=_gunicorn("--workers", "2")),
    Server(name="gunicorn gevent", module="gevent", command=_gunicorn("--worker-class", "gevent")),
    Server(name="flask run", module="flask", command=_flask(), finishes_on_sigterm=False),
    Server(name="flask run --debug", module="flask", command=_flask("--debug"), finishes_on_sigterm=False),
    Server(
        name="waitress",
        module="waitress",
        command=_waitress,
        passes_cut_bodies=False,
        finishes_on_sigterm=False,
    ),
    Server(
        name="wsgiref",
        module="wsgiref",
        command=_wsgiref,
        reads_chunks=False,
        finishes_on_sigterm=False,
    ),
    Server(name="granian", module="granian", command=_granian, notices_torn_chunks=False),
    Server(
        name="uWSGI --http-socket",
        module="pyuwsgi",
        command=_uwsgi("--http-socket"),
        reads_chunks=False,
    ),
    Server(
        name="uWSGI --http",
        module="pyuwsgi",
        command=_uwsgi("--http", "--http-chunked-input"),
        reads_chunks=False,
        passes_cut_bodies=False,
    ),
)

CORE = ("test client", "gunicorn gthread", "flask run", "waitress", "wsgiref")
"""Those that `make test` tries."""


def require(server: Server) -> None:
    """Skip the test, or fail it where CI=true, if the server is not installed."""
    if importlib.util.find_spec(server.module):
        return
    missing = f"{server.name} is not installed: run `make servers`"
    if os.environ.get("CI"):
        pytest.fail(missing)
    pytest.skip(missing)


def chosen(core: Container[str] = CORE, *, processes: bool = False) -> list[object]:
    """The servers to try as parameters of a test; each has one process of pytest-xdist to itself.

    Args:
        core: those that `make test` tries.
        processes: leave out what is not a process of its own, which is the test client.
    """
    tried = [server for server in SERVERS if EVERY_SERVER or server.name in core]
    return [
        pytest.param(server, id=server.name.replace(" ", "-"), marks=pytest.mark.xdist_group(server.name))
        for server in tried
        if server.command is not None or not processes
    ]
