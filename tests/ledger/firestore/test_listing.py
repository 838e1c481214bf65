"""Pages of records that need attention: what they cost, and what happens while records change."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from typing import Any

import pytest
from google.cloud.firestore_v1 import types
from msgspec.structs import replace

from taskhandler.ledger.firestore.attention import Cursor, find_spans, read_cursor, write_cursor
from taskhandler.ledger.firestore.listing import PageReader, run_until
from taskhandler.ledger.firestore.transport import Failure, Fetched, Found, Span
from taskhandler.ledger.storage import Entry, Key, Listed, Page, Unavailable
from taskhandler.lifecycle.record import Record, Snapshot, State
from tests.faults.relay import Relay
from tests.ledger.emulator import shared_address
from tests.ledger.firestore.cloud import Cloud, emulated_cloud, version_of
from tests.ledger.samples import FIRST, fresh_key

COMPLETED = replace(FIRST, state=State.COMPLETED)
DEAD = replace(FIRST, state=State.DEAD)
SLOW = Failure("DEADLINE_EXCEEDED", "too slow")
MANY = 2_000
"""Records beside those that are listed; `python -m benchmarks.firestore_listing` has 100,000."""


class CountingRelay(Relay):
    """Counts the documents in the answers to queries, and stops after `allowed` of them until it ends."""

    def __init__(self, upstream: str) -> None:
        super().__init__(upstream)
        self.reads = 0
        self.allowed = 1_000_000
        self.over = threading.Event()

    def _handed_on(self, method: str, requests: list[bytes], context: Any) -> Iterator[bytes]:  # noqa: ANN401 - grpcio's
        for answer in super()._handed_on(method, requests, context):
            if method.endswith("RunQuery") and types.RunQueryResponse.pb().FromString(answer).HasField(
                "document"
            ):
                self.reads += 1
                if self.reads > self.allowed:
                    self.over.wait(20)
            yield answer


@pytest.fixture
def relay() -> Iterator[CountingRelay]:
    with CountingRelay(shared_address()) as running:
        yield running
        running.over.set()


@pytest.fixture
def cloud(relay: CountingRelay) -> Iterator[Cloud]:
    with emulated_cloud(relay.address) as opened:
        yield opened


def page_of(cloud: Cloud, states: set[Listed], **options: Any) -> Page:  # noqa: ANN401 - of `list`
    page = cloud.storage.list(states, **options)
    assert isinstance(page, Page)
    return page


def pages_of(cloud: Cloud, states: set[Listed], **options: Any) -> Iterator[Page]:  # noqa: ANN401 - the same
    after: str | None = None
    while True:
        page = page_of(cloud, states, after=after, **options)
        yield page
        after = page.after
        if after is None:
            return


def add(cloud: Cloud, record: Record, count: int) -> list[Key]:
    keys = [fresh_key() for _ in range(count)]
    cloud.add_many((key, record) for key in keys)
    return keys


def ids_of(cloud: Cloud, keys: list[Key]) -> list[str]:
    return sorted(cloud.document(key).id for key in keys)


def test_a_page_of_fifty_dead_letters_among_many_records_is_51_reads(cloud: Cloud, relay: CountingRelay):
    add(cloud, COMPLETED, MANY)
    dead = add(cloud, DEAD, 60)
    page = page_of(cloud, {Listed.DEAD}, handler=DEAD.handler)
    assert [entry.id for entry in page.entries] == ids_of(cloud, dead)[:50]
    assert relay.reads == 51
    assert relay.calls == {"RunQuery": 1}


def test_a_list_of_all_states_and_handlers_is_in_the_order_of_states_handlers_and_ids(cloud: Cloud):
    for handler in ("b", "a"):
        for state in State:
            add(cloud, replace(FIRST, state=state, handler=handler), 2)
    add_conflict(cloud)
    entries = [entry for page in pages_of(cloud, set(Listed), limit=3) for entry in page.entries]
    shown = [
        (
            "conflict" if entry.key.conflict else entry.snapshot.record.state.value,
            entry.snapshot.record.handler,
            entry.id,
        )
        for entry in entries
    ]
    assert shown == sorted(shown)
    assert len(shown) == 2 * 2 * (len(State) - 1) + 1


def add_conflict(cloud: Cloud) -> None:
    cloud.add_many([(replace(fresh_key(), conflict="d"), replace(FIRST, state=State.REJECTED))])


def test_records_that_stay_are_on_one_page_while_half_a_page_is_deleted_and_others_come(cloud: Cloud):
    keys = add(cloud, DEAD, 40)
    by_id = {cloud.document(key).id: key for key in keys}
    pages = pages_of(cloud, {Listed.DEAD}, handler=DEAD.handler, limit=10)
    first = next(pages)
    gone = [entry.id for entry in first.entries[5:]] + ids_of(cloud, keys)[12:17]
    for each in gone:
        cloud.document(by_id[each]).delete()
    add(cloud, DEAD, 10)
    seen = [entry.id for page in (first, *pages) for entry in page.entries]
    assert len(set(seen)) == len(seen)
    assert set(ids_of(cloud, keys)) - set(gone) <= set(seen)
    assert not set(gone[5:]) & set(seen)


def test_a_completion_removes_a_record_from_the_list(cloud: Cloud):
    key = fresh_key()
    version = version_of(cloud.storage.create(key, FIRST))
    assert [entry.key for entry in page_of(cloud, {Listed.RUNNING}).entries] == [key]
    cloud.storage.replace(key, COMPLETED, version)
    assert page_of(cloud, set(Listed)) == Page(())
    assert "attention" not in cloud.top_fields(key)


def test_an_entry_has_the_snapshot_that_a_read_has(cloud: Cloud):
    key = fresh_key()
    cloud.storage.create(key, DEAD)
    (entry,) = page_of(cloud, {Listed.DEAD}).entries
    read = cloud.found(key)
    assert replace(entry.snapshot, age=0.0) == replace(read, age=0.0)
    assert 0 <= entry.snapshot.age <= read.age


def test_a_record_whose_retention_is_over_is_not_listed(cloud: Cloud):
    add(cloud, replace(DEAD, retention=0.0), 7)
    kept = add(cloud, DEAD, 3)
    page = page_of(cloud, {Listed.DEAD}, limit=3)
    assert [entry.id for entry in page.entries] == ids_of(cloud, kept)
    assert page.after is None


def test_a_record_that_must_not_be_acted_on_is_logged_and_left_out(
    cloud: Cloud, caplog: pytest.LogCaptureFixture
):
    key, other = add(cloud, DEAD, 2)
    cloud.document(key).update({"record.min_reader": 99})
    page = page_of(cloud, {Listed.DEAD}, limit=1)
    assert [entry.key for entry in page.entries] == [other]
    assert "deploy the newer version" in caplog.messages[0]


def test_a_page_that_runs_out_of_time_says_so_and_is_continued(cloud: Cloud, relay: CountingRelay):
    keys = add(cloud, FIRST, 9)
    relay.allowed = 4
    early = page_of(cloud, {Listed.RUNNING}, handler=FIRST.handler)
    assert not early.is_complete
    assert len(early.entries) <= 4
    relay.allowed = 1_000_000
    rest = page_of(cloud, {Listed.RUNNING}, handler=FIRST.handler, after=early.after)
    assert rest.is_complete
    assert [entry.id for entry in (*early.entries, *rest.entries)] == ids_of(cloud, keys)


@pytest.mark.parametrize(
    ("code", "remedy"), [("UNAVAILABLE", "check the network"), ("FAILED_PRECONDITION", "flask tasks setup")]
)
def test_a_list_that_fails_is_unavailable_and_logged_with_the_remedy(
    cloud: Cloud, relay: CountingRelay, caplog: pytest.LogCaptureFixture, code: str, remedy: str
):
    relay.answer("RunQuery", code, details="The query requires an index", times=2)
    for _ in range(2):
        assert isinstance(cloud.storage.list({Listed.DEAD}), Unavailable)
    assert len(caplog.messages) == 1
    assert "cannot be listed" in caplog.messages[0]
    assert remedy in caplog.messages[0].partition("To fix it: ")[2]


@pytest.mark.parametrize(
    "after", ["", "record-7", "00", "dead:h", "dead:h/__id7__", "dead:\ud800/1", "/dead"]
)
def test_a_list_after_something_else_than_a_page_is_refused(cloud: Cloud, after: str):
    with pytest.raises(ValueError, match="after must be"):
        cloud.storage.list({Listed.DEAD}, after=after)


def fetched(handler: str, number: int) -> Fetched:
    document = types.Document.pb()(name=f"c/{number:02}")
    document.fields["attention"].string_value = f"dead:{handler}"
    return Fetched(document.name, document, 0)


def entry_of(each: Fetched) -> Entry:
    return Entry(each.name, fresh_key(), Snapshot(DEAD, 1))


DEAD_SPANS = find_spans({Listed.DEAD}, None)
RUNNING_SPANS = find_spans({Listed.RUNNING}, None)


def test_a_page_that_is_full_is_complete_although_the_query_failed_afterwards():
    found = Found([fetched("h", number) for number in range(3)], SLOW)
    page = PageReader(lambda *_: found, entry_of, limit=2).read(DEAD_SPANS, None)
    assert isinstance(page, Page)
    assert ([entry.id for entry in page.entries], page.after) == (["c/00", "c/01"], "dead:h/01")
    assert page.is_complete


@pytest.mark.parametrize(("spans", "expected"), [(DEAD_SPANS, Failure), (RUNNING_SPANS, Page)])
def test_only_among_running_tasks_is_silence_taken_for_a_slow_query(spans: list[Span], expected: type):
    assert type(PageReader(lambda *_: Found([], SLOW), entry_of, limit=2).read(spans, None)) is expected


def test_a_query_that_is_slow_after_an_answer_ends_the_page_early():
    found = iter([Found([fetched("h", number) for number in range(2)]), Found([], SLOW)])
    spans = [*DEAD_SPANS, *find_spans({Listed.WAITING}, None)]
    page = PageReader(lambda *_: next(found), entry_of, limit=5).read(spans, None)
    assert isinstance(page, Page)
    assert ([entry.id for entry in page.entries], page.after) == (["c/00", "c/01"], "waiting:/")
    assert not page.is_complete


def test_an_incomplete_page_without_records_is_continued_where_it_began():
    page = PageReader(lambda *_: Found([], SLOW), entry_of, limit=2).read(RUNNING_SPANS, None)
    assert page == Page((), "running:/", is_complete=False)
    cursor = Cursor("running:h", "07")
    again = PageReader(lambda *_: Found([], SLOW), entry_of, limit=2).read(RUNNING_SPANS, cursor)
    assert again == Page((), write_cursor(cursor), is_complete=False)
    assert read_cursor("running:/") == Cursor("running:")


def test_no_query_begins_after_the_time_for_the_page(cloud: Cloud):
    run = run_until(
        cloud.storage._connection._transport,  # type: ignore[arg-type]  # noqa: SLF001 - it is not called
        "task_ledger",
        until=10.0,
        clock=lambda: 10.0,
        timeout=4.5,
    )
    assert run(DEAD_SPANS[0], Cursor("dead:"), 5).failure == Failure(
        "DEADLINE_EXCEEDED", "the time for the page is up"
    )
