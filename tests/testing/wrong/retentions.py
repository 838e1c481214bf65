"""Storages that remove what is to stay, or do not make room for what follows an end."""

from __future__ import annotations

from collections.abc import Callable

from taskhandler.ledger import TERMINAL, Key, Record, Snapshot, TaskBody, Unavailable, Written
from taskhandler.ledger.memory import MemoryStorage


class ExpiredEndsAreHidden(MemoryStorage):
    """A create does not know of it."""

    def read(self, key: Key) -> Snapshot | Unavailable | None:
        found = super().read(key)
        return None if isinstance(found, Snapshot) and found.has_expired else found


class EveryRecordExpires(MemoryStorage):
    def read(self, key: Key) -> Snapshot | Unavailable | None:
        found = super().read(key)
        if isinstance(found, Snapshot) and found.age >= found.record.retention:
            del self._rows[key]
            return None
        return found


class RetentionBeginsAtTheCreation(MemoryStorage):
    def __init__(self, *, clock: Callable[[], int]) -> None:
        super().__init__(clock=clock)
        self._created = dict[Key, int]()

    def read(self, key: Key) -> Snapshot | Unavailable | None:
        found = super().read(key)
        if isinstance(found, Snapshot) and found.record.state in TERMINAL:
            seconds = (self._clock() - self._created[key]) / 1e9
            return None if seconds >= found.record.retention else found
        return found

    def _put(self, key: Key, record: Record, dead_letter: TaskBody | None) -> Written:
        self._created.setdefault(key, self._clock())
        return super()._put(key, record, dead_letter)
