"""A closed storage gives back what it holds, and opens again when it is used."""

from __future__ import annotations

from taskhandler.ledger.storage import Storage
from taskhandler.testing.contract.fixtures import Fixtures
from taskhandler.testing.contract.samples import FIRST, SECOND, fresh_key, read, written


class Closing(Fixtures):
    """`close`."""

    def test_a_closed_storage_opens_again_when_it_is_used(self, storage: Storage) -> None:
        key = fresh_key()
        version = written(storage.create(key, FIRST)).version
        storage.close()
        storage.close()
        assert read(storage, key).record == FIRST
        storage.close()
        written(storage.replace(key, SECOND, version))
        storage.close()
        assert [shown for shown, _ in storage.scan()] == [key]

    def test_a_storage_that_was_never_used_can_be_closed(self, storage: Storage) -> None:
        storage.close()
