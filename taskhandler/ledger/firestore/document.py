"""A record as a Firestore document.

    record      a map that people can read: the format, whose record it is, and its fields
    expire_at   when the TTL policy may remove the document
    attention   where it is listed, if it is; see `attention`

These names are written in databases and stay. A write names the three in its update mask, so that all other
fields of a document stay as they are. Nothing of Google's is imported here: a document is handed in, and
filled or read field by field.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence

import msgspec
from msgspec.structs import replace

from taskhandler.ledger.firestore.attention import ATTENTION, find_attention
from taskhandler.ledger.firestore.record_map import (
    RECORD_FIELDS,
    find_unknown,
    put_record,
    read_record,
    to_plain,
)
from taskhandler.ledger.storage import Key
from taskhandler.lifecycle.record import FORMAT, Record
from taskhandler.protobuf import Message

RECORD = "record"
EXPIRE_AT = "expire_at"
FIELDS = (RECORD, EXPIRE_AT, ATTENTION)
"""The top-level fields that are taskhandler's."""

LIMIT_BYTES = 1_000_000
"""Bytes of a document as protobuf, which is never shorter than what Firestore counts: at most 1 MiB
(https://cloud.google.com/firestore/quotas)."""

DAY_SECONDS = 24 * 3600.0
KEPT_SECONDS = 35 * DAY_SECONDS
"""For which a record that has not ended is kept at least: longer than Cloud Tasks keeps any task."""

_YEAR_9999_SECONDS = 253_402_300_799
"""From 1970 to the end of the year 9999, where a timestamp of protobuf ends."""

_RESULT_LIMIT_CHARACTERS = 1_000
_TEXT_LIMIT_CHARACTERS = 10_000
"""Characters that are left of a result, and of any other text, in a record that is too large."""

_KNOWN = RECORD_FIELDS | set(Key.__struct_fields__) | {"after", "cut"}

_FOREIGN = "move it to another collection, or delete it (its task may run again)"
_UNRELEASED = (
    "delete the document (its task may run again), or name another collection in the ledger's URL, "
    "where no task is known yet"
)
_WRONG_FIELD = "correct the field, or delete the document (its task may run again)"


class DocumentError(ValueError):
    """A document that must not be acted on.

    Attributes:
        problem: what is wrong with it.
        remedy: what people can do.
    """

    def __init__(self, problem: str, *, remedy: str) -> None:
        super().__init__(problem)
        self.problem = problem
        self.remedy = remedy


def document_id(key: Key) -> str:
    """The id of a task's document: SHA-256 of `length:text,` for each part of its key, in hexadecimal.

    Hashed, because sequential ids make hot spots and Firestore does not accept every task id
    (https://cloud.google.com/firestore/docs/best-practices).

    Raises:
        UnicodeEncodeError: the key contains half a surrogate pair.
    """
    parts = [part.encode() for part in (key.namespace, key.queue, key.task, key.conflict)]
    return hashlib.sha256(b"".join(b"%d:%b," % (len(part), part) for part in parts)).hexdigest()


def encode(
    document: Message,
    key: Key,
    record: Record,
    *,
    after: int,
    now: float,
    cut: Sequence[str] = (),
) -> None:
    """Fill `document` with `record`.

    Args:
        document: a google.firestore.v1.Document without fields.
        key: whose record it is.
        record: the record. If it is too large, its result, reason and history are shortened, and named
            in `record.cut`: an end is recorded all the same.
        after: the version that is replaced, 0 for none. Only one version of a document replaces any
            other, so every write changes the document, and thereby moves its update_time.
        now: seconds since 1970. A worker's clock will do: it has a day to be wrong in, and it only
            decides when the document may be removed.
        cut: what was left out before.

    Raises:
        ValueError: it cannot be written; the message says why.
    """
    _put(document, key, record, after=after, cut=cut)
    if document.ByteSize() > LIMIT_BYTES:
        shorter, more = _shorten(record)
        document.ClearField("fields")
        _put(document, key, shorter, after=after, cut=(*cut, *more))
    if document.ByteSize() > LIMIT_BYTES:
        raise ValueError(
            f"the record is larger than a Firestore document: over {LIMIT_BYTES} bytes of once steps"
        )
    put_expiry(document, record, now=now)


