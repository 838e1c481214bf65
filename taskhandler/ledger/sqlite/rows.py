"""Rows of the SQLite ledger: how a record becomes one, and what is read back out of it."""

from __future__ import annotations

import zlib

import msgspec

from taskhandler.ledger.bootclock import Stamp
from taskhandler.ledger.storage import Key, Letter
from taskhandler.lifecycle.record import Record

SCHEMA = 1
"""What a record of this version means. A row with a higher number is left alone."""

CREATE = """
INSERT INTO records
  (handler, state, updated, boot_id, at, version, schema, record, namespace, queue, task, twin)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING
"""
REPLACE = """
UPDATE records
SET handler = ?, state = ?, updated = ?, boot_id = ?, at = ?, version = ?, schema = ?, record = ?
WHERE namespace = ? AND queue = ? AND task = ? AND twin = ? AND version = ?
"""
READ = """
SELECT boot_id, at, updated, version, schema, CAST(record AS BLOB) FROM records
WHERE namespace = ? AND queue = ? AND task = ? AND twin = ?
"""
SCAN = """
SELECT boot_id, at, updated, version, schema, CAST(record AS BLOB), namespace, queue, task, twin FROM records
ORDER BY namespace, queue, task, twin LIMIT 500
"""
SCAN_ON = """
SELECT boot_id, at, updated, version, schema, CAST(record AS BLOB), namespace, queue, task, twin FROM records
WHERE (namespace, queue, task, twin) > (?, ?, ?, ?)
ORDER BY namespace, queue, task, twin LIMIT 500
"""
PUT_LETTER = """
INSERT OR REPLACE INTO letters (content_type, body, namespace, queue, task, twin) VALUES (?, ?, ?, ?, ?, ?)
"""
READ_LETTER = """
SELECT content_type, body FROM letters WHERE namespace = ? AND queue = ? AND task = ? AND twin = ?
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
    row = (key.namespace, key.queue, key.task, key.twin)
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


def letter_row(letter: Letter) -> Row:
    """The columns of `letter`, compressed.

    Raises:
        UnicodeEncodeError: half a surrogate pair stands in its content type.
    """
    letter.content_type.encode()
    return (letter.content_type, zlib.compress(letter.body))


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


def letter_seen(row: Row) -> Letter:
    """What a row of the letters says.

    Raises:
        ValueError: nothing that can be made out; the message says why.
    """
    match row:
        case (str(content_type), bytes(body)):
            try:
                return Letter(zlib.decompress(body), content_type)
            except zlib.error as error:
                raise ValueError(f"its body cannot be unpacked ({error})") from error
        case _:
            raise ValueError("its columns are not what was written")


def _record(text: bytes) -> Record:
    try:
        return _decoder.decode(text)
    except msgspec.DecodeError as error:
        raise ValueError(f"it cannot be decoded ({error})") from error
