"""Rows of the SQLite ledger: how a record becomes one, and what is read back out of it."""

from __future__ import annotations

import zlib

import msgspec

from taskhandler.ledger.bootclock import Stamp
from taskhandler.ledger.storage import Key, TaskBody
from taskhandler.lifecycle.record import Record

SCHEMA = 1
"""What a record of this version means. A row with a higher number is left alone."""

CREATE = """
INSERT INTO records
  (handler, state, updated, boot_id, at, version, schema, record, namespace, queue, task, conflict)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING
"""
REPLACE = """
UPDATE records
SET handler = ?, state = ?, updated = ?, boot_id = ?, at = ?, version = ?, schema = ?, record = ?
WHERE namespace = ? AND queue = ? AND task = ? AND conflict = ? AND version = ?
"""
READ = """
SELECT boot_id, at, updated, version, schema, CAST(record AS BLOB) FROM records
WHERE namespace = ? AND queue = ? AND task = ? AND conflict = ?
"""
SCAN = """
SELECT boot_id, at, updated, version, schema, CAST(record AS BLOB), namespace, queue, task, conflict
FROM records
ORDER BY namespace, queue, task, conflict LIMIT 500
"""
SCAN_ON = """
SELECT boot_id, at, updated, version, schema, CAST(record AS BLOB), namespace, queue, task, conflict
FROM records
WHERE (namespace, queue, task, conflict) > (?, ?, ?, ?)
ORDER BY namespace, queue, task, conflict LIMIT 500
"""
PUT_LETTER = """
INSERT OR REPLACE INTO dead_letters
  (content_type, body, namespace, queue, task, conflict)
VALUES (?, ?, ?, ?, ?, ?)
"""
READ_LETTER = """
SELECT content_type, body FROM dead_letters WHERE namespace = ? AND queue = ? AND task = ? AND conflict = ?
"""

Row = tuple[object, ...]

_decoder = msgspec.json.Decoder(Record)


class Seen(msgspec.Struct, frozen=True):
    """What a row says."""

    record: Record
    version: int
    stamp: Stamp


def key_row(key: Key) -> tuple[str, str, str, str]:
    """The columns that tell rows apart.

    Raises:
        UnicodeEncodeError: half a surrogate pair stands in it.
    """
    row = (key.namespace, key.queue, key.task, key.conflict)
    "".join(row).encode()
    return row


def record_row(record: Record, stamp: Stamp, *, version: int) -> Row:
    """The columns of `record`: some for people, and all of it as JSON.

    Raises:
        UnicodeEncodeError: half a surrogate pair stands in it.
    """
    text = msgspec.json.encode(record).decode()
    handler, state = record.handler, record.state.value
    return (handler, state, stamp.updated, stamp.boot_id, stamp.at, version, SCHEMA, text)


def dead_letter_row(dead_letter: TaskBody) -> Row:
    """The columns of `dead_letter`, compressed.

    Raises:
        UnicodeEncodeError: half a surrogate pair stands in its content type.
    """
    dead_letter.content_type.encode()
    return (dead_letter.content_type, zlib.compress(dead_letter.content))


def seen(row: Row) -> Seen:
    """What the first columns of a row say.

    Raises:
        ValueError: nothing that this version can make out; the message says why.
    """
    match row:
        case (str(boot), int(at), str(updated), int(version), int(schema), bytes(text), *_):
            if schema > SCHEMA:
                raise ValueError(f"it was written by a newer taskhandler (schema {schema})")
            return Seen(_record(text), version, Stamp(boot, at, updated))
        case _:
            raise ValueError("its columns are not what was written")


def dead_letter_seen(row: Row) -> TaskBody:
    """What a row of the dead_letters says.

    Raises:
        ValueError: nothing that can be made out; the message says why.
    """
    match row:
        case (str(content_type), bytes(body)):
            try:
                return TaskBody(zlib.decompress(body), content_type)
            except zlib.error as error:
                raise ValueError(f"its body cannot be unpacked ({error})") from error
        case _:
            raise ValueError("its columns are not what was written")


def _record(text: bytes) -> Record:
    try:
        return _decoder.decode(text)
    except msgspec.DecodeError as error:
        raise ValueError(f"it cannot be decoded ({error})") from error
