"""The ledger for tests and local development: in this process's memory, gone when it ends."""

from __future__ import annotations

import itertools
import threading
from collections.abc import Callable, Hashable, Iterator, Sequence

from msgspec import Struct

from taskhandler.forks import tell_of_forks
from taskhandler.ledger.storage import Answer, Key, Letter, Stale, Unavailable, Written
from taskhandler.lifecycle.record import Found, Record
from taskhandler.lifecycle.verdict import Refused

NANOSECOND = 1e-9


class _Row(Struct, frozen=True, gc=False):
    record: Record
    version: int
    at: int
    letter: Letter | None


class MemoryStorage:
    """Records in a dictionary.

    A forked child goes on with a copy of its own: use it with one process.

    Args:
        clock: nanoseconds since some fixed moment; never goes back.
    """

    shared = False

    def __init__(self, *, clock: Callable[[], int]) -> None:
        self._clock = clock
        self._rows: dict[Key, _Row] = {}
        self._versions = itertools.count(1)
        self._lock = threading.Lock()
        tell_of_forks(self)

    def read(self, key: Key) -> Found | Unavailable | None:
        """See `Storage.read`."""
        now = self._clock()
        row = self._rows.get(key)
        return None if row is None else _found(row, now)

    def create(self, key: Key, record: Record, *, letter: Letter | None = None) -> Answer:
        """See `Storage.create`."""
        with self._lock:
            if key in self._rows:
                return Stale()
            return self._put(key, record, letter)

    def replace(
        self,
        key: Key,
        record: Record,
        version: Hashable,
        *,
        letter: Letter | None = None,
        writes: Sequence[object] = (),
    ) -> Answer:
        """See `Storage.replace`. `writes` are refused: this ledger has no atomic batches."""
        if writes:
            return Refused("the memory ledger has no atomic batches")
        with self._lock:
            row = self._rows.get(key)
            if row is None or row.version != version:
                return Stale()
            return self._put(key, record, letter or row.letter)

    def letter(self, key: Key) -> Letter | Unavailable | None:
        """See `Storage.letter`."""
        row = self._rows.get(key)
        return None if row is None else row.letter

    def scan(self) -> Iterator[tuple[Key, Found]]:
        """See `Storage.scan`."""
        with self._lock:
            rows = list(self._rows.items())
        now = self._clock()
        return ((key, _found(row, now)) for key, row in rows)

    def close(self) -> None:
        """Nothing is held; the records stay."""

    def before_fork(self) -> None:
        """Nothing has to come to rest: a row is put in its place in one step."""

    def after_fork_in_parent(self) -> None:
        """Go on."""

    def after_fork_in_child(self) -> None:
        """Another thread of the parent may have held the lock."""
        self._lock = threading.Lock()

    def _put(self, key: Key, record: Record, letter: Letter | None) -> Written:
        version = next(self._versions)
        self._rows[key] = _Row(record, version, self._clock(), letter)
        return Written(version)


def _found(row: _Row, now: int) -> Found:
    return Found(row.record, row.version, max(0, now - row.at) * NANOSECOND)