def put_expiry(document: Message, record: Record, *, now: float) -> None:
    """Let `document` be removed a day after `record` has lost its meaning."""
    kept = record.retention if record.is_terminal else max(record.retention, KEPT_SECONDS)
    document.fields[EXPIRE_AT].timestamp_value.seconds = int(
        min(now + kept + DAY_SECONDS, _YEAR_9999_SECONDS)
    )


def decode(document: Message) -> tuple[Key, Record]:
    """The record in a document, and whose it is.

    Raises:
        DocumentError: it must not be acted on.
    """
    fields = open_map(document)
    try:
        key = msgspec.convert(
            {name: to_plain(fields[name]) if name in fields else "" for name in Key.__struct_fields__}, Key
        )
        record = read_record(fields)
    except ValueError as error:
        raise DocumentError(f"a field of its record is wrong: {error}", remedy=_WRONG_FIELD) from error
    unknown = find_unknown(fields, _KNOWN)
    return key, replace(record, unknown=unknown) if unknown else record


def open_map(document: Message) -> Message:
    """The map of a document, if this version may act on it.

    Raises:
        DocumentError: it is not taskhandler's, or its format is too new, or older than the first release.
    """
    if RECORD not in document.fields or document.fields[RECORD].WhichOneof("value_type") != "map_value":
        raise _explain_foreign(document)
    fields = document.fields[RECORD].map_value.fields
    written, min_reader = (_read_number(fields, name) for name in ("format", "min_reader"))
    if min_reader > FORMAT:
        raise DocumentError(
            f"it has format {written}, and only a taskhandler that reads format {min_reader} may act on it "
            f"(this one reads format {FORMAT})",
            remedy="deploy the newer version of taskhandler to every service that uses this ledger",
        )
    return fields


def _explain_foreign(document: Message) -> DocumentError:
    unreleased = document.fields["m"].map_value.fields if "m" in document.fields else ()
    if "schema" in unreleased:
        return DocumentError(
            "it has the format of a taskhandler from before the first release", remedy=_UNRELEASED
        )
    return DocumentError(f"it has no map {RECORD!r}, so it is not taskhandler's", remedy=_FOREIGN)


def _read_number(fields: Message, name: str) -> int:
    number = to_plain(fields[name]) if name in fields else None
    if type(number) is not int or number < 1:
        raise DocumentError(
            f"its field {RECORD}.{name} must be an integer of at least 1, not {number!r}", remedy=_WRONG_FIELD
        )
    return number


def _put(document: Message, key: Key, record: Record, *, after: int, cut: Sequence[str]) -> None:
    attention = find_attention(key, record)
    if attention:
        document.fields[ATTENTION].string_value = attention
    fields = document.fields[RECORD].map_value.fields
    put_record(fields, record)
    fields["namespace"].string_value = key.namespace
    fields["queue"].string_value = key.queue
    fields["task"].string_value = key.task
    if key.conflict:
        fields["conflict"].string_value = key.conflict
    fields["after"].integer_value = after
    for what in cut:
        fields["cut"].array_value.values.add().string_value = what


def _shorten(record: Record) -> tuple[Record, tuple[str, ...]]:
    shorter = replace(
        record,
        result=_shorten_result(record.result),
        reason=record.reason[:_TEXT_LIMIT_CHARACTERS],
        history=tuple(line[:_TEXT_LIMIT_CHARACTERS] for line in record.history),
    )
    names = ("result", "reason", "history")
    return shorter, tuple(name for name in names if getattr(shorter, name) != getattr(record, name))


def _shorten_result(result: str | None) -> str | None:
    """A shortened result is still JSON: a text that shows its beginning."""
    if result is None or len(result) <= _RESULT_LIMIT_CHARACTERS:
        return result
    return json.dumps(
        f"{result[:_RESULT_LIMIT_CHARACTERS]}... (cut: {len(result)} characters)", ensure_ascii=False
    )
