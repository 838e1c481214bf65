"""A record of what the handlers did, kept apart from any ledger: lines appended to a file."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager

from taskhandler import Task, TaskEvent


class Effects:
    """Appends to the file at `path`, from any number of processes; to nothing if there is no path.

    A line is one write to a file opened for appending, so lines do not mix, and what was written stays
    written if the process is killed right afterwards.
    """

    def __init__(self, path: str) -> None:
        """Open the file."""
        self._file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644) if path else None

    @contextmanager
    def of(self, task: Task) -> Iterator[None]:
        """Note that the work of `task` begins, and that it is done unless it raises."""
        self._write("begun", task)
        yield
        self._write("done", task)

    def outcome(self, event: TaskEvent) -> None:
        """Note what a delivery came to."""
        outcome = "" if event.outcome is None else event.outcome.value
        self._line({"what": "outcome", "outcome": outcome, "task": event.task, "handler": event.handler})

    def _write(self, what: str, task: Task) -> None:
        self._line({"what": what, "task": task.id, "handler": task.handler, "attempt": task.attempt})

    def _line(self, line: dict[str, object]) -> None:
        if self._file is not None:
            stamped = {"at": time.time(), "pid": os.getpid(), **line}
            os.write(self._file, json.dumps(stamped).encode() + b"\n")
