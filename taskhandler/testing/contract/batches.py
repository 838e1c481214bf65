"""A batch commits with its record or not at all; a storage that cannot do that says so."""

from __future__ import annotations

import pytest

from taskhandler.ledger.storage import Disputed, Stale, Storage
from taskhandler.lifecycle.verdict import Refused
from taskhandler.testing.contract.fixtures import Batch, Fixtures
from taskhandler.testing.contract.samples import FIRST, SECOND, THIRD, fresh_key, read, written


class Batches(Fixtures):
    """`writes`, an argument of `replace`."""

    def test_writes_that_the_storage_does_not_know_are_refused_and_nothing_is_written(
        self, storage: Storage
    ) -> None:
        key = fresh_key()
        version = written(storage.create(key, FIRST)).version
        answer = storage.replace(key, THIRD, version, writes=[object()])
        refused = answer.otherwise if isinstance(answer, Disputed) else answer
        assert isinstance(refused, Refused)
        found = read(storage, key)
        assert (found.record, found.version) == (FIRST, version)

    def test_a_batch_commits_with_its_record(self, storage: Storage, batch: Batch | None) -> None:
        if batch is None:
            pytest.skip("no batches: there is no fixture 'batch'")
        key = fresh_key()
        version = written(storage.create(key, FIRST)).version
        written(storage.replace(key, THIRD, version, writes=batch.writes))
        assert read(storage, key).record == THIRD
        assert batch.is_written()

    def test_a_batch_with_one_write_that_the_storage_does_not_know_is_refused_whole(
        self, storage: Storage, batch: Batch | None
    ) -> None:
        if batch is None:
            pytest.skip("no batches: there is no fixture 'batch'")
        key = fresh_key()
        version = written(storage.create(key, FIRST)).version
        answer = storage.replace(key, THIRD, version, writes=[*batch.writes, object()])
        assert isinstance(answer.otherwise if isinstance(answer, Disputed) else answer, Refused)
        assert read(storage, key).record == FIRST
        assert not batch.is_written()

    def test_the_batch_of_a_stale_write_does_not_commit(self, storage: Storage, batch: Batch | None) -> None:
        if batch is None:
            pytest.skip("no batches: there is no fixture 'batch'")
        key = fresh_key()
        version = written(storage.create(key, FIRST)).version
        written(storage.replace(key, SECOND, version))
        assert isinstance(storage.replace(key, THIRD, version, writes=batch.writes), Stale | Disputed)
        assert read(storage, key).record == SECOND
        assert not batch.is_written()
