"""Tests of `taskhandler.ledger.listing`."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

import pytest
from msgspec.structs import replace

from taskhandler.errors import LedgerError
from taskhandler.ledger.listing import listed_as, page_of
from taskhandler.ledger.storage import Entry, Key, Listed, Page, Unavailable
from taskhandler.lifecycle.record import Snapshot, State
from tests.ledger.samples import FIRST

ENTRIES = [
    Entry(str(n), Key("n", "q", str(n)), Snapshot(replace(FIRST, state=state, handler=handler), n))
    for n, (state, handler) in enumerate(
        [
            (State.DEAD, "a"),
            (State.COMPLETED, "a"),
            (State.DEAD, "b"),
            (State.WAITING, "a"),
            (State.DEAD, "a"),
        ]
    )
]


def pages(entries: Iterable[Entry], states: set[Listed], **options: Any) -> Page:  # noqa: ANN401 - passed on
    page = page_of(entries, states, **options)
    assert isinstance(page, Page)
    return page


@pytest.mark.parametrize("state", sorted(State))
def test_a_record_is_listed_by_its_state_unless_it_completed(state: State):
    expected = None if state is State.COMPLETED else Listed(state.value)
    assert listed_as(Key("n", "q", "t"), replace(FIRST, state=state)) is expected


def test_a_conflict_is_listed_as_one():
    assert listed_as(Key("n", "q", "t", "d"), replace(FIRST, state=State.REJECTED)) is Listed.CONFLICT


def test_pages_are_in_the_order_of_ids():
    first = pages(reversed(ENTRIES), {Listed.DEAD, Listed.WAITING}, handler="a", after=None, limit=2)
    assert ([entry.id for entry in first.entries], first.after) == (["0", "3"], "3")
    second = pages(ENTRIES, {Listed.DEAD, Listed.WAITING}, handler="a", after=first.after, limit=2)
    assert ([entry.id for entry in second.entries], second.after) == (["4"], None)


def test_records_of_all_handlers_are_listed_by_default():
    page = pages(ENTRIES, {Listed.DEAD}, handler=None, after=None, limit=9)
    assert [entry.id for entry in page.entries] == ["0", "2", "4"]


def test_a_ledger_that_cannot_be_read_while_it_is_listed_is_unavailable():
    def failing() -> Iterator[Entry]:
        yield ENTRIES[0]
        raise LedgerError("the disk is gone")

    page = page_of(failing(), {Listed.DEAD}, handler=None, after=None, limit=9)
    assert page == Unavailable("the disk is gone")


@pytest.mark.parametrize("limit", [0, -1])
def test_a_page_has_room_for_one_record_at_least(limit: int):
    with pytest.raises(ValueError, match=f"limit must be an integer of at least 1, not {limit}"):
        page_of(ENTRIES, {Listed.DEAD}, handler=None, after=None, limit=limit)


def test_a_record_past_its_retention_is_left_out():
    old = [replace(entry, snapshot=replace(entry.snapshot, age=1e9)) for entry in ENTRIES]
    page = pages(old, set(Listed), handler=None, after=None, limit=9)
    assert [entry.snapshot.record.state for entry in page.entries] == [State.WAITING]
