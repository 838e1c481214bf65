"""The fields of a record in the map of its document: every one comes back, the unknown ones included."""

from __future__ import annotations

import math

import pytest
from google.cloud.firestore_v1 import types
from hypothesis import given
from msgspec.structs import replace

from taskhandler.ledger.firestore.record_map import find_unknown, put_record, read_record, to_plain
from taskhandler.lifecycle.record import OperatorAct, Record, Round, State, Step
from taskhandler.protobuf import Message
from tests.ledger.samples import ABSURD, FIRST, records

RARE = replace(
    FIRST,
    state=State.DEAD,
    on_dead_called=True,
    reason="ValueError: no",
    result='"r"',
    error_type="builtins.ValueError",
    trace="00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
    generation=2,
    claimed_by="a" * 64,
    history=("1 lost", "2 failed"),
    steps=(Step("charge", 1, '"c-1"'), Step("mail", 2)),
    rounds=(Round(name_hash="b" * 64, state=State.REJECTED),),
    acts=(OperatorAct(action="reset", who="ann@example.com", why="bug fixed", at=1_700_000_000.5),),
)
ALWAYS = {
    "format",
    "min_reader",
    "handler",
    "state",
    "attempt",
    "fence",
    "lease_id",
    "lease",
    "digest",
    "retention",
    "drained",
    "heartbeats",
}


def filled(record: Record) -> Message:
    fields = types.Value.pb()().map_value.fields
    put_record(fields, record)
    return fields


def item_of(fields: Message, name: str, number: int = 0) -> Message:
    return fields[name].array_value.values[number].map_value.fields


@given(record=records)
def test_a_record_is_decoded_unchanged(record: Record):
    assert read_record(filled(record)) == record


def test_every_rare_field_is_decoded_unchanged():
    assert read_record(filled(RARE)) == RARE
    assert set(filled(RARE)) == set(Record.__struct_fields__) - {"unknown"}


def test_fields_that_most_records_do_not_have_are_left_out_of_them():
    assert set(filled(FIRST)) == ALWAYS


def test_unknown_fields_of_steps_rounds_and_acts_are_kept_unchanged():
    fields = filled(RARE)
    for name in ("steps", "rounds", "acts"):
        item_of(fields, name)["colour"].map_value.fields["of"].string_value = name
        item_of(fields, name)["unknown"].integer_value = 7
    record = read_record(fields)
    assert [name for name, _ in record.steps[0].unknown] == ["colour", "unknown"]
    assert record.steps[1] == RARE.steps[1]
    again = filled(replace(record, heartbeats=5))
    for name in ("steps", "rounds", "acts"):
        assert to_plain(again[name]) == to_plain(fields[name])


def test_unknown_fields_are_found_in_the_order_of_their_names():
    fields = filled(FIRST)
    fields["z"].null_value = 0
    fields["a"].timestamp_value.seconds = 1
    fields["m"].reference_value = "projects/p/databases/d/documents/c/i"
    names, values = zip(*find_unknown(fields, ALWAYS), strict=True)
    assert names == ("a", "m", "z")
    assert [types.Value.pb().FromString(value) for value in values] == [fields[name] for name in names]


def test_a_field_called_unknown_is_not_taken_for_the_records_unknown_fields():
    fields = filled(FIRST)
    fields["unknown"].string_value = "x"
    assert read_record(fields) == FIRST


def test_an_item_that_is_not_a_map_is_an_error_that_says_where():
    fields = filled(RARE)
    fields["acts"].array_value.values.add().string_value = "reset"
    with pytest.raises(ValueError, match=r"\$\.acts\[1\]"):
        read_record(fields)


@pytest.mark.parametrize(
    ("field", "value"), [*ABSURD, ("lease", math.nan), ("lease", math.inf), ("retention", math.nan)]
)
def test_a_number_that_no_version_writes_is_an_error_that_names_it(field: str, value: float):
    fields = filled(FIRST)
    if isinstance(value, int):
        fields[field].integer_value = value
    else:
        fields[field].double_value = value
    with pytest.raises(ValueError, match=field):
        read_record(fields)


def test_a_null_is_read_as_none():
    fields = filled(RARE)
    fields["result"].null_value = 0
    assert read_record(fields).result is None
