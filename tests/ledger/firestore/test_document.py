"""A record as a Firestore document: it comes back as it was, fits, and can be read by people."""

from __future__ import annotations

import json

import pytest
from google.cloud.firestore_v1 import types
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from taskhandler.ledger.firestore.document import (
    DAY_SECONDS,
    KEPT_SECONDS,
    LIMIT_BYTES,
    DocumentError,
    decode,
    document_id,
    encode,
)
from taskhandler.ledger.firestore.record_map import to_plain
from taskhandler.ledger.storage import Key
from taskhandler.lifecycle.record import FORMAT, Record, State, Step
from taskhandler.protobuf import Message
from tests.ledger.samples import FIRST, THIRD, records

KEY = Key("project/location", "queue", "task-1")
NOW = 1_700_000_000.0
MEBIBYTE = 2**20

keys = st.builds(Key, st.text(), st.text(), st.text(), st.text())


def empty() -> Message:
    return types.Document.pb()()


def filled(record: Record, key: Key = KEY, *, after: int = 0) -> Message:
    document = empty()
    encode(document, key, record, after=after, now=NOW)
    return document


def plain(document: Message) -> dict[str, Message]:
    fields = to_plain(document.fields["record"])
    assert isinstance(fields, dict)
    return fields


def expiry(record: Record) -> float:
    return float(filled(record).fields["expire_at"].timestamp_value.seconds)


@given(key=keys, record=records)
def test_a_record_and_its_key_are_decoded_unchanged(key: Key, record: Record):
    sent = filled(record, key).SerializeToString()
    assert decode(types.Document.pb().FromString(sent)) == (key, record)


@given(one=keys, other=keys)
def test_different_tasks_have_different_documents(one: Key, other: Key):
    assert (document_id(one) == document_id(other)) == (one == other)


def test_keys_with_the_same_text_in_other_parts_have_different_ids():
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


def test_the_map_has_texts_that_people_can_read():
    fields = plain(filled(THIRD))
    shown = {name: fields[name] for name in ("queue", "task", "handler", "state")}
    assert shown == {"queue": "queue", "task": "task-1", "handler": "charge-order", "state": "completed"}


def test_an_ended_record_expires_a_day_after_its_retention():
    assert expiry(replace(THIRD, retention=60.0)) == NOW + 60 + DAY_SECONDS
    assert expiry(replace(THIRD, retention=100 * DAY_SECONDS)) == NOW + 101 * DAY_SECONDS


def test_a_record_that_has_not_ended_expires_after_36_days_or_more():
    assert expiry(replace(FIRST, retention=60.0)) == NOW + KEPT_SECONDS + DAY_SECONDS
    assert expiry(replace(FIRST, retention=100 * DAY_SECONDS)) == NOW + 101 * DAY_SECONDS


def test_a_retention_past_the_year_9999_expires_at_its_end():
    assert expiry(replace(FIRST, retention=1e300)) == 253_402_300_799


def test_a_result_that_is_too_large_is_cut_and_stays_json():
    result = json.dumps("x" * 2 * MEBIBYTE)
    document = filled(replace(THIRD, result=result))
    record = decode(document)[1]
    assert document.ByteSize() <= LIMIT_BYTES
    assert plain(document)["cut"] == ["result"]
    assert json.loads(record.result or "").startswith('"xxx')
    assert replace(record, result=None) == replace(THIRD, result=None)


def test_errors_and_histories_that_are_too_large_are_cut():
    long = "\N{PILE OF POO}" * MEBIBYTE
    record = replace(FIRST, reason=long, history=(long,) * 10, result='"short"')
    document = filled(record)
    assert document.ByteSize() <= LIMIT_BYTES
    assert plain(document)["cut"] == ["reason", "history"]
    assert decode(document)[1].result == '"short"'


def test_a_record_that_fits_is_not_cut():
    assert "cut" not in plain(filled(replace(THIRD, result=json.dumps("x" * 900_000))))


def test_once_steps_that_are_too_large_are_refused():
    record = replace(FIRST, steps=tuple(Step(str(n), 1, "x" * 100_000) for n in range(11)))
    with pytest.raises(ValueError, match="once steps"):
        filled(record)


