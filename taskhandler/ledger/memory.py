"""The ledger for tests and local development: in this process's memory, gone when it ends."""

from __future__ import annotations

import itertools
import json
import threading
from collections.abc import Callable, Collection, Hashable, Iterator, Sequence

from msgspec import Struct

from taskhandler.errors import LEDGER_KEY, ConfigError
from taskhandler.forks import notify_of_forks
from taskhandler.ledger import bootclock
from taskhandler.ledger.listing import page_of
from taskhandler.ledger.storage import (
    Answer,
    Entry,
    Key,
    Listed,
    Page,
    Stale,
    TaskBody,
    Unavailable,
    Written,
    check_reader,
)
from taskhandler.lifecycle.record import Record, Snapshot
from taskhandler.lifecycle.verdict import Refused


class _Row(Struct, frozen=True, gc=False):
    record: Record
    version: int
    at: int
    dead_letter: TaskBody | None


class MemoryStorage:
    """Records in a dictionary.

    A forked child continues with a copy: use it with one process.

    Args:
        clock: nanoseconds since some fixed moment; never goes back.
    """

    shared = False

    def __init__(self, *, clock: Callable[[], int]) -> None:
        self._clock = clock
        self._rows: dict[Key, _Row] = {}
        self._versions = itertools.count(1)
        self._lock = threading.Lock()
        notify_of_forks(self)

    def read(self, key: Key) -> Snapshot | Unavailable | None:
        """See `Storage.read`."""
        now = self._clock()
        row = self._rows.get(key)
        return None if row is None else check_reader(row.record.min_reader) or _make_snapshot(row, now)

    def create(self, key: Key, record: Record, *, dead_letter: TaskBody | None = None) -> Answer:
        """See `Storage.create`."""
        with self._lock:
            if key in self._rows:
                return Stale()
            return self._put(key, record, dead_letter)

    def replace(
        self,
        key: Key,
        record: Record,
        version: Hashable,
        *,
        dead_letter: TaskBody | None = None,
        writes: Sequence[object] = (),
    ) -> Answer:
        """See `Storage.replace`. `writes` are refused: this ledger has no atomic batches."""
        if writes:
            return Refused("the memory ledger has no atomic batches")
        with self._lock:
            row = self._rows.get(key)
            if row is None or row.version != version:
                return Stale()
            return self._put(key, record, dead_letter or row.dead_letter)

    def dead_letter(self, key: Key) -> TaskBody | Unavailable | None:
        """See `Storage.dead_letter`."""
        row = self._rows.get(key)
        return None if row is None else row.dead_letter

    def list(
        self,
        states: Collection[Listed],
        *,
        handler: str | None = None,
        after: str | None = None,
        limit: int = 50,
    ) -> Page | Unavailable:
        """See `Storage.list`."""
        entries = (Entry(_make_id(key), key, snapshot) for key, snapshot in self.scan())
        return page_of(entries, states, handler=handler, after=after, limit=limit)

    def scan(self) -> Iterator[tuple[Key, Snapshot]]:
        """See `Storage.scan`."""
        with self._lock:
            rows = list(self._rows.items())
        now = self._clock()
        return ((key, _make_snapshot(row, now)) for key, row in rows)

    def close(self) -> None:
        """Nothing is held; the records stay."""

    def before_fork(self) -> None:
        """Nothing has to come to rest: a row is put in its place in one step."""

    def after_fork_in_parent(self) -> None:
        """Go on."""

    def after_fork_in_child(self) -> None:
        """Another thread of the parent may have held the lock."""
        self._lock = threading.Lock()

    def _put(self, key: Key, record: Record, dead_letter: TaskBody | None) -> Written:
        version = next(self._versions)
        self._rows[key] = _Row(record, version, self._clock(), dead_letter)
        return Written(version)


def open_memory(url: str) -> MemoryStorage:
    """A new ledger for each call, at `memory://`.

    Raises:
        ConfigError: there is more in the URL.
    """
    if url != "memory://":
        problem = "the memory ledger has no path and no options"
        raise ConfigError(LEDGER_KEY, url, problem, remedy="Write memory://")
    return MemoryStorage(clock=bootclock.now_ns)


def _make_id(key: Key) -> str:
    return json.dumps([key.namespace, key.queue, key.task, key.conflict])


def _make_snapshot(row: _Row, now: int) -> Snapshot:
    return Snapshot(row.record, row.version, max(0, now - row.at) * bootclock.SECONDS_PER_NANOSECOND)
