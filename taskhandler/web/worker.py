"""What this process can know about the server whose worker it is."""

from __future__ import annotations

import signal
import sys

UNKNOWN_THREADS = 4
"""Requests that a worker of an unknown server is taken to serve at once: waitress' default."""


def find_gunicorn_worker() -> object | None:
    """Gunicorn's worker, if this is one: its handler of SIGTERM is a method of the worker.

    Read in gunicorn 23 to 27, sync, gthread and gevent.
    """
    worker = getattr(signal.getsignal(signal.SIGTERM), "__self__", None)
    return worker if isinstance(getattr(worker, "alive", None), bool) else None


def count_threads() -> int:
    """How many requests this worker serves at once, as far as the server tells."""
    worker = find_gunicorn_worker()
    settings = getattr(worker, "cfg", None)
    name = "worker_connections" if "gevent" in type(worker).__module__ else "threads"
    found = getattr(settings, name, None)
    return found if isinstance(found, int) else _count_uwsgi_threads() or UNKNOWN_THREADS


def _count_uwsgi_threads() -> int:
    """UWSGI's `--threads`, 1 without; 0 under another server. It puts a module into its workers."""
    options = getattr(sys.modules.get("uwsgi"), "opt", None)
    if not isinstance(options, dict):
        return 0
    option = options.get("threads", b"1")
    return int(option) if isinstance(option, bytes | str) and option.isdigit() else 1