WRONG = [
    ("format", 0, "record.format must be"),
    ("format", "1", "record.format must be"),
    ("min_reader", True, "record.min_reader must be"),
    ("min_reader", 1.5, "record.min_reader must be"),
    ("state", "finished", "finished"),
    ("state", None, "null"),
    ("attempt", "one", "int"),
    ("attempt", 1.5, "int"),
    ("lease", "long", "float"),
    ("lease_id", 7, "str"),
    ("queue", 7, "str"),
    ("steps", {"a": 1}, "array"),
    ("rounds", "none", "array"),
    ("acts", ["reset"], "object"),
]


@pytest.mark.parametrize(("field", "value", "why"), WRONG)
def test_a_field_that_was_edited_to_a_wrong_value_is_an_error_with_a_remedy(
    field: str, value: object, why: str
):
    document = filled(FIRST)
    map_of(document)[field].CopyFrom(as_value(value))
    with pytest.raises(DocumentError, match=why) as raised:
        decode(document)
    assert "correct the field" in raised.value.remedy


@pytest.mark.parametrize(
    "field",
    ["format", "min_reader", "state", "attempt", "fence", "lease_id", "lease", "digest", "retention"],
)
def test_a_record_without_a_required_field_is_an_error_that_names_it(field: str):
    document = filled(FIRST)
    del map_of(document)[field]
    with pytest.raises(DocumentError, match=field):
        decode(document)


def test_a_foreign_document_is_an_error_that_says_so():
    document = empty()
    document.fields["paid"].boolean_value = True
    with pytest.raises(DocumentError, match="not taskhandler's"):
        decode(document)
    document.fields["record"].string_value = "mine"
    with pytest.raises(DocumentError, match="not taskhandler's"):
        decode(document)
    document.fields["m"].string_value = "mine"
    with pytest.raises(DocumentError, match="not taskhandler's") as raised:
        decode(document)
    assert "another collection" in raised.value.remedy


def test_a_document_of_the_unreleased_format_is_an_error_that_says_what_to_do():
    document = empty()
    document.fields["m"].map_value.fields["schema"].integer_value = 1
    document.fields["m"].map_value.fields["told"].boolean_value = True
    with pytest.raises(DocumentError, match="before the first release") as raised:
        decode(document)
    assert "name another collection" in raised.value.remedy


def test_a_record_for_newer_readers_only_is_an_error_that_says_what_to_deploy():
    document = filled(replace(FIRST, format=FORMAT + 2, min_reader=FORMAT + 1))
    with pytest.raises(DocumentError, match=f"it has format {FORMAT + 2}, .* format {FORMAT + 1}") as raised:
        decode(document)
    assert "deploy the newer version" in raised.value.remedy


def test_a_record_of_a_newer_format_for_this_reader_keeps_its_format():
    newer = replace(FIRST, format=FORMAT + 1, min_reader=FORMAT)
    assert decode(filled(newer))[1] == newer


def test_an_edit_by_hand_that_is_valid_takes_effect():
    document = filled(FIRST)
    map_of(document)["state"].CopyFrom(as_value("waiting"))
    map_of(document)["lease"].CopyFrom(as_value(20))
    assert decode(document)[1] == replace(FIRST, state=State.WAITING, lease=20.0)


def test_an_unknown_field_of_the_map_is_kept_and_written_back():
    document = filled(FIRST)
    map_of(document)["unknown"].CopyFrom(as_value({"a": 1}))
    map_of(document)["weight"].CopyFrom(as_value(7))
    record = decode(document)[1]
    assert [name for name, _ in record.unknown] == ["unknown", "weight"]
    again = map_of(filled(replace(record, heartbeats=9)))
    assert again["weight"].integer_value == 7
    assert again["unknown"] == map_of(document)["unknown"]


@pytest.mark.parametrize(
    ("state", "key", "expected"),
    [
        (State.RUNNING, KEY, "running:charge-order"),
        (State.DEAD, KEY, "dead:charge-order"),
        (State.REJECTED, replace(KEY, conflict="d"), "conflict:charge-order"),
        (State.COMPLETED, KEY, None),
    ],
)
def test_a_document_says_where_its_record_is_listed(state: State, key: Key, expected: str | None):
    fields = filled(replace(FIRST, state=state), key).fields
    assert (fields["attention"].string_value if "attention" in fields else None) == expected


def map_of(document: Message) -> Message:
    return document.fields["record"].map_value.fields


def as_value(value: object) -> Message:
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
            return types.Value.pb()(
                map_value={"fields": {name: as_value(each) for name, each in value.items()}}
            )
        case list():
            return types.Value.pb()(array_value={"values": [as_value(each) for each in value]})
        case _:
            return types.Value.pb()(string_value=str(value))
