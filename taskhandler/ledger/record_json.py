"""A record as JSON, in which fields of a newer version keep their place.

The format and `min_reader` of a record are not in it, but beside it: they are read before the JSON is, which
a later format may write otherwise. A field that this version does not know is kept as it is there, and
written back as it stood, also within a step, a round and an act.
"""

from __future__ import annotations

import functools
from collections.abc import Mapping
from typing import TypeVar

import msgspec
from msgspec import Raw
from msgspec.structs import replace

from taskhandler.lifecycle.record import FORMAT, OperatorAct, Record, Round, Step, Unknown, check_decoded

_ELSEWHERE = frozenset({"format", "min_reader", "unknown"})
"""What stands beside the JSON, and what is not one field."""

_Kind = type[Record] | type[Step] | type[Round] | type[OperatorAct]
_Part = TypeVar("_Part", Record, Step, Round, OperatorAct)

_raw_fields = msgspec.json.Decoder(dict[str, Raw])
_raw_items = msgspec.json.Decoder(list[dict[str, Raw]])


@functools.cache  # made at first use: `import taskhandler` must stay light
def _make_decoder() -> msgspec.json.Decoder[Record]:
    return msgspec.json.Decoder(Record)


def encode_record(record: Record) -> bytes:
    """The record as JSON, fields of a newer version included."""
    is_of_this_format = record.format == FORMAT and record.min_reader == 1
    plain = (
        record if is_of_this_format else replace(record, format=FORMAT, min_reader=1)
    )  # which are left out
    if not _has_unknown(record):
        return msgspec.json.encode(plain)
    merged: dict[str, object] = {**_merge(plain)}
    for name, parts in _list_parts(record).items():
        if parts:
            merged[name] = [_merge(part) for part in parts]
    return msgspec.json.encode(merged)


def decode_record(text: bytes, *, version: int, min_reader: int) -> Record:
    """The record that `encode_record` has made, or that of another version.

    Args:
        text: the JSON.
        version: the record's format, as it stands beside the JSON.
        min_reader: the same.

    Raises:
        ValueError: it is not a record; the message says why.
    """
    try:
        text.decode()
        record = _make_decoder().decode(text)
        check_decoded(record)
        raw = _raw_fields.decode(text)
        return replace(
            record,
            format=version,
            min_reader=min_reader,
            unknown=_find_unknown(raw, Record),
            steps=_with_unknown(record.steps, raw, "steps", Step),
            rounds=_with_unknown(record.rounds, raw, "rounds", Round),
            acts=_with_unknown(record.acts, raw, "acts", OperatorAct),
        )
    except (ValueError, RecursionError) as error:  # msgspec's and Unicode's errors are ValueErrors
        raise ValueError(f"it cannot be decoded ({error})") from error


def _list_parts(record: Record) -> dict[str, tuple[Step, ...] | tuple[Round, ...] | tuple[OperatorAct, ...]]:
    return {"steps": record.steps, "rounds": record.rounds, "acts": record.acts}


def _has_unknown(record: Record) -> bool:
    if not (record.steps or record.rounds or record.acts):
        return bool(record.unknown)
    return bool(record.unknown) or any(
        part.unknown for parts in _list_parts(record).values() for part in parts
    )


def _merge(part: Record | Step | Round | OperatorAct) -> dict[str, Raw]:
    known = _raw_fields.decode(msgspec.json.encode(replace(part, unknown=())))
    return known | {name: Raw(value) for name, value in part.unknown}


def _with_unknown(
    parts: tuple[_Part, ...], raw: Mapping[str, Raw], name: str, kind: _Kind
) -> tuple[_Part, ...]:
    if not parts:
        return parts
    return tuple(
        replace(part, unknown=_find_unknown(of_part, kind))
        for part, of_part in zip(parts, _raw_items.decode(raw[name]), strict=True)
    )


def _find_unknown(raw: Mapping[str, Raw], kind: _Kind) -> Unknown:
    known = _KNOWN[kind]
    found = tuple((name, bytes(value)) for name, value in raw.items() if name not in known)
    return found or ()  # the default itself, which is left out: Python 3.10 has other empty tuples, too


_KNOWN = {kind: frozenset(kind.__struct_fields__) - _ELSEWHERE for kind in (Record, Step, Round, OperatorAct)}
