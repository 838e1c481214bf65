"""Starts the programs of this folder, each of which opens a storage of its own."""

from __future__ import annotations

import os
import pkgutil
import subprocess
import sys
from collections.abc import Callable

from taskhandler.ledger.storage import Storage

TIMEOUT_SECONDS = 60.0
"""After which a program hangs."""


def resolve(opener: str) -> Callable[[str], Storage]:
    """The function from a URL to a storage that `module:function` names, as in an entry point."""
    function: Callable[[str], Storage] = pkgutil.resolve_name(opener)
    return function


def start(program: str, opener: str, url: str, *arguments: object) -> subprocess.Popen[str]:
    """Start a program; what it prints can be read."""
    command = _command(program, opener, url, arguments)
    return subprocess.Popen(command, env=_environment(), stdout=subprocess.PIPE, text=True)  # noqa: S603 - ours


def output_of(program: str, opener: str, url: str, *arguments: object) -> str:
    """Run a program to its end; what it printed.

    Raises:
        CalledProcessError: it failed; the reason is in its traceback, which goes to our stderr.
        TimeoutExpired: it hangs.
    """
    done = subprocess.run(  # noqa: S603 - one of ours
        _command(program, opener, url, arguments),
        env=_environment(),
        stdout=subprocess.PIPE,
        text=True,
        check=True,
        timeout=TIMEOUT_SECONDS,
    )
    return done.stdout.strip()


def _command(program: str, opener: str, url: str, arguments: tuple[object, ...]) -> list[str]:
    module = f"taskhandler.testing.programs.{program}"
    return [sys.executable, "-m", module, opener, url, *map(str, arguments)]


def _environment() -> dict[str, str]:
    """Ours, with what can be imported here: a storage need not be installed to be tested."""
    return {**os.environ, "PYTHONPATH": os.pathsep.join(path or os.getcwd() for path in sys.path)}  # noqa: PTH109 - a str
