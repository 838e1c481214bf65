"""Storages that write otherwise than they say, or lose what they were given."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Hashable, Sequence
from typing import Any

from msgspec.structs import replace as with_changes

from taskhandler.ledger import Answer, Key, Record, Refused, Snapshot, Stale, TaskBody, Unavailable, Written
from taskhandler.ledger.memory import MemoryStorage

BODY_LIMIT = 1 << 16


class Right(MemoryStorage):
    """Keeps the contract, with batches of functions that are called when the record is written."""

    def replace(
        self,
        key: Key,
        record: Record,
        version: Hashable,
        *,
        dead_letter: TaskBody | None = None,
        writes: Sequence[Any] = (),
    ) -> Answer:
        if not all(map(callable, writes)):
            return Refused("a batch is made of functions")
        answer = super().replace(key, record, version, dead_letter=dead_letter)
        if isinstance(answer, Written):
            for write in writes:
                write()
        return answer


class CreateOverwrites(MemoryStorage):
    def create(self, key: Key, record: Record, *, dead_letter: TaskBody | None = None) -> Answer:
        return self._put(key, record, dead_letter)


class ReplaceIgnoresTheVersion(MemoryStorage):
    def replace(self, key: Key, record: Record, version: Hashable, **beside: Any) -> Answer:  # noqa: ANN401 - passed on
        found = self.read(key)
        held = found.version if isinstance(found, Snapshot) else version
        return super().replace(key, record, held, **beside)


class ReplaceCreates(MemoryStorage):
    def replace(self, key: Key, record: Record, version: Hashable, **beside: Any) -> Answer:  # noqa: ANN401 - passed on
        if self.read(key) is None:
            return self.create(key, record)
        return super().replace(key, record, version, **beside)


class _VersionsOfItsOwn(MemoryStorage):
    def _version(self, record: Record) -> Hashable:
        raise NotImplementedError

    def _put(self, key: Key, record: Record, dead_letter: TaskBody | None) -> Written:
        super()._put(key, record, dead_letter)
        version = self._version(record)
        self._rows[key] = with_changes(self._rows[key], version=version)
        return Written(version)


class VersionIsAHashOfTheContent(_VersionsOfItsOwn):
    def _version(self, record: Record) -> Hashable:
        return hashlib.sha256(repr(record).encode()).hexdigest()


class VersionIsATimeInSeconds(_VersionsOfItsOwn):
    def _version(self, record: Record) -> Hashable:  # noqa: ARG002 - this is what is wrong with it
        return time.monotonic_ns() // 10**9


class VersionIsAByte(_VersionsOfItsOwn):
    def _version(self, record: Record) -> Hashable:  # noqa: ARG002 - this is what is wrong with it
        return next(self._versions) % 256


class ReplaceLosesTheBody(MemoryStorage):
    def replace(
        self,
        key: Key,
        record: Record,
        version: Hashable,
        *,
        dead_letter: TaskBody | None = None,
        writes: Sequence[object] = (),
    ) -> Answer:
        answer = super().replace(key, record, version, writes=writes)
        if isinstance(answer, Written):
            self._rows[key] = with_changes(self._rows[key], dead_letter=dead_letter)
        return answer


class StaleWritesLeaveTheirBody(MemoryStorage):
    def create(self, key: Key, record: Record, *, dead_letter: TaskBody | None = None) -> Answer:
        answer = super().create(key, record, dead_letter=dead_letter)
        if answer == Stale() and dead_letter is not None:
            self._rows[key] = with_changes(self._rows[key], dead_letter=dead_letter)
        return answer


class BodiesAreCutOff(MemoryStorage):
    def dead_letter(self, key: Key) -> TaskBody | Unavailable | None:
        found = super().dead_letter(key)
        if not isinstance(found, TaskBody):
            return found
        return TaskBody(found.content[:BODY_LIMIT], found.content_type)


class WritesAreDropped(MemoryStorage):
    def replace(
        self,
        key: Key,
        record: Record,
        version: Hashable,
        *,
        dead_letter: TaskBody | None = None,
        writes: Sequence[object] = (),  # noqa: ARG002 - this is what is wrong with it
    ) -> Answer:
        return super().replace(key, record, version, dead_letter=dead_letter)


class BatchesCommitApart(MemoryStorage):
    """Each of the writes is a function to call."""

    def replace(
        self,
        key: Key,
        record: Record,
        version: Hashable,
        *,
        dead_letter: TaskBody | None = None,
        writes: Sequence[Any] = (),
    ) -> Answer:
        for write in writes:
            write()
        return super().replace(key, record, version, dead_letter=dead_letter)


class BatchesAreForgotten(MemoryStorage):
    """It checks what it is given, and keeps the record only."""

    def replace(
        self,
        key: Key,
        record: Record,
        version: Hashable,
        *,
        dead_letter: TaskBody | None = None,
        writes: Sequence[Any] = (),
    ) -> Answer:
        if not all(map(callable, writes)):
            return Refused("a batch is made of functions")
        return super().replace(key, record, version, dead_letter=dead_letter)


class RoundsAreLost(MemoryStorage):
    def _put(self, key: Key, record: Record, dead_letter: TaskBody | None) -> Written:
        return super()._put(key, with_changes(record, rounds=()), dead_letter)


class ATextIsStripped(MemoryStorage):
    def _put(self, key: Key, record: Record, dead_letter: TaskBody | None) -> Written:
        return super()._put(key, with_changes(record, reason=record.reason.strip()), dead_letter)


class FieldsOfNewerVersionsAreLost(MemoryStorage):
    def _put(self, key: Key, record: Record, dead_letter: TaskBody | None) -> Written:
        return super()._put(key, with_changes(record, unknown=()), dead_letter)


class TheOldestReaderIsIgnored(MemoryStorage):
    def read(self, key: Key) -> Snapshot | Unavailable | None:
        return next((shown for one, shown in self.scan() if one == key), None)


class KeysAreFolded(MemoryStorage):
    def create(self, key: Key, record: Record, *, dead_letter: TaskBody | None = None) -> Answer:
        return super().create(with_changes(key, task=key.task.lower()), record, dead_letter=dead_letter)

    def read(self, key: Key) -> Snapshot | Unavailable | None:
        return super().read(with_changes(key, task=key.task.lower()))


class PartOfABatchCommits(MemoryStorage):
    """Those of the writes that it knows."""

    def replace(
        self,
        key: Key,
        record: Record,
        version: Hashable,
        *,
        dead_letter: TaskBody | None = None,
        writes: Sequence[Any] = (),
    ) -> Answer:
        known = list(filter(callable, writes))
        answer = super().replace(key, record, version, dead_letter=dead_letter)
        if isinstance(answer, Written):
            for write in known:
                write()
        return answer


class AnEmptyBodyReplacesNone(MemoryStorage):
    def _put(self, key: Key, record: Record, dead_letter: TaskBody | None) -> Written:
        kept = self.dead_letter(key)
        if isinstance(kept, TaskBody) and dead_letter is not None and not dead_letter.content:
            return super()._put(key, record, kept)
        return super()._put(key, record, dead_letter)
