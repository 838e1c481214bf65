"""The field `attention`: its values, the ranges of a list, and cursors in their order."""

from __future__ import annotations

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from msgspec.structs import replace

from taskhandler.ledger.firestore.attention import (
    Cursor,
    find_attention,
    find_spans,
    read_cursor,
    skip_spans,
    write_cursor,
)
from taskhandler.ledger.storage import Key, Listed
from taskhandler.lifecycle.record import State
from tests.ledger.samples import FIRST

KEY = Key("n", "q", "t")

handlers = st.text()
listed = st.sampled_from(Listed)


def test_a_completed_record_has_no_value():
    assert find_attention(KEY, replace(FIRST, state=State.COMPLETED)) == ""


def test_a_conflict_has_a_value_of_its_own():
    record = replace(FIRST, state=State.REJECTED)
    assert find_attention(replace(KEY, conflict="d"), record) == "conflict:charge-order"


@given(state=listed, handler=handlers, other=handlers)
@example(Listed.DEAD, "h", "h\0")
def test_the_range_of_a_handler_has_its_value_only(state: Listed, handler: str, other: str):
    (span,) = find_spans({state}, handler)
    value = f"{state.value}:{other}"
    assert (span.first <= value < span.end) == (handler == other)


@given(state=listed, another=listed, handler=handlers)
def test_the_range_of_a_state_has_the_values_of_all_its_handlers(
    state: Listed, another: Listed, handler: str
):
    (span,) = find_spans({state}, None)
    assert (span.first <= f"{another.value}:{handler}" < span.end) == (state is another)


def test_ranges_are_ascending():
    firsts = [span.first for span in find_spans(list(Listed), None)]
    assert firsts == sorted(firsts)
    assert len(firsts) == len(Listed)


def test_ranges_before_a_cursor_are_skipped():
    spans = find_spans(set(Listed), None)
    assert skip_spans(spans, None) == spans
    left = skip_spans(spans, Cursor("rejected:h", "0a"))
    assert [span.first for span in left] == ["rejected:", "running:", "waiting:"]


@given(value=handlers.map(lambda handler: f"dead:{handler}"), document_id=st.sampled_from(["", "0a"]))
def test_a_cursor_is_read_as_it_was_written(value: str, document_id: str):
    assert read_cursor(write_cursor(Cursor(value, document_id))) == Cursor(value, document_id)


@pytest.mark.parametrize("text", ["", "0a", "/", "dead/0a", "dead:h"])
def test_a_text_that_is_not_a_cursor_is_refused(text: str):
    with pytest.raises(ValueError, match="after must be"):
        read_cursor(text)


def test_a_handler_with_half_a_surrogate_pair_has_no_ranges():
    assert find_spans({Listed.DEAD}, "half a \ud800 pair") == []


@pytest.mark.parametrize("text", ["dead:h/__id7__", "dead:half a \ud800 pair/1"])
def test_a_place_that_no_document_can_have_is_not_a_cursor(text: str):
    with pytest.raises(ValueError, match="after must be"):
        read_cursor(text)
