"""What the ledger in memory promises beyond the contract."""

from __future__ import annotations

import pytest

from taskhandler.ledger.memory import MemoryStorage
from taskhandler.ledger.storage import Key, Written
from taskhandler.lifecycle.record import Snapshot
from taskhandler.lifecycle.verdict import Refused
from tests.ledger.programs.start import output_of
from tests.ledger.samples import FIRST
from tests.ledger.samples import SECOND as NEXT
from tests.ledger.sqlite.local_storage import Clocks

KEY = Key("project/location", "queue", "task-1")
SECOND = 10**9


def age_in(storage: MemoryStorage) -> float:
    seen = storage.read(KEY)
    assert isinstance(seen, Snapshot)
    return seen.age


def test_a_memory_storage_is_not_shared_between_processes():
    assert MemoryStorage.shared is False


def test_the_age_of_a_record_is_measured_by_the_storages_clock(clocks: Clocks):
    storage = MemoryStorage(clock=lambda: clocks.boot)
    created = storage.create(KEY, FIRST)
    assert isinstance(created, Written)
    clocks.boot += 29 * SECOND
    assert age_in(storage) == pytest.approx(29.0)
    assert [shown.age for _, shown in storage.scan()] == [pytest.approx(29.0)]
    storage.replace(KEY, NEXT, created.version)
    assert age_in(storage) == 0.0


def test_a_record_has_age_zero_under_a_clock_that_went_back(clocks: Clocks):
    storage = MemoryStorage(clock=lambda: clocks.boot)
    storage.create(KEY, FIRST)
    clocks.boot -= SECOND
    assert age_in(storage) == 0.0


def test_the_writes_of_a_batch_are_refused(clocks: Clocks):
    storage = MemoryStorage(clock=lambda: clocks.boot)
    created = storage.create(KEY, FIRST)
    assert isinstance(created, Written)
    assert isinstance(storage.replace(KEY, NEXT, created.version, writes=[object()]), Refused)
    assert storage.read(KEY) == Snapshot(FIRST, created.version)


def test_a_child_forked_during_writes_does_not_hang():
    assert output_of("forking", "memory://", 4, 20) == "20 children, 4 threads"
