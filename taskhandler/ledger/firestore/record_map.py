"""The fields of a record in the map of its document, and back.

Names are those of `Record`. A field that this version does not know, at the top or in a step, a round or an
act, is kept as it is encoded, in `unknown`, and written back.

Nothing of Google's is imported here: the protobuf messages are handed in.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import TypeVar

import msgspec
from msgspec.structs import replace

from taskhandler.lifecycle.record import OperatorAct, Record, Round, Step, Unknown, check_decoded
from taskhandler.protobuf import Message

_Item = TypeVar("_Item", Step, Round, OperatorAct)


def _list_names(kind: type[msgspec.Struct]) -> frozenset[str]:
    return frozenset(kind.__struct_fields__) - {"unknown"}


RECORD_FIELDS = _list_names(Record)
"""The names of a record's fields in the map."""

_ITEM_FIELDS = {"steps": _list_names(Step), "rounds": _list_names(Round), "acts": _list_names(OperatorAct)}
"""The names of the fields of what these lists hold."""


def put_record(fields: Message, record: Record) -> None:
    """Add a record to an empty map; what is empty in most records is left out.

    Raises:
        ValueError: a text or a number cannot be encoded.
    """
    fields["format"].integer_value = record.format
    fields["min_reader"].integer_value = record.min_reader
    fields["handler"].string_value = record.handler
    fields["state"].string_value = record.state.value
    fields["attempt"].integer_value = record.attempt
    fields["fence"].integer_value = record.fence
    fields["lease_id"].string_value = record.lease_id
    fields["lease"].double_value = record.lease
    fields["digest"].string_value = record.digest
    fields["retention"].double_value = record.retention
    fields["drained"].integer_value = record.drained
    fields["heartbeats"].integer_value = record.heartbeats
    _put_rare(fields, record)
    _put_lists(fields, record)
    _put_unknown(fields, record.unknown)


def read_record(fields: Message) -> Record:
    """The record in a map.

    Raises:
        ValueError: a field is missing, or has a value that it cannot have; the message names it.
    """
    record = msgspec.convert(
        {name: _to_plain_field(name, fields[name]) for name in RECORD_FIELDS if name in fields}, Record
    )
    check_decoded(record)
    lists = {
        name: _with_unknown(getattr(record, name), name, fields) for name in _ITEM_FIELDS if name in fields
    }
    return replace(record, **lists) if lists else record


def find_unknown(fields: Message, known: Collection[str]) -> Unknown:
    """The fields of a map whose names are not among the known ones."""
    return tuple(
        (name, fields[name].SerializeToString(deterministic=True))
        for name in sorted(fields)
        if name not in known
    )


def to_plain(value: Message) -> object:
    """A Firestore value as a Python one."""
    kind = value.WhichOneof("value_type")
    match kind:
        case "map_value":
            return {name: to_plain(each) for name, each in value.map_value.fields.items()}
        case "array_value":
            return [to_plain(each) for each in value.array_value.values]
        case "null_value" | None:
            return None
        case _:
            return getattr(value, kind)


def _put_rare(fields: Message, record: Record) -> None:
    if record.on_dead_called:
        fields["on_dead_called"].boolean_value = True
    if record.result is not None:
        fields["result"].string_value = record.result
    if record.reason:
        fields["reason"].string_value = record.reason
    if record.error_type:
        fields["error_type"].string_value = record.error_type
    if record.trace:
        fields["trace"].string_value = record.trace
    if record.generation:
        fields["generation"].integer_value = record.generation
    if record.claimed_by:
        fields["claimed_by"].string_value = record.claimed_by


def _put_lists(fields: Message, record: Record) -> None:
    for line in record.history:
        fields["history"].array_value.values.add().string_value = line
    for step in record.steps:
        item = _add_item(fields["steps"], step.unknown)
        item["name"].string_value = step.name
        item["fence"].integer_value = step.fence
        if step.value is not None:
            item["value"].string_value = step.value
    for ended in record.rounds:
        item = _add_item(fields["rounds"], ended.unknown)
        item["name_hash"].string_value = ended.name_hash
        item["state"].string_value = ended.state.value
    for act in record.acts:
        item = _add_item(fields["acts"], act.unknown)
        item["action"].string_value = act.action
        item["who"].string_value = act.who
        item["why"].string_value = act.why
        item["at"].double_value = act.at


def _add_item(value: Message, unknown: Unknown) -> Message:
    fields = value.array_value.values.add().map_value.fields
    _put_unknown(fields, unknown)
    return fields


def _put_unknown(fields: Message, unknown: Unknown) -> None:
    for name, encoded in unknown:
        fields[name].ParseFromString(encoded)


def _to_plain_field(name: str, value: Message) -> object:
    plain = to_plain(value)
    if name not in _ITEM_FIELDS or not isinstance(plain, list):
        return plain
    return [_without_unknown(item, _ITEM_FIELDS[name]) for item in plain]


def _without_unknown(item: object, known: Collection[str]) -> object:
    if not isinstance(item, Mapping):
        return item
    return {name: value for name, value in item.items() if name in known}


def _with_unknown(items: tuple[_Item, ...], name: str, fields: Message) -> tuple[_Item, ...]:
    values = fields[name].array_value.values
    return tuple(
        replace(item, unknown=find_unknown(value.map_value.fields, _ITEM_FIELDS[name]))
        for item, value in zip(items, values, strict=True)
    )
