"""Storages that go wrong in company: among threads, among processes, after they were closed."""

from __future__ import annotations

import queue
import sqlite3
import threading
from collections.abc import Sequence
from contextlib import closing
from typing import Any

from examples.table_ledger import TableStorage
from taskhandler.ledger import Answer, Key, Record, Snapshot, Stale, TaskBody, Unavailable, Written
from taskhandler.ledger.memory import MemoryStorage


class ThreadsCheckAndThenWrite(MemoryStorage):
    def create(self, key: Key, record: Record, *, dead_letter: TaskBody | None = None) -> Answer:
        if self.read(key) is not None:
            return Stale()
        threading.Event().wait(0.01)
        return self._put(key, record, dead_letter)


class ProcessesAreApart(MemoryStorage):
    """In memory, whatever it says of other processes."""


class ClosedForEver(MemoryStorage):
    closed = False

    def close(self) -> None:
        self.closed = True

    def read(self, key: Key) -> Snapshot | Unavailable | None:
        return Unavailable("closed") if self.closed else super().read(key)


class WritersWaitForEver(TableStorage):
    def _query(self, statement: str, *values: object) -> Sequence[tuple[Any, ...]]:
        with closing(sqlite3.connect(self._path, timeout=3600, isolation_level=None)) as connection:
            if not statement.startswith(("INSERT", "UPDATE")):
                return connection.execute(statement, values).fetchall()
            connection.execute("BEGIN IMMEDIATE")
            rows = connection.execute(statement, values).fetchall()
            threading.Event().wait(0.05)  # so that a stop finds it with the lock
            connection.execute("COMMIT")
            return rows


class AnswersComeBeforeTheWrite(TableStorage):
    """Another thread writes, a little later."""

    def __init__(self, path: str) -> None:
        super().__init__(path)
        self._later = queue.Queue[tuple[Key, Record]]()
        threading.Thread(target=self._write_later, daemon=True).start()

    def create(self, key: Key, record: Record, *, dead_letter: TaskBody | None = None) -> Answer:  # noqa: ARG002 - not needed
        self._later.put((key, record))
        return Written("soon")

    def _write_later(self) -> None:
        while True:
            super().create(*self._later.get())


class BodiesAreInOneProcess(TableStorage):
    def __init__(self, path: str) -> None:
        super().__init__(path)
        self._bodies = dict[Key, TaskBody]()

    def create(self, key: Key, record: Record, *, dead_letter: TaskBody | None = None) -> Answer:
        answer = super().create(key, record)
        if isinstance(answer, Written) and dead_letter is not None:
            self._bodies[key] = dead_letter
        return answer

    def dead_letter(self, key: Key) -> TaskBody | Unavailable | None:
        return self._bodies.get(key)


class ReadsAreCached(TableStorage):
    """Until this storage writes the record itself."""

    def __init__(self, path: str) -> None:
        super().__init__(path)
        self._cached = dict[Key, Snapshot | Unavailable | None]()

    def read(self, key: Key) -> Snapshot | Unavailable | None:
        if key not in self._cached:
            self._cached[key] = super().read(key)
        return self._cached[key]

    def _write(self, statement: str, key: Key, *what: Any) -> Answer:  # noqa: ANN401 - passed on
        self._cached.pop(key, None)
        return super()._write(statement, key, *what)
