"""Rows that this version must not act on are left alone, with a line in the log, and do no harm to others."""

from __future__ import annotations

from pathlib import Path

import pytest
from msgspec.structs import replace

from taskhandler.ledger.sqlite.storage import SQLiteStorage
from taskhandler.ledger.storage import Key, Stale, TaskBody, Unavailable, Written
from taskhandler.lifecycle.record import Snapshot
from tests.ledger.samples import FIRST
from tests.ledger.sqlite.local_storage import raw_connection

KEY = Key("project/location", "queue", "task-1")
OTHER = replace(KEY, task="task-2")
SPOILT = {
    "for a newer version": "UPDATE records SET format = 3, min_reader = 2",
    "of no format": "UPDATE records SET format = 0",
    "not JSON": "UPDATE records SET record = '{'",
    "not text": "UPDATE records SET record = x'ff'",
    "nested without end": "UPDATE records SET record = replace(hex(zeroblob(100000)), '00', '[')",
    "in an unknown state": """UPDATE records SET record = replace(record, '"running"', '"paused"')""",
    "without what it needs": "UPDATE records SET record = '{}'",
    "of the wrong kind": "UPDATE records SET boot_ns = 'yesterday'",
    "with a negative lease": "UPDATE records SET record = replace(record, '\"lease\":30', '\"lease\":-30')",
    "of a time before the start": "UPDATE records SET boot_ns = -1",
    "without a time": "UPDATE records SET updated_at = 'yesterday'",
}


def spoil(path: Path, statement: str) -> None:
    with raw_connection(path) as connection:
        connection.execute(f"{statement} WHERE task = 'task-1'")


def rows(path: Path) -> list[object]:
    with raw_connection(path) as connection:
        return connection.execute("SELECT * FROM records ORDER BY task").fetchall()


@pytest.mark.parametrize("statement", SPOILT.values(), ids=SPOILT)
def test_a_record_that_cannot_be_read_is_unavailable_and_stays_as_it_is(
    path: Path, local: SQLiteStorage, statement: str
):
    local.create(KEY, FIRST)
    spoil(path, statement)
    before = rows(path)
    found = local.read(KEY)
    assert isinstance(found, Unavailable)
    assert found.is_lasting
    assert local.create(KEY, FIRST) == Stale()
    assert rows(path) == before


def test_a_record_for_a_newer_version_is_logged_once_with_its_key_and_a_remedy(
    path: Path, local: SQLiteStorage, caplog: pytest.LogCaptureFixture
):
    local.create(KEY, FIRST)
    spoil(path, SPOILT["for a newer version"])
    for _ in range(3):
        assert isinstance(local.read(KEY), Unavailable)
    (line,) = caplog.messages
    assert "task-1" in line
    assert str(path) in line
    assert "it is in format 3, on which only a taskhandler that knows format 2 may act" in line
    assert "update taskhandler" in line


def test_a_record_of_a_newer_format_that_this_version_may_act_on_keeps_its_format(
    path: Path, local: SQLiteStorage
):
    local.create(KEY, FIRST)
    spoil(path, "UPDATE records SET format = 2")
    found = local.read(KEY)
    assert isinstance(found, Snapshot)
    assert (found.record.format, found.record.min_reader) == (2, 1)
    assert isinstance(local.replace(KEY, replace(found.record, heartbeats=1), found.version), Written)
    with raw_connection(path) as connection:
        row = connection.execute("SELECT format, min_reader, record FROM records").fetchone()
    assert row[:2] == (2, 1)
    assert "format" not in row[2]


def test_a_creation_time_that_is_not_one_is_left_out(path: Path, local: SQLiteStorage):
    local.create(KEY, FIRST)
    spoil(path, "UPDATE records SET created_at = 'yesterday'")
    found = local.read(KEY)
    assert isinstance(found, Snapshot)
    assert found.created_at is None


def test_a_record_that_cannot_be_read_does_not_affect_others(path: Path, local: SQLiteStorage):
    local.create(KEY, FIRST)
    local.create(OTHER, FIRST)
    spoil(path, SPOILT["not JSON"])
    assert isinstance(local.read(OTHER), Snapshot)
    assert [key for key, _ in local.scan()] == [OTHER]


@pytest.mark.parametrize("change", ["body = x'00'", "body = substr(body, 1, 8)", "body = 'text'"])
def test_a_dead_letter_that_cannot_be_decompressed_is_unavailable(
    path: Path, local: SQLiteStorage, change: str
):
    local.create(KEY, FIRST, dead_letter=TaskBody(b"what was sent"))
    with raw_connection(path) as connection:
        connection.execute(f"UPDATE dead_letters SET {change}")  # noqa: S608 - words of this file
    assert isinstance(local.dead_letter(KEY), Unavailable)
    assert isinstance(local.read(KEY), Snapshot)
