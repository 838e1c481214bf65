"""An end is kept for its retention, and makes room then; what has not ended is kept."""

from __future__ import annotations

import threading
import time

import pytest
from msgspec.structs import replace

from taskhandler.ledger.storage import Key, Storage
from taskhandler.lifecycle.record import Snapshot, State
from taskhandler.testing.contract.fixtures import Fixtures
from taskhandler.testing.contract.samples import FIRST, THIRD, fresh_key, read, written

SHORT_SECONDS = 0.2
LONG_SECONDS = 2.0
"""Longer than it takes to write a record and read it, on a busy machine too."""

TIMEOUT_SECONDS = 10.0


class Retention(Fixtures):
    """`Record.retention`, as a storage that removes records understands it."""

    def test_an_end_that_has_expired_makes_room_for_a_first_record(self, storage: Storage) -> None:
        key = fresh_key()
        written(storage.create(key, replace(THIRD, retention=SHORT_SECONDS)))
        found = _wait_until_expired(storage, key)
        written(storage.create(key, FIRST) if found is None else storage.replace(key, FIRST, found.version))
        assert read(storage, key).record == FIRST

    @pytest.mark.parametrize("state", [State.RUNNING, State.WAITING])
    def test_a_record_that_has_not_ended_stays_for_longer_than_its_retention(
        self, storage: Storage, state: State
    ) -> None:
        key, record = fresh_key(), replace(FIRST, state=state, retention=SHORT_SECONDS)
        written(storage.create(key, record))
        _wait_until_aged(storage, key, 2 * SHORT_SECONDS)
        written(storage.create(fresh_key(), THIRD))  # with which a storage may remove what has expired
        assert read(storage, key).record == record

    def test_the_retention_begins_when_the_end_is_written(self, storage: Storage) -> None:
        key = fresh_key()
        version = written(storage.create(key, replace(FIRST, retention=LONG_SECONDS))).version
        _wait_until_aged(storage, key, LONG_SECONDS)
        before, end = time.monotonic(), replace(THIRD, retention=LONG_SECONDS)
        written(storage.replace(key, end, version))
        found = storage.read(key)
        is_early = time.monotonic() - before < LONG_SECONDS
        assert not is_early or (isinstance(found, Snapshot) and not found.has_expired)


def _wait_until_expired(storage: Storage, key: Key) -> Snapshot | None:
    until = time.monotonic() + TIMEOUT_SECONDS
    while time.monotonic() < until:
        found = storage.read(key)
        if found is None:
            return None
        if isinstance(found, Snapshot) and found.has_expired:
            return found
        threading.Event().wait(SHORT_SECONDS / 10)
    pytest.fail("the end does not expire")


def _wait_until_aged(storage: Storage, key: Key, seconds: float) -> None:
    until = time.monotonic() + TIMEOUT_SECONDS
    while read(storage, key).age < seconds:
        if time.monotonic() > until:
            pytest.fail("the record does not grow older")
        threading.Event().wait(SHORT_SECONDS / 10)
