"""A version stands for one write, and is never used again."""

from __future__ import annotations

from taskhandler.ledger.storage import Stale, Storage
from taskhandler.testing.contract.fixtures import Fixtures
from taskhandler.testing.contract.samples import FIRST, SECOND, THIRD, fresh_key, read, written


class Versions(Fixtures):
    """`Written.version` and `Snapshot.version`."""

    def test_a_version_can_be_hashed_and_compared(self, storage: Storage) -> None:
        key = fresh_key()
        version = written(storage.create(key, FIRST)).version
        assert {version} == {read(storage, key).version}

    def test_reading_does_not_change_the_version(self, storage: Storage) -> None:
        key = fresh_key()
        written(storage.create(key, FIRST))
        assert read(storage, key).version == read(storage, key).version

    def test_a_replacement_by_an_equal_record_has_a_version_of_its_own(self, storage: Storage) -> None:
        key = fresh_key()
        created = written(storage.create(key, FIRST))
        replaced = written(storage.replace(key, FIRST, created.version))
        assert replaced.version != created.version
        assert storage.replace(key, SECOND, created.version) == Stale()

    def test_a_version_is_not_used_again_when_the_content_is_as_it_was(self, storage: Storage) -> None:
        key = fresh_key()
        versions = [written(storage.create(key, FIRST)).version]
        for record in (SECOND, FIRST, SECOND, FIRST):
            versions.append(written(storage.replace(key, record, versions[-1])).version)
        assert len(set(versions)) == len(versions)
        for version in versions[:-1]:
            assert storage.replace(key, THIRD, version) == Stale()
        assert read(storage, key).record == FIRST

    def test_versions_of_many_writes_are_all_different(self, storage: Storage) -> None:
        key = fresh_key()
        versions = [written(storage.create(key, FIRST)).version]
        for _ in range(300):  # more than a byte counts
            versions.append(written(storage.replace(key, FIRST, versions[-1])).version)
        assert len(set(versions)) == len(versions)
