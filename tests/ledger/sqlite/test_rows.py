"""Rows that cannot be made out are left alone, and said so, and spoil nothing for others."""

from __future__ import annotations

from pathlib import Path

import pytest
from msgspec.structs import replace

from taskhandler.ledger.sqlite.storage import SQLiteStorage
from taskhandler.ledger.storage import Key, Stale, TaskBody, Unavailable
from taskhandler.lifecycle.record import Snapshot
from tests.ledger.filed import behind_its_back
from tests.ledger.samples import FIRST

KEY = Key("project/location", "queue", "task-1")
OTHER = replace(KEY, task="task-2")
SPOILT = {
    "of a newer version": "UPDATE records SET schema = 2",
    "no JSON": "UPDATE records SET record = '{'",
    "no text": "UPDATE records SET record = x'ff'",
    "in an unknown state": """UPDATE records SET record = replace(record, '"running"', '"paused"')""",
    "without what it needs": "UPDATE records SET record = '{}'",
    "of the wrong kind": "UPDATE records SET at = 'yesterday'",
    "from no time": "UPDATE records SET boot_id = 'boot-0', updated = 'yesterday'",
}


def spoil(path: Path, statement: str) -> None:
    with behind_its_back(path) as connection:
        connection.execute(f"{statement} WHERE task = 'task-1'")


def rows(path: Path) -> list[object]:
    with behind_its_back(path) as connection:
        return connection.execute("SELECT * FROM records ORDER BY task").fetchall()


@pytest.mark.parametrize("statement", SPOILT.values(), ids=SPOILT)
def test_a_record_that_cannot_be_made_out_is_unavailable_and_stays_as_it_is(
    path: Path, filed: SQLiteStorage, statement: str
):
    filed.create(KEY, FIRST)
    spoil(path, statement)
    before = rows(path)
    assert isinstance(filed.read(KEY), Unavailable)
    assert filed.create(KEY, FIRST) == Stale()
    assert rows(path) == before


def test_what_cannot_be_made_out_is_said_once_with_its_key_and_a_remedy(
    path: Path, filed: SQLiteStorage, caplog: pytest.LogCaptureFixture
):
    filed.create(KEY, FIRST)
    spoil(path, SPOILT["of a newer version"])
    for _ in range(3):
        filed.read(KEY)
    (line,) = caplog.messages
    assert "task-1" in line
    assert str(path) in line
    assert "update taskhandler" in line


def test_a_record_that_cannot_be_made_out_leaves_the_others_in_use(path: Path, filed: SQLiteStorage):
    filed.create(KEY, FIRST)
    filed.create(OTHER, FIRST)
    spoil(path, SPOILT["no JSON"])
    assert isinstance(filed.read(OTHER), Snapshot)
    assert [key for key, _ in filed.scan()] == [OTHER]


@pytest.mark.parametrize("change", ["body = x'00'", "body = substr(body, 1, 8)", "body = 'text'"])
def test_a_letter_that_cannot_be_unpacked_is_unavailable(path: Path, filed: SQLiteStorage, change: str):
    filed.create(KEY, FIRST, dead_letter=TaskBody(b"what was sent"))
    with behind_its_back(path) as connection:
        connection.execute(f"UPDATE dead_letters SET {change}")  # noqa: S608 - words of this file
    assert isinstance(filed.dead_letter(KEY), Unavailable)
    assert isinstance(filed.read(KEY), Snapshot)
