"""A record as a Firestore document: it comes back as it was, fits, and can be read by people."""

from __future__ import annotations

import json
from typing import Any

import pytest
from google.cloud.firestore_v1 import types
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from taskhandler.ledger.firestore.document import DAY, KEPT, LARGEST, READ, document_id, fill, opened, told_by
from taskhandler.ledger.storage import Key
from taskhandler.lifecycle.record import Record, Step
from tests.ledger.samples import FIRST, THIRD, records

KEY = Key("project/location", "queue", "task-1")
NOW = 1_700_000_000.0
MEBIBYTE = 2**20

keys = st.builds(Key, st.text(), st.text(), st.text(), st.text())


def empty() -> Any:  # noqa: ANN401 - a protobuf message
    return types.Document.pb()()


def filled(record: Record, key: Key = KEY, *, after: int = 0) -> Any:  # noqa: ANN401 - a protobuf message
    document = empty()
    fill(document, key, record, after=after, now=NOW)
    return document


def expiry(record: Record) -> float:
    return float(filled(record).fields["expire_at"].timestamp_value.seconds)


@given(key=keys, record=records)
def test_a_record_and_its_key_come_back_as_they_were(key: Key, record: Record):
    sent = filled(record, key).SerializeToString()
    assert told_by(types.Document.pb().FromString(sent)) == (key, record)


@given(one=keys, other=keys)
def test_different_tasks_have_different_documents(one: Key, other: Key):
    assert (document_id(one) == document_id(other)) == (one == other)


def test_where_one_part_of_a_key_ends_is_part_of_its_id():
    alike = [
        Key("a", "b", "c"),
        Key("ab", "", "c"),
        Key("a", "bc", ""),
        Key("1:a,", "b", "c"),
        Key("", "a", "b", "c"),
    ]
    assert len({document_id(key) for key in alike}) == len(alike)


def test_an_id_is_the_same_in_every_version():
    assert document_id(KEY) == "05154d101ab52195bc2cdbe1d72ce9fb84ba35ea07b19ba8f88c8a724ade9b00"


def test_every_write_changes_the_document_even_where_the_record_stays():
    versions = [filled(FIRST, after=after).SerializeToString(deterministic=True) for after in range(50)]
    assert len(set(versions)) == len(versions)


def test_people_can_read_what_it_is_about():
    said = opened(filled(THIRD))
    shown = {name: said[name] for name in ("queue", "task", "handler", "state")}
    assert shown == {"queue": "queue", "task": "task-1", "handler": "charge-order", "state": "completed"}


def test_a_list_brings_every_field_of_a_record():
    names = {name.removeprefix("m.") for name in READ}
    assert (
        set(
            opened(
                filled(replace(THIRD, on_dead_called=True, history=("1 lost",)), replace(KEY, conflict="x"))
            )
        )
        - {"after"}
        <= names
    )


def test_an_end_may_be_swept_away_a_day_after_its_retention():
    assert expiry(replace(THIRD, retention=60.0)) == NOW + 60 + DAY
    assert expiry(replace(THIRD, retention=100 * DAY)) == NOW + 101 * DAY


def test_a_record_without_an_end_outlives_any_task():
    assert expiry(replace(FIRST, retention=60.0)) == NOW + KEPT + DAY
    assert expiry(replace(FIRST, retention=100 * DAY)) == NOW + 101 * DAY


def test_a_retention_past_all_calendars_is_for_ever():
    assert expiry(replace(FIRST, retention=1e300)) == 253_402_300_799


def test_a_result_that_is_too_large_is_cut_and_stays_json():
    result = json.dumps("x" * 2 * MEBIBYTE)
    document = filled(replace(THIRD, result=result))
    record = told_by(document)[1]
    assert document.ByteSize() <= LARGEST
    assert opened(document)["cut"] == ["result"]
    assert json.loads(record.result or "").startswith('"xxx')
    assert replace(record, result=None) == replace(THIRD, result=None)


def test_errors_and_histories_that_are_too_large_are_cut():
    long = "\N{PILE OF POO}" * MEBIBYTE
    record = replace(FIRST, reason=long, history=(long,) * 10, result='"short"')
    document = filled(record)
    assert document.ByteSize() <= LARGEST
    assert opened(document)["cut"] == ["reason", "history"]
    assert told_by(document)[1].result == '"short"'


def test_nothing_is_cut_from_what_fits():
    assert "cut" not in opened(filled(replace(THIRD, result=json.dumps("x" * 900_000))))


def test_once_steps_are_never_cut_but_refused():
    record = replace(FIRST, steps=tuple(Step(str(n), 1, "x" * 100_000) for n in range(11)))
    with pytest.raises(ValueError, match="once steps"):
        filled(record)


@pytest.mark.parametrize(
    ("field", "value", "why"),
    [
        ("schema", 2, "newer taskhandler"),
        ("schema", 0, "something else"),
        ("schema", "1", "something else"),
        ("schema", True, "something else"),
        ("state", "finished", "finished"),
        ("state", None, "null"),
        ("attempt", "one", "int"),
        ("attempt", 1.5, "int"),
        ("lease", "long", "float"),
        ("lease_id", 7, "str"),
        ("queue", 7, "str"),
        ("steps", {"a": 1}, "array"),
    ],
)
def test_what_was_edited_into_nonsense_is_not_guessed_at(field: str, value: object, why: str):
    document = filled(FIRST)
    document.fields["m"].map_value.fields[field].CopyFrom(as_value(value))
    with pytest.raises(ValueError, match=why):
        told_by(document)


@pytest.mark.parametrize(
    "field", ["schema", "state", "attempt", "fence", "lease_id", "lease", "digest", "retention"]
)
def test_what_lacks_a_field_is_not_guessed_at(field: str):
    document = filled(FIRST)
    del document.fields["m"].map_value.fields[field]
    with pytest.raises(ValueError, match=field):
        told_by(document)


def test_a_strangers_document_is_told_as_one():
    document = empty()
    document.fields["paid"].boolean_value = True
    with pytest.raises(ValueError, match="something else"):
        told_by(document)
    document.fields["m"].string_value = "mine"
    with pytest.raises(ValueError, match="something else"):
        told_by(document)


def test_an_edit_by_hand_that_makes_sense_counts():
    document = filled(FIRST)
    document.fields["m"].map_value.fields["state"].CopyFrom(as_value("waiting"))
    document.fields["m"].map_value.fields["lease"].CopyFrom(as_value(20))
    document.fields["m"].map_value.fields["note"].CopyFrom(as_value("let it run again"))
    assert told_by(document)[1] == replace(FIRST, state=told_by(document)[1].state, lease=20.0)
    assert told_by(document)[1].state.value == "waiting"


def as_value(value: object) -> Any:  # noqa: ANN401 - a protobuf message
    match value:
        case None:
            return types.Value.pb()(null_value=0)
        case bool():
            return types.Value.pb()(boolean_value=value)
        case int():
            return types.Value.pb()(integer_value=value)
        case float():
            return types.Value.pb()(double_value=value)
        case dict():
            return types.Value.pb()(map_value={})
        case _:
            return types.Value.pb()(string_value=str(value))
