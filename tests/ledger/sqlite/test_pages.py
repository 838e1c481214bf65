"""Pages of what wants attention: by an index, stable while records change, and without what has expired."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from pathlib import Path

import pytest
from msgspec.structs import replace

from taskhandler.ledger.sqlite.pages import MOST_ROWS, build_statement
from taskhandler.ledger.sqlite.storage import SQLiteStorage
from taskhandler.ledger.storage import Entry, Key, Listed, Page, Unavailable, Written
from taskhandler.lifecycle.record import State
from tests.ledger.samples import FIRST
from tests.ledger.sqlite.local_storage import SECOND, Clocks, raw_connection

AWKWARD = ["", "\0", "\0\1", "\0\2", "\1", "a", "a\0", "a\0b", "ab", "a/b", "é", "\N{SNOWMAN}", "\U0001f4e6"]
"""Parts of keys that are hard to put in order."""


def put(storage: SQLiteStorage, task: str, state: State = State.DEAD, *, handler: str = "charge") -> Key:
    key = Key("namespace", "queue", task)
    assert isinstance(storage.create(key, replace(FIRST, state=state, handler=handler)), Written)
    return key


def listed_on(page: Page | Unavailable) -> list[str]:
    assert isinstance(page, Page)
    return [entry.key.task for entry in page.entries]


def page_by_page(
    storage: SQLiteStorage, *states: Listed, handler: str | None = None, limit: int = 2
) -> Iterator[Entry]:
    after: str | None = None
    for _ in range(1000):
        page = storage.list(states, handler=handler, after=after, limit=limit)
        assert isinstance(page, Page)
        yield from page.entries
        after = page.after
        if after is None:
            return
    pytest.fail("the pages do not end")


STATEMENTS = {
    "of a handler": build_statement(of_handler=True, is_continued=False),
    "of a handler, continued": build_statement(of_handler=True, is_continued=True),
    "of all handlers": build_statement(of_handler=False, is_continued=False),
    "of all handlers, continued": build_statement(of_handler=False, is_continued=True),
}


@pytest.mark.parametrize("text", STATEMENTS.values(), ids=STATEMENTS)
def test_a_page_is_found_by_the_index_in_its_order(local: SQLiteStorage, text: str):
    with raw_connection(Path(local.database.path)) as connection:
        plan = connection.execute(f"EXPLAIN QUERY PLAN {text}", ("dead",) * text.count("?")).fetchall()
    (step,) = [detail for *_, detail in plan]  # one step: nothing is sorted, and nothing scanned
    assert step.startswith("SEARCH")
    assert "USING INDEX records_listed (listed_as=?" in step


def test_a_completed_record_is_in_no_index_of_what_is_listed(path: Path, local: SQLiteStorage):
    put(local, "t", State.COMPLETED)
    with raw_connection(path) as connection:
        assert connection.execute("SELECT listed_as FROM records").fetchall() == [(None,)]


def test_one_state_of_one_handler_is_in_the_order_of_ids(local: SQLiteStorage):
    keys = [Key(*parts) for parts in itertools.product(["n", "\0"], ["q", "q\0"], AWKWARD)]
    for key in keys:
        local.create(key, replace(FIRST, state=State.DEAD))
    entries = list(page_by_page(local, Listed.DEAD, handler=FIRST.handler, limit=5))
    assert [entry.id for entry in entries] == sorted({entry.id for entry in entries})
    assert len(entries) == len(keys)
    assert {entry.key for entry in entries} == set(keys)


def test_all_handlers_and_states_are_on_pages_that_follow_each_other(local: SQLiteStorage):
    expected = {
        put(local, f"{state.value} {handler}", state, handler=handler)
        for state in State
        if state is not State.COMPLETED
        for handler in AWKWARD
    }
    conflict = Key("n", "q", "t", "d")
    local.create(conflict, replace(FIRST, state=State.REJECTED))
    entries = [entry.key for entry in page_by_page(local, *Listed, limit=7)]
    assert len(entries) == len(expected) + 1
    assert set(entries) == expected | {conflict}


@pytest.mark.parametrize("listed", Listed)
def test_each_state_is_listed_alone(local: SQLiteStorage, listed: Listed):
    for state in State:
        put(local, state.value, state)
    local.create(Key("n", "q", "conflict", "d"), replace(FIRST, state=State.REJECTED))
    assert listed_on(local.list([listed])) == [listed.value]


def test_a_page_has_at_most_the_limit_and_the_last_one_says_so(local: SQLiteStorage):
    for number in range(4):
        put(local, str(number))
    first = local.list([Listed.DEAD], limit=2)
    assert isinstance(first, Page)
    second = local.list([Listed.DEAD], after=first.after, limit=2)
    assert (listed_on(first), listed_on(second)) == (["0", "1"], ["2", "3"])
    assert isinstance(second, Page)
    assert (first.is_complete, second.is_complete, second.after) == (True, True, None)


def test_records_that_stay_are_on_one_page_each_while_others_come_change_and_go(
    path: Path, local: SQLiteStorage
):
    keys = {number: put(local, f"{number:02}") for number in range(0, 40, 2)}
    pages = page_by_page(local, Listed.DEAD, handler="charge", limit=5)
    seen = [next(pages) for _ in range(10)]
    with raw_connection(path) as connection:
        connection.execute("DELETE FROM records WHERE task IN ('08', '18', '20')")  # where a page ended, too
    for number in range(1, 40, 6):
        put(local, f"{number:02}")
    found = local.read(keys[30])
    assert not isinstance(found, Unavailable)
    assert found is not None
    local.replace(keys[30], replace(found.record, state=State.WAITING), found.version)
    seen += pages
    stayed = [f"{number:02}" for number in keys if number not in {8, 18, 20, 30}]
    tasks = [entry.key.task for entry in seen]
    assert [task for task in tasks if task in stayed] == stayed
    assert len(tasks) == len(set(tasks))


def test_expired_records_are_not_listed(local: SQLiteStorage, clocks: Clocks):
    put(local, "old")
    clocks.boot += int(FIRST.retention) * SECOND
    put(local, "waiting", State.WAITING)
    put(local, "new")
    assert listed_on(local.list(list(Listed))) == ["new", "waiting"]


COPIES = """
WITH RECURSIVE copy(number) AS (SELECT 1 UNION ALL SELECT number + 1 FROM copy WHERE number < ?)
INSERT INTO records SELECT namespace, queue, task || number, conflict, handler, state, listed_as, created_at,
  updated_at, boot_id, boot_ns, expires_ns, version, format, min_reader, record FROM records, copy
