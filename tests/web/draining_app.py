"""A WSGI app that says whether its worker is draining; under gunicorn, for the tests of `Drain`."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterator
from typing import Any

from taskhandler.web.drain import Drain

MOST_LOOKS = 2000
"""Looks, a hundredth of a second apart, before the waiting is given up."""

draining = Drain()
draining()  # with --preload this runs in the master, which is not a worker


def app(environ: dict[str, Any], start_response: Callable[..., object]) -> Iterator[bytes]:
    """`/now` says how it is; any other path says which process it is, and then waits for the drain."""
    start_response("200 OK", [("Content-Type", "text/plain")])
    if environ["PATH_INFO"] == "/now":
        return iter([_state()])
    return _watched()


def _watched() -> Iterator[bytes]:
    yield b"%d\n" % os.getpid()
    looks = (threading.Event().wait(0.01) for _ in range(MOST_LOOKS))
    yield next((b"draining" for _ in looks if draining()), b"serving")


def _state() -> bytes:
    return b"draining" if draining() else b"serving"
