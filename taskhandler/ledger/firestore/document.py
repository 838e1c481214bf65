"""A record as a Firestore document: one map `m` that people can read, and when it may be swept away.

Nothing of Google's is imported here: a document is handed in, and filled or read field by field.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from typing import Any

import msgspec
from msgspec.structs import replace

from taskhandler.ledger.storage import Key
from taskhandler.lifecycle.record import Record

SCHEMA = 1
"""What a document of this version means. One with another number is left alone."""

MAP = "m"
EXPIRE_AT = "expire_at"
READ = tuple(f"{MAP}.{name}" for name in ("schema", *Key.__struct_fields__, *Record.__struct_fields__))
"""The fields that make up a record: a list of documents need not bring the bodies of dead letters."""

LARGEST = 1_000_000
"""Bytes of a document as protobuf, which is never shorter than what Firestore counts: at most 1 MiB
(https://cloud.google.com/firestore/quotas)."""

DAY = 24 * 3600.0
KEPT = 35 * DAY
"""Seconds a record that has not ended is kept at least: longer than Cloud Tasks keeps any task."""

_LAST = 253_402_300_799
"""Seconds from 1970 to the end of the year 9999, where a timestamp of protobuf ends."""

_RESULT = 1_000
_TEXT = 10_000


def document_id(key: Key) -> str:
    """The id of a task's document: SHA-256 of `length:text,` for each part of its key, in hexadecimal.

    Hashed, because sequential ids make hot spots and some task ids are none of Firestore's
    (https://cloud.google.com/firestore/docs/best-practices).

    Raises:
        UnicodeEncodeError: half a surrogate pair stands in the key.
    """
    parts = [part.encode() for part in (key.namespace, key.queue, key.task, key.conflict)]
    return hashlib.sha256(b"".join(b"%d:%b," % (len(part), part) for part in parts)).hexdigest()


def fill(document: Any, key: Key, record: Record, *, after: int, now: float, cut: Sequence[str] = ()) -> None:  # noqa: ANN401 - a protobuf message
    """Make `document` say `record`.

    Args:
        document: a google.firestore.v1.Document without fields.
        key: whose record it is.
        record: what it says. Where it is too large, its result, reason and history are cut, and named
            in `m.cut`: an end is recorded all the same.
        after: the version that is replaced, 0 for none. Only one version of a document replaces any
            other, so every write changes the document, and thereby moves its update_time.
        now: seconds since 1970. A worker's clock will do: it has a day to be wrong in, and it only
            decides when the document may be swept away.
        cut: what was left out before.

    Raises:
        ValueError: it cannot be written down; the message says why.
    """
    _put(document.fields, key, record, after=after, cut=cut)
    if document.ByteSize() > LARGEST:
        shorter, more = _cut(record)
        document.ClearField("fields")
        _put(document.fields, key, shorter, after=after, cut=(*cut, *more))
    if document.ByteSize() > LARGEST:
        raise ValueError(
            f"the record is larger than a Firestore document: over {LARGEST} bytes of once steps"
        )
    expire(document, record, now=now)


def expire(document: Any, record: Record, *, now: float) -> None:  # noqa: ANN401 - a protobuf message
    """Let `document` be swept away a day after `record` means nothing any more."""
    kept = record.retention if record.is_terminal else max(record.retention, KEPT)
    document.fields[EXPIRE_AT].timestamp_value.seconds = int(min(now + kept + DAY, _LAST))


def opened(document: Any) -> dict[str, object]:  # noqa: ANN401 - a protobuf message
    """The map of a document, as plain values.

    Raises:
        ValueError: it is not of this version, or not of ours at all; the message says why.
    """
    told = _plain(document.fields[MAP]) if MAP in document.fields else None
    if not isinstance(told, dict):
        raise ValueError(f"it has no map {MAP!r}: something else has written it")  # noqa: TRY004 - not a mistake
    schema = told.get("schema")
    if type(schema) is not int or schema < SCHEMA:
        raise ValueError(f"its schema is {schema!r}, not {SCHEMA}: something else has written it")
    if schema > SCHEMA:
        raise ValueError(f"it was written by a newer taskhandler (schema {schema})")
    return told


def told_by(document: Any) -> tuple[Key, Record]:  # noqa: ANN401 - a protobuf message
    """The record that a document says, and whose it is.

    Raises:
        ValueError: nothing that this version can make out; the message says why.
    """
    told = opened(document)
    key = msgspec.convert({name: told.get(name, "") for name in Key.__struct_fields__}, Key)
    return key, msgspec.convert(
        {name: told[name] for name in Record.__struct_fields__ if name in told}, Record
    )


def _put(fields: Any, key: Key, record: Record, *, after: int, cut: Sequence[str]) -> None:  # noqa: ANN401 - a protobuf map
    said = fields[MAP].map_value.fields
    said["schema"].integer_value = SCHEMA
    said["namespace"].string_value = key.namespace
    said["queue"].string_value = key.queue
    said["task"].string_value = key.task
    said["handler"].string_value = record.handler
    said["state"].string_value = record.state.value
    said["attempt"].integer_value = record.attempt
    said["fence"].integer_value = record.fence
    said["lease_id"].string_value = record.lease_id
    said["lease"].double_value = record.lease
    said["digest"].string_value = record.digest
    said["retention"].double_value = record.retention
    said["after"].integer_value = after
    said["drained"].integer_value = record.drained
    said["heartbeats"].integer_value = record.heartbeats
    _put_rare(said, key, record)
    for what in cut:
        said["cut"].array_value.values.add().string_value = what


def _put_rare(said: Any, key: Key, record: Record) -> None:  # noqa: ANN401 - a protobuf map
    if record.on_dead_called:
        said["on_dead_called"].boolean_value = True
    if record.result is not None:
        said["result"].string_value = record.result
    texts = {"conflict": key.conflict, "reason": record.reason, "error_type": record.error_type}
    for name, text in {**texts, "trace": record.trace, "claimed_by": record.claimed_by}.items():
        if text:
            said[name].string_value = text
    if record.generation:
        said["generation"].integer_value = record.generation
    for line in record.history:
        said["history"].array_value.values.add().string_value = line
    for mark in record.steps:
        step = said["steps"].array_value.values.add().map_value.fields
        step["name"].string_value = mark.name
        step["fence"].integer_value = mark.fence
        if mark.value is not None:
            step["value"].string_value = mark.value


def _cut(record: Record) -> tuple[Record, tuple[str, ...]]:
    shorter = replace(
        record,
        result=_preview(record.result),
        reason=record.reason[:_TEXT],
        history=tuple(line[:_TEXT] for line in record.history),
    )
    names = ("result", "reason", "history")
    return shorter, tuple(name for name in names if getattr(shorter, name) != getattr(record, name))


def _preview(result: str | None) -> str | None:
    """A result stays JSON when it is cut: a text that shows its beginning."""
    if result is None or len(result) <= _RESULT:
        return result
    return json.dumps(f"{result[:_RESULT]}... (cut: {len(result)} characters)", ensure_ascii=False)


def _plain(value: Any) -> object:  # noqa: ANN401 - a protobuf Value
    kind = value.WhichOneof("value_type")
    match kind:
        case "map_value":
            return {name: _plain(each) for name, each in value.map_value.fields.items()}
        case "array_value":
            return [_plain(each) for each in value.array_value.values]
        case "null_value" | None:
            return None
        case _:
            return getattr(value, kind)
