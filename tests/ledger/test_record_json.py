"""A record as JSON: what a newer version wrote comes back, and goes back, as it was."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from taskhandler.ledger.record_json import decode_record, encode_record
from taskhandler.lifecycle.holder_rules import BeginStep, FinishStep, Heartbeat
from taskhandler.lifecycle.record import OperatorAct, Record, Round, Snapshot, State, Step
from tests.ledger.samples import ABSURD, FIRST, records

WHOLE = replace(
    FIRST,
    steps=(Step("charge", 1, '"r-1"'), Step("mail", 1)),
    rounds=(Round(name_hash="a" * 64, state=State.DEAD),),
    acts=(OperatorAct(action="reset", who="ada", why="a bug", at=1.5),),
)
NEWER = {
    "priority": {"of": [1, 2.50, "three"], "text": "\N{SNOWMAN}"},
    "steps": {"seconds": 0.10, "by": None},
    "rounds": {"ended": "2031-01-01"},
    "acts": {"from": "console", "to": {}},
}


def decoded(text: bytes, *, version: int = 1, min_reader: int = 1) -> Record:
    return decode_record(text, version=version, min_reader=min_reader)


def newer() -> bytes:
    """A record of a newer version, which has more fields everywhere."""
    fields = json.loads(encode_record(WHOLE))
    fields["priority"] = NEWER["priority"]
    for name in ("steps", "rounds", "acts"):
        for part in fields[name]:
            part.update(NEWER[name])
    return json.dumps(fields).encode()


@given(records)
def test_every_record_is_decoded_unchanged(record: Record):
    assert decoded(encode_record(record)) == record


def test_a_record_without_parts_keeps_the_fields_of_a_newer_version():
    record = replace(FIRST, unknown=(("priority", b"1"),))
    assert json.loads(encode_record(record))["priority"] == 1
    assert decoded(encode_record(record)) == record


def test_a_record_with_all_its_fields_is_decoded_unchanged():
    assert decoded(encode_record(WHOLE)) == WHOLE


def test_fields_of_a_newer_version_are_read_as_unknown():
    record = decoded(newer())
    assert [name for name, _ in record.unknown] == ["priority"]
    assert [name for name, _ in record.steps[1].unknown] == ["seconds", "by"]
    assert record.rounds[0].unknown == (("ended", b'"2031-01-01"'),)
    assert [name for name, _ in record.acts[0].unknown] == ["from", "to"]
    assert replace(record, unknown=(), steps=(), rounds=(), acts=()) == FIRST


def test_fields_of_a_newer_version_are_written_back_unchanged():
    record = decoded(newer())
    assert json.loads(encode_record(record)) == json.loads(newer())
    again = decoded(encode_record(record))
    assert again == record
    assert dict(again.unknown)["priority"] == json.dumps(NEWER["priority"]).encode()  # digits and escapes too


@pytest.mark.parametrize(
    "rule",
    [Heartbeat(FIRST.lease_id), BeginStep(FIRST.lease_id, "ship"), FinishStep(FIRST.lease_id, "ship", "1")],
    ids=lambda rule: type(rule).__name__,
)
def test_a_rule_of_this_version_leaves_fields_of_a_newer_one_alone(rule: Heartbeat | BeginStep | FinishStep):
    before = decoded(newer())
    write = rule(Snapshot(before, 1)).write
    assert write is not None
    after = decoded(encode_record(write))
    assert (after.unknown, after.steps[:2], after.rounds, after.acts) == (
        before.unknown,
        before.steps,
        before.rounds,
        before.acts,
    )


def test_the_format_is_not_in_the_json_and_is_kept():
    text = encode_record(replace(WHOLE, format=4, min_reader=3))
    assert not {"format", "min_reader", "unknown"} & set(json.loads(text))
    record = decoded(text, version=4, min_reader=3)
    assert (record.format, record.min_reader) == (4, 3)


def test_a_record_without_unknown_fields_is_written_as_it_was():
    text = encode_record(WHOLE)
    assert encode_record(decoded(text)) == text


names = st.text().filter(lambda name: name not in Record.__struct_fields__ + Step.__struct_fields__)
values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(), lambda inner: st.lists(inner, max_size=3)
)


@given(st.dictionaries(names, values, max_size=4), st.dictionaries(names, values, max_size=4))
def test_unknown_fields_of_any_name_and_value_are_kept(more: dict[str, object], of_step: dict[str, object]):
    text = json.dumps({**json.loads(encode_record(WHOLE)), **more})
    fields = json.loads(text)
    fields["steps"][0].update(of_step)
    record = decoded(json.dumps(fields).encode())
    assert json.loads(encode_record(record)) == fields


@pytest.mark.parametrize(
    "text",
    [
        b"",
        b"{",
        b"[]",
        b"{}",
        b"\xff",
        encode_record(FIRST).replace(b'"running"', b'"paused"'),
        encode_record(FIRST).replace(b"charge-order", b"charge-\xff"),
        encode_record(WHOLE).replace(b'"steps":[{', b'"steps":[7,{'),
        encode_record(FIRST)[:-1] + b',"more":' + b"[" * 100_000,
    ],
)
def test_text_that_is_not_a_record_is_refused_with_the_reason(text: bytes):
    with pytest.raises(ValueError, match="it cannot be decoded"):
        decoded(text)


@pytest.mark.parametrize(("field", "value"), ABSURD)
def test_a_number_that_no_version_writes_is_refused_by_its_name(field: str, value: float):
    fields = {**json.loads(encode_record(FIRST)), field: value}
    with pytest.raises(ValueError, match=field):
        decoded(json.dumps(fields).encode())
