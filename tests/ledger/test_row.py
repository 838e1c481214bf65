"""A record and the time of its writing as one text."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from taskhandler.ledger.row import decode_row, encode_row
from taskhandler.ledger.storage import Unavailable
from taskhandler.lifecycle.record import FORMAT, Snapshot
from tests.ledger.samples import FIRST
from tests.ledger.sqlite.local_storage import Clocks

SECOND_NS = 10**9


def test_a_row_is_read_with_its_version_and_its_age():
    clocks = Clocks()
    clock = clocks.clock()
    text = encode_row(FIRST, clock.stamp())
    clocks.boot += 29 * SECOND_NS
    clocks.wall -= 86_400
    found = decode_row(text, version="v", clock=clock, now=clock.now())
    assert isinstance(found, Snapshot)
    assert (found.record, found.version) == (FIRST, "v")
    assert found.age == pytest.approx(29.0)


def test_a_row_of_a_newer_format_keeps_its_format_and_its_fields():
    clock = Clocks().clock()
    newer = replace(FIRST, format=FORMAT + 1, unknown=(("later", b'{"a":[1, 2]}'),))
    found = decode_row(encode_row(newer, clock.stamp()), version=1, clock=clock, now=clock.now())
    assert isinstance(found, Snapshot)
    assert found.record == newer


def test_a_row_for_newer_readers_is_unavailable_although_its_record_cannot_be_decoded():
    clock = Clocks().clock()
    text = encode_row(replace(FIRST, format=7, min_reader=6), clock.stamp())
    text = text.replace(b'"state":"running"', b'"state":{"is":"running"}')
    found = decode_row(text, version=1, clock=clock, now=clock.now())
    assert isinstance(found, Unavailable)
    assert "reads format 6" in found.why


@pytest.mark.parametrize("text", [b"", b"[]", b"{}", b'{"format":1,"min_reader":1}', b"\xff"])
def test_a_row_that_cannot_be_decoded_is_unavailable_with_the_reason(text: bytes):
    clock = Clocks().clock()
    found = decode_row(text, version=1, clock=clock, now=clock.now())
    assert isinstance(found, Unavailable)
    assert "cannot be read" in found.why
    assert found.is_lasting


@pytest.mark.parametrize("field", [b'"format":', b'"min_reader":', b'"boot_ns":'])
def test_a_row_of_a_format_or_a_time_below_the_first_is_unavailable(field: bytes):
    clock = Clocks().clock()
    text = encode_row(FIRST, clock.stamp()).replace(field, field + b"-")
    found = decode_row(text, version=1, clock=clock, now=clock.now())
    assert isinstance(found, Unavailable)
    assert field.decode().strip('":') in found.why


def test_a_row_with_a_broken_record_is_unavailable():
    clock = Clocks().clock()
    text = encode_row(FIRST, clock.stamp()).replace(b'"running"', b'"strolling"')
    assert isinstance(decode_row(text, version=1, clock=clock, now=clock.now()), Unavailable)


def test_a_text_that_is_half_a_surrogate_pair_is_not_encoded():
    with pytest.raises(UnicodeEncodeError):
        encode_row(replace(FIRST, reason="\ud800"), Clocks().clock().stamp())
