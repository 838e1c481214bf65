"""The body of a task is kept beside its record: written with it, or not at all."""

from __future__ import annotations

import os

from taskhandler.ledger.storage import Stale, Storage, TaskBody
from taskhandler.testing.contract.fixtures import Fixtures
from taskhandler.testing.contract.samples import FIRST, SECOND, THIRD, fresh_key, written

MEBIBYTE = 2**20
"""The largest body that a task can have."""


class DeadLetters(Fixtures):
    """`dead_letter`, as an argument and as a method."""

    def test_a_body_is_kept_beside_the_record_it_came_with(self, storage: Storage) -> None:
        created, replaced = fresh_key(), fresh_key()
        written(storage.create(created, FIRST, dead_letter=TaskBody(b"\x00body\xff", "text/plain")))
        version = written(storage.create(replaced, FIRST)).version
        written(storage.replace(replaced, SECOND, version, dead_letter=TaskBody(b"", "application/json")))
        assert storage.dead_letter(created) == TaskBody(b"\x00body\xff", "text/plain")
        assert storage.dead_letter(replaced) == TaskBody(b"", "application/json")

    def test_a_body_stays_when_its_record_is_replaced_without_one(self, storage: Storage) -> None:
        key = fresh_key()
        version = written(storage.create(key, FIRST, dead_letter=TaskBody(b"kept"))).version
        written(storage.replace(key, SECOND, version))
        assert storage.dead_letter(key) == TaskBody(b"kept")

    def test_a_body_is_replaced_by_a_newer_one(self, storage: Storage) -> None:
        key = fresh_key()
        version = written(storage.create(key, FIRST, dead_letter=TaskBody(b"older" * 1000, "a/b"))).version
        written(storage.replace(key, SECOND, version, dead_letter=TaskBody(b"newer")))
        assert storage.dead_letter(key) == TaskBody(b"newer")

    def test_a_body_is_replaced_by_an_empty_one(self, storage: Storage) -> None:
        key = fresh_key()
        version = written(storage.create(key, FIRST, dead_letter=TaskBody(b"older", "a/b"))).version
        written(storage.replace(key, SECOND, version, dead_letter=TaskBody(b"")))
        assert storage.dead_letter(key) == TaskBody(b"")

    def test_the_body_of_a_stale_write_is_not_kept(self, storage: Storage) -> None:
        key, empty = fresh_key(), fresh_key()
        version = written(storage.create(key, FIRST)).version
        written(storage.replace(key, SECOND, version))
        late = TaskBody(b"late")
        assert storage.create(key, FIRST, dead_letter=late) == Stale()
        assert storage.replace(key, THIRD, version, dead_letter=late) == Stale()
        assert storage.replace(empty, THIRD, version, dead_letter=late) == Stale()
        assert storage.dead_letter(key) is None
        assert storage.dead_letter(empty) is None

    def test_the_largest_body_fits_however_little_it_can_be_compressed(self, storage: Storage) -> None:
        key, content = fresh_key(), os.urandom(MEBIBYTE)
        written(storage.create(key, FIRST, dead_letter=TaskBody(content)))
        assert storage.dead_letter(key) == TaskBody(content)