"""


def test_a_page_with_too_many_expired_records_ends_early_with_a_cursor(
    path: Path, local: SQLiteStorage, clocks: Clocks
):
    put(local, "old")
    with raw_connection(path) as connection:
        connection.execute(COPIES, (MOST_ROWS * 2,))
    clocks.wall += FIRST.retention  # they have expired, but the sweep knows nothing of wall clocks
    rebooted = SQLiteStorage(
        local.database,
        clock=clocks.clock("boot-2"),
        chance=itertools.count(100).__next__,
        wait=lambda _: None,
    )
    put(rebooted, "young")
    first = rebooted.list([Listed.DEAD])
    assert isinstance(first, Page)
    assert (first.entries, first.is_complete) == ((), False)
    assert [entry.key.task for entry in page_by_page(rebooted, Listed.DEAD)] == ["young"]
    rebooted.close()


@pytest.mark.parametrize("after", ["", "0", "zz", "00", "ff" * 9, "0001" * 4, "0001" * 6])
def test_a_cursor_where_no_page_ended_is_an_error_that_quotes_it(local: SQLiteStorage, after: str):
    with pytest.raises(ValueError, match=f"of a page of this ledger, not '{after}'"):
        local.list([Listed.DEAD], after=after)


def test_a_page_looks_at_so_many_rows_whatever_its_limit(path: Path, local: SQLiteStorage):
    put(local, "old")
    with raw_connection(path) as connection:
        connection.execute(COPIES, (MOST_ROWS * 2,))
    page = local.list([Listed.DEAD], limit=10**30)
    assert isinstance(page, Page)
    assert (len(page.entries), page.is_complete) == (MOST_ROWS, False)
    assert len(list(page_by_page(local, Listed.DEAD, limit=10**30))) == MOST_ROWS * 2 + 1


@pytest.mark.parametrize(
    "edit",
    [
        "record = '{'",
        "min_reader = 2",
        "handler = 'other'",
        "listed_as = 'rejected'",
        "record = replace(record, '\"dead\"', '\"waiting\"')",
    ],
)
def test_a_row_that_was_edited_by_hand_is_left_out_and_the_others_are_listed(
    path: Path, local: SQLiteStorage, edit: str
):
    put(local, "edited")
    put(local, "whole")
    with raw_connection(path) as connection:
        connection.execute(f"UPDATE records SET {edit} WHERE task = 'edited'")  # noqa: S608 - words of this file
    assert [entry.key.task for entry in page_by_page(local, Listed.DEAD, Listed.REJECTED)] == ["whole"]


def test_a_page_of_keys_that_are_not_text_is_unavailable_with_that_reason(path: Path, local: SQLiteStorage):
    put(local, "edited")
    with raw_connection(path) as connection:
        connection.execute("UPDATE records SET queue = x'00'")
    answer = local.list([Listed.DEAD])
    assert isinstance(answer, Unavailable)
    assert "is not text" in answer.why


def test_a_page_of_a_missing_ledger_is_unavailable_with_that_reason(path: Path, local: SQLiteStorage):
    path.unlink()
    assert isinstance(local.list([Listed.DEAD]), Unavailable)
