"""What surrounds a handler while it runs: its task is the current one, and heartbeats extend its lease."""

from __future__ import annotations

from types import TracebackType
from typing import Any

from msgspec import Struct

from taskhandler.ledger.heartbeat_scheduler import Heartbeats
from taskhandler.ledger.lease import Lease
from taskhandler.task import CURRENT, Task


class Running(Struct, eq=False):
    """Surrounds the run of one task. Not a generator of `contextlib`, which takes more calls.

    Attributes:
        heartbeats: send those of the lease.
        lease: that the task is run under.
        task: what `current_task` is in the block.
        before: the token of what it was before, once the block has begun.
    """

    heartbeats: Heartbeats
    lease: Lease
    task: Task
    before: Any = None

    def __enter__(self) -> None:
        """Begin.

        Raises:
            RuntimeError: there is no thread for heartbeats, and none can be started.
        """
        self.heartbeats.watch(self.lease)
        self.before = CURRENT.set(self.task)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        """End, however the handler ended."""
        self.heartbeats.forget(self.lease)
        CURRENT.reset(self.before)
