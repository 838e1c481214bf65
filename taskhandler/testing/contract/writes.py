"""Every write is conditional, and says truly whether it was done."""

from __future__ import annotations

from taskhandler.ledger.storage import Disputed, Stale, Storage, Written
from taskhandler.testing.contract.fixtures import Fixtures
from taskhandler.testing.contract.samples import FIRST, SECOND, THIRD, fresh_key, read, written


class Writes(Fixtures):
    """`read`, `create` and `replace`, one after the other."""

    def test_a_storage_has_every_member_of_the_protocol(self, storage: Storage) -> None:
        assert isinstance(storage, Storage)
        assert isinstance(storage.shared, bool)

    def test_a_key_that_was_never_written_has_no_record(self, storage: Storage) -> None:
        assert storage.read(fresh_key()) is None
        assert storage.dead_letter(fresh_key()) is None

    def test_a_created_record_is_read_with_its_version(self, storage: Storage) -> None:
        key = fresh_key()
        answer = written(storage.create(key, FIRST))
        found = read(storage, key)
        assert (found.record, found.version) == (FIRST, answer.version)

    def test_a_second_create_is_stale_and_changes_nothing(self, storage: Storage) -> None:
        key = fresh_key()
        answer = written(storage.create(key, FIRST))
        assert storage.create(key, SECOND) == Stale()
        found = read(storage, key)
        assert (found.record, found.version) == (FIRST, answer.version)

    def test_a_record_is_replaced_at_the_version_it_has(self, storage: Storage) -> None:
        key = fresh_key()
        created = written(storage.create(key, FIRST))
        replaced = written(storage.replace(key, SECOND, created.version))
        assert read(storage, key).record == SECOND
        written(storage.replace(key, THIRD, replaced.version))
        assert read(storage, key).record == THIRD

    def test_a_record_is_replaced_at_the_version_that_was_read(self, storage: Storage) -> None:
        key = fresh_key()
        written(storage.create(key, FIRST))
        written(storage.replace(key, SECOND, read(storage, key).version))

    def test_a_replacement_at_an_old_version_is_stale_and_changes_nothing(self, storage: Storage) -> None:
        key = fresh_key()
        created = written(storage.create(key, FIRST))
        replaced = written(storage.replace(key, SECOND, created.version))
        assert storage.replace(key, THIRD, created.version) == Stale()
        found = read(storage, key)
        assert (found.record, found.version) == (SECOND, replaced.version)

    def test_a_replacement_at_another_rows_version_is_not_written(self, storage: Storage) -> None:
        one, other = fresh_key(), fresh_key()
        written(storage.create(one, FIRST))
        version = written(storage.create(other, FIRST)).version
        if version == read(storage, one).version:  # versions that count from one for each row
            version = written(storage.replace(other, SECOND, version)).version
        assert isinstance(storage.replace(one, SECOND, version), Stale | Disputed)
        assert read(storage, one).record == FIRST

    def test_a_replacement_of_a_record_that_is_not_there_is_stale(self, storage: Storage) -> None:
        elsewhere = written(storage.create(fresh_key(), FIRST))
        key = fresh_key()
        assert storage.replace(key, SECOND, elsewhere.version) == Stale()
        assert storage.read(key) is None

    def test_a_version_of_another_storage_is_stale(self, storage: Storage) -> None:
        key = fresh_key()
        written(storage.create(key, FIRST))
        for foreign in ("a text", -1, 2**70, b"bytes", ("a", "tuple"), None):
            assert not isinstance(storage.replace(key, SECOND, foreign), Written), foreign
        assert read(storage, key).record == FIRST
