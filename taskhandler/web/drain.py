"""Whether this worker is to stop."""

from __future__ import annotations

from collections.abc import Callable

from taskhandler.forks import call_in_child
from taskhandler.web.worker import find_gunicorn_worker


class Drain:
    """Tells whether the worker is draining: then it claims no more tasks, and running handlers should stop.

    Under gunicorn a worker that got SIGTERM is recognised without any configuration: it knows whether it
    is to stay `alive` (read in gunicorn 23 to 27). Under other servers call `drain()`.

    A worker that has had its `--max-requests` is not draining: gunicorn ends its life before it hands
    over the last request, which is to be served like any other.
    """

    def __init__(self) -> None:
        self._is_draining = False
        self._is_stopping: Callable[[], bool] | None = None
        call_in_child(self._forget_worker)

    def __call__(self) -> bool:
        """Whether the worker is draining."""
        if self._is_stopping is None:
            self._is_stopping = _watch_worker()
        return self._is_draining or self._is_stopping()

    def drain(self) -> None:
        """Stop claiming tasks: deliveries are answered 503 from now on."""
        self._is_draining = True

    def _forget_worker(self) -> None:
        self._is_stopping = None


def _watch_worker() -> Callable[[], bool]:
    worker = find_gunicorn_worker()
    if worker is None:
        return lambda: False
    return lambda: not getattr(worker, "alive", True) and not _has_served_out(worker)


def _has_served_out(worker: object) -> bool:
    served, most = getattr(worker, "nr", 0), getattr(worker, "max_requests", None)
    return most is not None and bool(served >= most)
