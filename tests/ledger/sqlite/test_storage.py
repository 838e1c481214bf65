"""What the SQLite ledger promises beyond the contract: its clock, its rows for people, its refusals."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from msgspec.structs import replace

from taskhandler.ledger.sqlite.connections import Connections
from taskhandler.ledger.sqlite.file import Database, prepare
from taskhandler.ledger.sqlite.storage import SQLiteStorage
from taskhandler.ledger.storage import Key, Stale, TaskBody, Written
from taskhandler.lifecycle.record import Snapshot
from taskhandler.lifecycle.verdict import Refused
from tests.ledger.samples import FIRST, THIRD
from tests.ledger.samples import SECOND as NEXT
from tests.ledger.sqlite.local_storage import SECOND, Clocks, open_local, raw_connection, wait

KEY = Key("project/location", "queue", "task-1")
DAY_SECONDS = 86_400.0
LATEST = 253_402_300_799.0
"""The last second of the year 9999."""

HALF_SURROGATE = "\udc80"


def age_in(storage: SQLiteStorage) -> float:
    seen = storage.read(KEY)
    assert isinstance(seen, Snapshot)
    return seen.age


def version_in(storage: SQLiteStorage) -> object:
    seen = storage.read(KEY)
    assert isinstance(seen, Snapshot)
    return seen.version


def test_a_sqlite_ledger_is_not_shared_between_machines():
    assert SQLiteStorage.shared is False


def test_a_records_age_is_by_the_boot_clock(local: SQLiteStorage, clocks: Clocks):
    local.create(KEY, FIRST)
    clocks.boot += 31 * SECOND
    assert age_in(local) == pytest.approx(31.0)


@pytest.mark.parametrize("jump", [-DAY_SECONDS, -1.0, 1.0, DAY_SECONDS])
def test_a_changed_wall_clock_does_not_change_an_age(local: SQLiteStorage, clocks: Clocks, jump: float):
    local.create(KEY, FIRST)
    clocks.wall += jump
    clocks.boot += 5 * SECOND
    assert age_in(local) == pytest.approx(5.0)


def test_a_write_that_another_process_made_just_now_has_no_negative_age(local: SQLiteStorage, clocks: Clocks):
    local.create(KEY, FIRST)
    clocks.boot -= SECOND
    assert age_in(local) == 0.0


@pytest.mark.parametrize("jump", [-1e9, -DAY_SECONDS, 1.0, DAY_SECONDS, 1e9, 1e30, -1e30])
def test_times_for_people_are_by_the_wall_clock_and_decide_nothing(
    local: SQLiteStorage, clocks: Clocks, jump: float
):
    version = written(local.create(KEY, FIRST))
    begun = clocks.wall
    clocks.wall += jump
    clocks.boot += 5 * SECOND
    assert local.replace(KEY, THIRD, version) == Written(2)
    found = local.read(KEY)
    assert isinstance(found, Snapshot)
    assert (found.created_at, found.age) == (begun, 0.0)
    assert found.updated_at == pytest.approx(min(max(clocks.wall, 0.0), LATEST), abs=0.001)


def written(answer: object) -> object:
    assert isinstance(answer, Written)
    return answer.version


def test_after_a_reboot_every_lease_has_lapsed(path: Path, local: SQLiteStorage, clocks: Clocks):
    local.create(KEY, FIRST)
    clocks.boot = SECOND
    rebooted = open_local(path, clocks.clock("boot-2"))
    assert age_in(rebooted) == 3600.0
    clocks.wall -= DAY_SECONDS
    assert age_in(rebooted) == 3600.0
    rebooted.close()


def test_after_a_reboot_a_records_age_is_by_the_wall_clock(path: Path, local: SQLiteStorage, clocks: Clocks):
    local.create(KEY, FIRST)
    clocks.wall += 36 * DAY_SECONDS
    rebooted = open_local(path, clocks.clock("boot-2"))
    assert age_in(rebooted) == pytest.approx(36 * DAY_SECONDS)
    rebooted.close()


def test_a_version_of_a_deleted_row_is_not_used_again(path: Path, local: SQLiteStorage):
    local.create(KEY, FIRST)
    before = version_in(local)
    with raw_connection(path) as connection:
        connection.execute("DELETE FROM records")
    assert local.replace(KEY, NEXT, before) == Stale()
    assert isinstance(local.create(KEY, FIRST), Written)
    assert local.replace(KEY, NEXT, before) == Stale()


@pytest.mark.parametrize("version", ["1", None, 1.5, (1,)])
def test_a_version_of_another_storage_is_stale(local: SQLiteStorage, version: object):
    local.create(KEY, FIRST)
    assert local.replace(KEY, NEXT, version) == Stale()


def test_a_row_has_columns_that_people_can_read(path: Path, local: SQLiteStorage):
    local.create(replace(KEY, conflict="5e1f"), THIRD)
    with raw_connection(path) as connection:
        row = connection.execute(
            "SELECT namespace, queue, task, conflict, handler, state, listed_as, created_at, updated_at,"
            " format, min_reader FROM records"
        )
        assert row.fetchall() == [
            ("project/location", "queue", "task-1", "5e1f", "charge-order", "completed", *LISTED)
        ]
        ((text,),) = connection.execute("SELECT record FROM records").fetchall()
        assert json.loads(text)["result"] == '{"receipt":"r-1"}'


LISTED = ("conflict", "2023-11-14T22:13:20.000+00:00", "2023-11-14T22:13:20.000+00:00", 1, 1)


def test_dead_letters_are_compressed(path: Path, local: SQLiteStorage):
    local.create(KEY, FIRST, dead_letter=TaskBody(b"again and " * 1000))
    with raw_connection(path) as connection:
        ((size,),) = connection.execute("SELECT length(body) FROM dead_letters").fetchall()
    assert size < 100


@pytest.mark.parametrize(("synchronous", "number"), [("FULL", 2), ("NORMAL", 1)])
def test_the_synchronous_option_is_applied(path: Path, synchronous: str, number: int):
    prepare(str(path), wait=wait)
    connections = Connections(Database(str(path), synchronous))
    with connections.writer() as writer:
        assert writer.connection.execute("PRAGMA synchronous").fetchall() == [(number,)]
        assert writer.connection.execute("PRAGMA journal_mode").fetchall() == [("wal",)]
    connections.close()


def test_the_writes_of_a_batch_are_refused(local: SQLiteStorage):
    version = local.create(KEY, FIRST)
    assert isinstance(version, Written)
    assert isinstance(local.replace(KEY, NEXT, version.version, writes=[object()]), Refused)
    assert version_in(local) == version.version


def test_a_key_with_half_a_surrogate_pair_is_refused(local: SQLiteStorage):
    odd = replace(KEY, task=HALF_SURROGATE)
    assert isinstance(local.create(odd, FIRST), Refused)
    assert isinstance(local.create(KEY, replace(FIRST, reason=HALF_SURROGATE)), Refused)
    assert isinstance(local.create(KEY, FIRST, dead_letter=TaskBody(b"", HALF_SURROGATE)), Refused)
    assert local.read(odd) is None
    assert local.read(KEY) is None


def test_a_reader_does_not_wait_for_a_writer(path: Path, local: SQLiteStorage):
    local.create(KEY, FIRST)
    with raw_connection(path) as connection:
        connection.execute("BEGIN IMMEDIATE")
        connection.execute("UPDATE records SET version = 77")
        assert version_in(local) != 77
        connection.execute("COMMIT")
    assert version_in(local) == 77


def test_records_can_be_written_during_a_scan(local: SQLiteStorage):
    local.create(KEY, FIRST)
    scan = local.scan()
    assert next(scan)[0] == KEY
    assert isinstance(local.create(replace(KEY, task="task-2"), FIRST), Written)
