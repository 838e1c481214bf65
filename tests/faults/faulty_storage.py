"""A storage around the real one, which reports every operation to the oracle and can be made to fail.

Acts before an operation: `down` (not done, and it says so), `lose` (not done, and nobody knows). Acts after
it: `lose` (done, and nobody knows). And those of `oracle_client.obey` at both.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Collection, Hashable, Iterator, Sequence

from taskhandler.ledger.sqlite import file as sqlite_file
from taskhandler.ledger.sqlite import group_commit
from taskhandler.ledger.storage import (
    Answer,
    Key,
    Listed,
    Page,
    Storage,
    TaskBody,
    Unavailable,
    Unknown,
    Written,
)
from taskhandler.lifecycle.record import Record, Snapshot, State
from tests.faults.oracle_client import Reporter

DOWN = Unavailable("the bench says so")
LOST = Unknown("the bench says so")


def report_locks(reporter: Reporter) -> None:
    """Report whenever this process has become the writer of a SQLite ledger."""

    def begun(connection: sqlite3.Connection, wait: Callable[[float], None]) -> None:
        sqlite_file.begin(connection, wait)
        reporter.report("locked")

    setattr(group_commit, "begin", begun)  # noqa: B010 - it is not that module's own


class FaultyStorage:
    """See the module; the contract is `Storage`'s."""

    def __init__(self, storage: Storage, reporter: Reporter) -> None:
        self.shared = storage.shared
        self._storage = storage
        self._reporter = reporter
        self._held: set[str] = set()

    def read(self, key: Key) -> Snapshot | Unavailable | None:
        """See `Storage.read`."""
        if self._reporter.report("read.sent", key.task) in {"down", "lose"}:
            return DOWN
        found = self._storage.read(key)
        record = found.record if isinstance(found, Snapshot) else None
        answer = type(found).__name__.lower()
        lost = self._report("read.done", key, record, answer) in {"down", "lose"}
        return DOWN if lost else found

    def create(self, key: Key, record: Record, *, dead_letter: TaskBody | None = None) -> Answer:
        """See `Storage.create`."""
        return self._write(key, record, lambda: self._storage.create(key, record, dead_letter=dead_letter))

    def replace(
        self,
        key: Key,
        record: Record,
        version: Hashable,
        *,
        dead_letter: TaskBody | None = None,
        writes: Sequence[object] = (),
    ) -> Answer:
        """See `Storage.replace`."""
        return self._write(
            key,
            record,
            lambda: self._storage.replace(key, record, version, dead_letter=dead_letter, writes=writes),
        )

    def dead_letter(self, key: Key) -> TaskBody | Unavailable | None:
        """See `Storage.dead_letter`."""
        return self._storage.dead_letter(key)

    def list(
        self,
        states: Collection[Listed],
        *,
        handler: str | None = None,
        after: str | None = None,
        limit: int = 50,
    ) -> Page | Unavailable:
        return self._storage.list(states, handler=handler, after=after, limit=limit)

    def scan(self) -> Iterator[tuple[Key, Snapshot]]:
        """See `Storage.scan`."""
        return self._storage.scan()

    def close(self) -> None:
        """See `Storage.close`."""
        self._storage.close()

    def _write(self, key: Key, record: Record, write: Callable[[], Answer]) -> Answer:
        name = self._name(key, record)
        match self._report(f"{name}.sent", key, record):
            case "down":
                return DOWN
            case "lose":
                return LOST
            case _:
                pass
        answer = write()
        if name == "claim" and isinstance(answer, Written | Unknown):
            self._held.add(record.lease_id)
        ordered = self._report(f"{name}.done", key, record, type(answer).__name__.lower())
        return LOST if ordered == "lose" else answer

    def _name(self, key: Key, record: Record) -> str:
        if key.conflict:
            return "keep_conflict"
        if record.on_dead_called:
            return "mark_notified"
        if record.state is not State.RUNNING:
            return "settle"
        return "heartbeat" if record.lease_id in self._held else "claim"

    def _report(self, what: str, key: Key, record: Record | None, answer: str = "") -> str:
        if record is None:
            return self._reporter.report(what, key.task, answer=answer)
        return self._reporter.report(
            what,
            key.task,
            answer=answer,
            attempt=record.attempt,
            fence=record.fence,
            lease_id=record.lease_id,
            lease=record.lease,
            state=record.state.value,
        )
