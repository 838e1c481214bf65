"""Whether this worker has been told to stop."""

from __future__ import annotations

from collections.abc import Callable

from taskhandler.forks import call_in_child
from taskhandler.web.worker import gunicorn_worker


class Drain:
    """Tells whether the worker is draining: then it claims no more tasks, and running handlers should stop.

    Under gunicorn a worker that got SIGTERM is recognised without any configuration: it knows whether it
    is to stay `alive` (read in gunicorn 23 to 27). Under other servers call `drain()`.

    A worker that has had its `--max-requests` is not draining: gunicorn ends its life before it hands
    over the last request, which is to be served like any other.
    """

    def __init__(self) -> None:
        self._told = False
        self._stopping: Callable[[], bool] | None = None
        call_in_child(self._look_again)

    def __call__(self) -> bool:
        """Whether the worker is draining."""
        if self._stopping is None:
            self._stopping = _stopping()
        return self._told or self._stopping()

    def drain(self) -> None:
        """Stop claiming tasks: deliveries are answered 503 from now on."""
        self._told = True

    def _look_again(self) -> None:
        self._stopping = None


def _stopping() -> Callable[[], bool]:
    worker = gunicorn_worker()
    if worker is None:
        return lambda: False
    return lambda: not getattr(worker, "alive", True) and not _served_out(worker)


def _served_out(worker: object) -> bool:
    served, most = getattr(worker, "nr", 0), getattr(worker, "max_requests", None)
    return most is not None and bool(served >= most)
