"""A ledger in one table of an SQL database. docs/storages.md explains it step by step."""

from __future__ import annotations

import json
import secrets
import sqlite3
from collections.abc import Collection, Iterator, Sequence
from contextlib import closing
from typing import Any
from urllib.parse import unquote, urlsplit

import msgspec

from taskhandler import ConfigError
from taskhandler import ledger as tl

TABLE = "CREATE TABLE IF NOT EXISTS ledger (key PRIMARY KEY, version, row, body)"
CREATE = "INSERT INTO ledger VALUES (?1, ?2, ?3, ?4) ON CONFLICT DO NOTHING RETURNING 1"
REPLACE = "UPDATE ledger SET version=?2, row=?3, body=ifnull(?4,body) WHERE key=?1 AND version=?5 RETURNING 1"

Text = str | None
Body = tl.TaskBody | None
Batch = Sequence[object]


class TableStorage:
    """Records in a file of SQLite, for all processes of one machine."""

    shared = False

    def __init__(self, path: str) -> None:
        self._path, self._clock = path, tl.machine_clock()
        self._query("PRAGMA journal_mode = WAL")  # readers do not wait for writers
        self._query(TABLE)

    def read(self, key: tl.Key) -> tl.Snapshot | tl.Unavailable | None:
        """The record, its version and its age."""
        now = self._clock.now()  # before the look: a record must not look older than it is
        try:
            for version, row in self._query("SELECT version, row FROM ledger WHERE key = ?", _text(key)):
                return tl.decode_row(row, version=version, clock=self._clock, now=now)
        except tl.LedgerError as error:
            return tl.Unavailable(str(error))
        return None

    def create(self, key: tl.Key, record: tl.Record, *, dead_letter: Body = None) -> tl.Answer:
        """Write the first record."""
        return self._write(CREATE, key, record, dead_letter)

    def replace(
        self, key: tl.Key, record: tl.Record, version: object, *, dead_letter: Body = None, writes: Batch = ()
    ) -> tl.Answer:
        """Replace the record that is at `version`."""
        if writes:
            return tl.Refused("this ledger has no batches")
        return self._write(REPLACE, key, record, dead_letter, str(version))

    def dead_letter(self, key: tl.Key) -> tl.TaskBody | tl.Unavailable | None:
        """The body that was kept."""
        try:
            found = self._query("SELECT body FROM ledger WHERE key = ? AND body NOT NULL", _text(key))
        except tl.LedgerError as error:
            return tl.Unavailable(str(error))
        return msgspec.json.decode(found[0][0], type=tl.TaskBody) if found else None

    def list(
        self, states: Collection[tl.Listed], *, handler: Text = None, after: Text = None, limit: int = 50
    ) -> tl.Page | tl.Unavailable:
        """A page of the records that need attention."""
        entries = (tl.Entry(_text(key), key, snapshot) for key, snapshot in self.scan())
        return tl.page_of(entries, states, handler=handler, after=after, limit=limit)

    def scan(self) -> Iterator[tuple[tl.Key, tl.Snapshot]]:
        """Everything that this version may act on."""
        now = self._clock.now()
        for key, version, row in self._query("SELECT key, version, row FROM ledger"):
            found = tl.decode_row(row, version=version, clock=self._clock, now=now)
            if isinstance(found, tl.Snapshot):
                yield tl.Key(*json.loads(key)), found

    def close(self) -> None:
        """Nothing is held between two calls; so a fork inherits nothing, either."""

    def _write(self, statement: str, key: tl.Key, record: tl.Record, body: Body, *at: str) -> tl.Answer:
        version = secrets.token_hex(16)
        try:
            row, kept = tl.encode_row(record, self._clock.stamp()), body and msgspec.json.encode(body)
            done = self._query(statement, _text(key), version, row, kept, *at)
        except UnicodeEncodeError as error:
            return tl.Refused(str(error))
        except tl.LedgerError as error:
            return tl.Unknown(str(error))
        return tl.Written(version) if done else tl.Stale()

    def _query(self, statement: str, *values: object) -> Sequence[tuple[Any, ...]]:
        try:
            with closing(sqlite3.connect(self._path, timeout=4, isolation_level=None)) as connection:
                return connection.execute(statement, values).fetchall()
        except sqlite3.Error as error:
            raise tl.LedgerError(str(error)) from error


def _text(key: tl.Key) -> str:
    return json.dumps([key.namespace, key.queue, key.task, key.conflict])


def open_table(url: str) -> TableStorage:
    """The ledger at `table:///path/to/file`."""
    path = unquote(urlsplit(url).path)
    if urlsplit(url).netloc or not path:
        raise ConfigError("TASKHANDLER_LEDGER", url, "must be table:///path/to/file")
    return TableStorage(path)
