"""Pages of records that need attention, from the index of the field `attention`.

A page is the result of as many queries as it takes, one range after the other. Each begins after the last
document that was seen, not at an offset, so records that come, change or go meanwhile move no other record.
What is read is what is billed: the records of the page, one more that shows whether there is another page,
and one for each range without a record.

A completion removes the entry of its record from the index, and Firestore skips recently removed entries one
by one (https://cloud.google.com/firestore/docs/best-practices). Under load that takes time among the running
tasks, and among no others. So a page may end because the time for it is up. It says so, and where it ended.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from taskhandler.ledger.firestore.attention import ATTENTION, Cursor, skip_spans, write_cursor
from taskhandler.ledger.firestore.transport import Failure, Fetched, Found, Query, Span, Transport
from taskhandler.ledger.storage import Entry, Listed, Page

QUERY_DOCUMENTS = 300
"""Documents that one query asks for at most."""

TIME_IS_UP = "DEADLINE_EXCEEDED"
"""The code of a query that took too long."""


class PageReader:
    """Collects one page.

    Args:
        run: asks for so many documents of a range, from after a cursor on.
        read_entry: the entry of a document; None if it is to be left out.
        limit: records of the page at most.
    """

    def __init__(
        self,
        run: Callable[[Span, Cursor, int], Found],
        read_entry: Callable[[Fetched], Entry | None],
        *,
        limit: int,
    ) -> None:
        self._run = run
        self._read_entry = read_entry
        self._limit = limit
        self._entries: list[tuple[Entry, Cursor]] = []
        self._was_answered = False

    def read(self, spans: Sequence[Span], cursor: Cursor | None) -> Page | Failure:
        """The page after `cursor`; a failure if Firestore cannot be read."""
        for span in skip_spans(spans, cursor):
            start = cursor if cursor is not None and cursor.value >= span.first else None
            failure, cursor = self._read_span(span, start or Cursor(span.first))
            if len(self._entries) > self._limit:
                last = self._entries[self._limit - 1][1]
                return Page(self._list_entries(), write_cursor(last))
            if failure is not None:
                return self._end_early(span, failure, cursor)
        return Page(self._list_entries())

    def _read_span(self, span: Span, cursor: Cursor) -> tuple[Failure | None, Cursor]:
        while len(self._entries) <= self._limit:
            size = min(self._limit + 1 - len(self._entries), QUERY_DOCUMENTS)
            found = self._run(span, cursor, size)
            for fetched in found.documents:
                cursor = _read_cursor(fetched)
                entry = self._read_entry(fetched)
                if entry is not None:
                    self._entries.append((entry, cursor))
            self._was_answered |= bool(found.documents) or found.failure is None
            if found.failure is not None or len(found.documents) < size:
                return found.failure, cursor
        return None, cursor

    def _end_early(self, span: Span, failure: Failure, cursor: Cursor) -> Page | Failure:
        """An incomplete page if the time was up; a ledger that does not answer at all is unavailable."""
        slow = self._was_answered or span.first.startswith(f"{Listed.RUNNING.value}:")
        if failure.code != TIME_IS_UP or not slow:
            return failure
        return Page(self._list_entries(), write_cursor(cursor), is_complete=False)

    def _list_entries(self) -> tuple[Entry, ...]:
        return tuple(entry for entry, _ in self._entries[: self._limit])


def run_until(
    transport: Transport, collection: str, *, until: float, clock: Callable[[], float], timeout: float
) -> Callable[[Span, Cursor, int], Found]:
    """What runs the queries of a page: each for at most `timeout` seconds, and none after `until`."""

    def run(span: Span, cursor: Cursor, size: int) -> Found:
        left = until - clock()
        if left <= 0:
            return Found([], Failure(TIME_IS_UP, "the time for the page is up"))
        query = Query(collection=collection, size=size, span=span, after_value=cursor.value, after=cursor.id)
        return transport.query(query, timeout=min(left, timeout))

    return run


def fetch_all(transport: Transport, collection: str, *, timeout: float) -> Iterator[Fetched | Failure]:
    """All documents of a collection in the order of their ids; a query takes at most `timeout` seconds."""
    after = ""
    while True:
        query = Query(collection=collection, size=QUERY_DOCUMENTS, after=after)
        found = transport.query(query, timeout=timeout)
        if found.failure is not None:
            yield found.failure
            return
        yield from found.documents
        if not found.documents:
            return
        after = found.documents[-1].name.rpartition("/")[2]


def _read_cursor(fetched: Fetched) -> Cursor:
    return Cursor(fetched.document.fields[ATTENTION].string_value, fetched.name.rpartition("/")[2])
