"""Which files the SQLite ledger uses, and which it leaves alone."""

from __future__ import annotations

from pathlib import Path

import pytest

from taskhandler.errors import ConfigError
from taskhandler.ledger.opening import open_storage
from taskhandler.ledger.sqlite.layout import LAYOUT
from taskhandler.ledger.sqlite.storage import SQLiteStorage
from taskhandler.ledger.storage import Key, Written
from taskhandler.lifecycle.record import Snapshot
from tests.ledger.samples import FIRST, SECOND
from tests.ledger.sqlite.local_storage import raw_connection

KEY = Key("project/location", "queue", "task-1")
UNRELEASED = """
PRAGMA journal_mode = WAL;
PRAGMA application_id = 1952543595;
PRAGMA user_version = 1;
CREATE TABLE records (
  namespace TEXT NOT NULL, queue TEXT NOT NULL, task TEXT NOT NULL, twin TEXT NOT NULL,
  handler TEXT NOT NULL, state TEXT NOT NULL, updated TEXT NOT NULL,
  boot_id TEXT NOT NULL, at INTEGER NOT NULL, version INTEGER NOT NULL, schema INTEGER NOT NULL,
  record TEXT NOT NULL, PRIMARY KEY (namespace, queue, task, twin)
) WITHOUT ROWID;
CREATE TABLE letters (
  namespace TEXT NOT NULL, queue TEXT NOT NULL, task TEXT NOT NULL, twin TEXT NOT NULL,
  content_type TEXT NOT NULL, body BLOB NOT NULL, PRIMARY KEY (namespace, queue, task, twin)
);
INSERT INTO letters VALUES ('', 'queue', 'task-1', '', 'text/plain', x'00')
"""
ADDED = """
ALTER TABLE records ADD COLUMN priority INTEGER NOT NULL DEFAULT 5;
CREATE TABLE batches (batch TEXT);
CREATE INDEX records_by_priority ON records (priority)
"""


def problem_of(path: Path) -> str:
    with pytest.raises(ConfigError) as caught:
        open_storage(f"sqlite://{path}")
    return caught.value.problem


def test_a_file_of_the_unreleased_layout_is_refused_with_what_to_do_and_not_touched(path: Path):
    with raw_connection(path) as connection:
        connection.executescript(UNRELEASED)
    before = path.read_bytes()
    said = problem_of(path)
    assert "created by an unreleased taskhandler (layout 1)" in said
    assert "move the file away" in said
    assert path.read_bytes() == before


def test_a_file_of_a_newer_layout_is_refused_with_what_to_do(path: Path):
    open_storage(f"sqlite://{path}").close()
    with raw_connection(path) as connection:
        connection.execute(f"PRAGMA user_version = {LAYOUT + 1}")
    assert f"it was created by a newer taskhandler (layout {LAYOUT + 1}); update this one" in problem_of(path)


def test_columns_and_tables_of_a_later_version_are_left_as_they_are(path: Path, local: SQLiteStorage):
    local.create(KEY, FIRST)
    with raw_connection(path) as connection:
        connection.executescript(ADDED)
        connection.execute("UPDATE records SET priority = 7")
    found = local.read(KEY)
    assert isinstance(found, Snapshot)
    assert isinstance(local.replace(KEY, SECOND, found.version), Written)
    reopened = open_storage(f"sqlite://{path}")
    assert isinstance(reopened.create(Key("", "queue", "task-2"), FIRST), Written)
    reopened.close()
    with raw_connection(path) as connection:
        rows = connection.execute("SELECT task, priority FROM records ORDER BY task").fetchall()
    assert rows == [("task-1", 7), ("task-2", 5)]


def test_a_ledger_without_a_table_is_out_of_use_until_it_is_restored(path: Path, local: SQLiteStorage):
    local.create(KEY, FIRST)
    with raw_connection(path) as connection:
        connection.execute("ALTER TABLE records RENAME TO other")
        assert "no such table" in str(local.read(KEY))
        connection.execute("ALTER TABLE other RENAME TO records")
    assert isinstance(local.read(KEY), Snapshot)
