"""What surrounds a handler while it runs: its task is the current one, and heartbeats extend its lease."""

from __future__ import annotations

from contextvars import Token
from types import TracebackType

from taskhandler.ledger.heartbeat import Heartbeats
from taskhandler.ledger.lease import Lease
from taskhandler.task import CURRENT, Task


class Running:
    """Surrounds the run of one task. A class, since a generator of `contextlib` costs three times as much.

    Args:
        heartbeats: send those of the lease.
        lease: that the task is run under.
        task: what `current_task` is in the block.
    """

    __slots__ = ("_before", "_heartbeats", "_lease", "_task")

    def __init__(self, heartbeats: Heartbeats, lease: Lease, task: Task) -> None:
        self._heartbeats = heartbeats
        self._lease = lease
        self._task = task

    def __enter__(self) -> None:
        """Begin.

        Raises:
            RuntimeError: there is no thread for heartbeats, and none can be started.
        """
        self._heartbeats.watch(self._lease)
        self._before: Token[Task] = CURRENT.set(self._task)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        """End, however the handler ended."""
        self._heartbeats.forget(self._lease)
        CURRENT.reset(self._before)
