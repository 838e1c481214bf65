"""Rows of the SQLite ledger: how a record becomes one, and what is read back out of it."""

from __future__ import annotations

import math
import zlib
from datetime import datetime, timezone

from taskhandler.ledger.bootclock import ServerClock, Stamp
from taskhandler.ledger.listing import listed_as
from taskhandler.ledger.record_json import decode_record, encode_record
from taskhandler.ledger.storage import Key, TaskBody
from taskhandler.lifecycle.record import FORMAT, Record, Snapshot

CREATE = """
INSERT INTO records (
  handler, state, listed_as, created_at, updated_at, boot_id, boot_ns, expires_ns,
  version, format, min_reader, record, namespace, queue, task, conflict
) VALUES (
  ?1, ?2, ?3, ?4, ?4, ?5, ?6, ?7 + (SELECT before_ns FROM boots WHERE boot_id = ?5),
  ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15
) ON CONFLICT DO NOTHING
"""
REPLACE = """
UPDATE records SET
  handler = ?1, state = ?2, listed_as = ?3, updated_at = ?4, boot_id = ?5, boot_ns = ?6,
  expires_ns = ?7 + (SELECT before_ns FROM boots WHERE boot_id = ?5),
  version = ?8, format = ?9, min_reader = ?10, record = ?11
WHERE namespace = ?12 AND queue = ?13 AND task = ?14 AND conflict = ?15 AND version = ?
"""

KEY_COLUMNS = "namespace, queue, task, conflict"
RECORD_COLUMNS = "boot_id, boot_ns, created_at, updated_at, version, format, min_reader, CAST(record AS BLOB)"
"""What `decode_row` wants first of a row."""

READ = f"""
SELECT {RECORD_COLUMNS} FROM records WHERE namespace = ? AND queue = ? AND task = ? AND conflict = ?
"""  # noqa: S608 - names of this file
SCAN = f"""
SELECT {RECORD_COLUMNS}, {KEY_COLUMNS} FROM records ORDER BY {KEY_COLUMNS} LIMIT 500
"""  # noqa: S608 - names of this file
SCAN_ON = f"""
SELECT {RECORD_COLUMNS}, {KEY_COLUMNS} FROM records WHERE ({KEY_COLUMNS}) > (?, ?, ?, ?)
ORDER BY {KEY_COLUMNS} LIMIT 500
"""  # noqa: S608 - names of this file
PUT_DEAD_LETTER = """
INSERT OR REPLACE INTO dead_letters (content_type, body, namespace, queue, task, conflict)
VALUES (?, ?, ?, ?, ?, ?)
"""
READ_DEAD_LETTER = """
SELECT content_type, body FROM dead_letters WHERE namespace = ? AND queue = ? AND task = ? AND conflict = ?
"""

Row = tuple[object, ...]

_SECOND_NS = 10**9
_LONGEST_NS = 2**61
"""73 years: a record that is kept for longer is never swept."""

_LATEST_WALL = 253_402_300_799.0
"""The last second that ISO 8601 can name in four digits of a year."""

_REPAIR = "update taskhandler, or restore the row, or delete it (its task may run again)"


class UnreadableRowError(Exception):
    """A row that this version must leave alone.

    Attributes:
        remedy: what an operator can do about it.
    """

    def __init__(self, why: str, *, remedy: str = _REPAIR) -> None:
        super().__init__(why)
        self.remedy = remedy


def encode_key(key: Key) -> tuple[str, str, str, str]:
    """The columns that tell rows apart.

    Raises:
        UnicodeEncodeError: it has a lone surrogate.
    """
    row = (key.namespace, key.queue, key.task, key.conflict)
    "".join(row).encode()
    return row


def encode_row(key: Key, record: Record, stamp: Stamp, *, version: int) -> Row:
    """What to bind to `CREATE`, and to `REPLACE` with the version to be replaced after it.

    Raises:
        UnicodeEncodeError: it has a lone surrogate.
    """
    listed = listed_as(key, record)
    return (
        record.handler,
        record.state.value,
        None if listed is None else listed.value,
        _format_time(stamp.wall),
        stamp.boot_id,
        stamp.boot_ns,
        _find_expiry_ns(record, stamp),
        version,
        record.format,
        record.min_reader,
        encode_record(record).decode(),
        *encode_key(key),
    )


def encode_dead_letter(key: Key, dead_letter: TaskBody) -> Row:
    """What to bind to `PUT_DEAD_LETTER`; the body is compressed.

    Raises:
        UnicodeEncodeError: it has a lone surrogate.
    """
    dead_letter.content_type.encode()
    return (dead_letter.content_type, zlib.compress(dead_letter.content), *encode_key(key))


def decode_row(row: Row, *, clock: ServerClock, now: int) -> Snapshot:
    """What a row says whose first columns are `RECORD_COLUMNS`.

    Args:
        row: from the table of records.
        clock: of the machine.
        now: its reading before the row was read.

    Raises:
        UnreadableRowError: it was written by a newer version, or by hand, or is damaged.
    """
    match row:
        case (
            str(boot_id),
            int(boot_ns),
            created_at,
            updated_at,
            int(version),
            int(format_),
            int(min_reader),
            bytes(text),
            *_,
        ):
            _refuse_newer(format_, min_reader)
            record = _decode_record(text, format_, min_reader)
            updated = _parse_time(updated_at)
            if boot_ns < 0:
                raise UnreadableRowError("boot_ns is negative")
            if updated is None:
                raise UnreadableRowError("updated_at is not a time")
            age = clock.age(Stamp(boot_id, boot_ns, updated), now=now)
            return Snapshot(record, version, age, _parse_time(created_at), updated)
        case _:
            raise UnreadableRowError("its columns have unexpected types")


def decode_dead_letter(row: Row) -> TaskBody:
    """What a row says that `READ_DEAD_LETTER` has found.

    Raises:
        UnreadableRowError: it was written by hand, or is damaged.
    """
    match row:
        case (str(content_type), bytes(body)):
            try:
                return TaskBody(zlib.decompress(body), content_type)
            except zlib.error as error:
                raise UnreadableRowError(f"its body cannot be decompressed ({error})") from error
        case _:
            raise UnreadableRowError("its columns have unexpected types")


def _refuse_newer(format_: int, min_reader: int) -> None:
    if min_reader > FORMAT:
        raise UnreadableRowError(
            f"it is in format {format_}, on which only a taskhandler that knows format {min_reader} may act; "
            f"this one knows format {FORMAT}",
            remedy="update taskhandler here, or wait until the release that is under way has replaced it",
        )
    if format_ < 1 or min_reader < 1:
        raise UnreadableRowError(f"there is no format {min(format_, min_reader)}")


def _decode_record(text: bytes, format_: int, min_reader: int) -> Record:
    try:
        return decode_record(text, version=format_, min_reader=min_reader)
    except ValueError as error:
        raise UnreadableRowError(str(error)) from error


def _find_expiry_ns(record: Record, stamp: Stamp) -> int | None:
    """The reading of this boot's clock at which the record has expired; None if never."""
    if not record.is_terminal or record.retention * _SECOND_NS > _LONGEST_NS:
        return None
    return stamp.boot_ns + math.ceil(record.retention * _SECOND_NS)


def _format_time(wall: float) -> str:
    at = min(max(wall, 0.0), _LATEST_WALL)  # a wall clock may say anything
    return datetime.fromtimestamp(at, timezone.utc).isoformat(timespec="milliseconds")


def _parse_time(text: object) -> float | None:
    try:
        return datetime.fromisoformat(text).timestamp() if isinstance(text, str) else None
    except (ValueError, OverflowError):
        return None
