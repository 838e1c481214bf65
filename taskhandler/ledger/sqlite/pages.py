"""Pages of the records that want attention, found by an index and not by a scan.

The index has these records in the order of what they are listed as, handler and key. A page begins behind a
place in that order, not after so many records, so records that come or go meanwhile move no others from
page to page. An id, and the place where a page ends, are texts in that order, encoded so that they are
ordered alike.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator, Sequence

from taskhandler.ledger.listing import listed_as
from taskhandler.ledger.sqlite.rows import KEY_COLUMNS, RECORD_COLUMNS, Row, encode_key
from taskhandler.ledger.storage import Entry, Key, Page
from taskhandler.lifecycle.record import Snapshot

MOST_ROWS = 1_000
"""Rows that one page looks at: those that have expired and are not swept yet, say, are passed over."""

Place = tuple[str, ...]
"""Where in the index: what a record is listed as, its handler, and the four parts of its key."""

Decode = Callable[[Key, Row], Snapshot | None]
"""Makes a record out of a row; None if the row must be left alone."""

_PLACE_LENGTH = 6
_SEPARATOR, _NUL, _ESCAPED_NUL = b"\0\1", b"\0", b"\0\2"
"""A separator is less than all that a text can contain, so a text comes before those that it begins."""


def build_statement(*, of_handler: bool, is_continued: bool) -> str:
    """Finds rows that are listed as one thing, of one handler or of all, from the start or behind a place."""
    order = KEY_COLUMNS if of_handler else f"handler, {KEY_COLUMNS}"
    places = ", ".join("?" for _ in order.split(","))
    conditions = [
        "listed_as IS NOT NULL AND listed_as = ?",  # the first is the condition of the index
        *(["handler = ?"] if of_handler else []),
        *([f"({order}) > ({places})"] if is_continued else []),
    ]
    return (
        f"SELECT {RECORD_COLUMNS}, listed_as, handler, {KEY_COLUMNS} FROM records "  # noqa: S608 - names of this package
        f"WHERE {' AND '.join(conditions)} ORDER BY {order} LIMIT ?"
    )


def read_page(
    connection: sqlite3.Connection,
    states: Sequence[str],
    *,
    handler: str | None,
    after: Place | None,
    limit: int,
    decode: Decode,
) -> Page:
    """The page behind `after`, of records that are listed as one of `states`.

    Raises:
        ValueError: a row has columns that are not text.
        sqlite3.Error: the file cannot be read.
    """
    entries = list[Entry]()
    last: Place | None = None
    batch = min(limit, MOST_ROWS) + 1
    for number, row in enumerate(_find_rows(connection, states, handler, after, batch)):
        if last is not None and (len(entries) == limit or number == MOST_ROWS):
            return Page(tuple(entries), _encode(last), is_complete=len(entries) == limit)
        last = _read_place(row)
        entry = _read_entry(last, row, decode)
        if entry is not None:
            entries.append(entry)
    return Page(tuple(entries))


def decode_place(text: str) -> Place:
    """The place that `Page.after` names.

    Raises:
        ValueError: no page of a SQLite ledger can have ended there.
    """
    try:
        parts = bytes.fromhex(text).split(_SEPARATOR)
        place = tuple(part.replace(_ESCAPED_NUL, _NUL).decode() for part in parts)
    except ValueError as error:
        raise ValueError(f"after must be the `after` of a page of this ledger, not {text!r}") from error
    if len(place) != _PLACE_LENGTH:
        raise ValueError(f"after must be the `after` of a page of this ledger, not {text!r}")
    return place


def _read_entry(place: Place, row: Row, decode: Decode) -> Entry | None:
    listed, handler, *parts = place
    key = Key(*parts)
    snapshot = decode(key, row)
    if snapshot is None or snapshot.has_expired:
        return None
    if listed_as(key, snapshot.record) != listed or snapshot.record.handler != handler:
        return None  # its columns were edited by hand: the record decides
    return Entry(_encode(encode_key(key)), key, snapshot)


def _find_rows(
    connection: sqlite3.Connection,
    states: Sequence[str],
    handler: str | None,
    after: Place | None,
    batch: int,
) -> Iterator[Row]:
    for state in sorted(set(states)):
        behind = _find_start(state, handler, after)
        while behind is not None:
            text = build_statement(of_handler=handler is not None, is_continued=bool(behind))
            which = (state,) if handler is None else (state, handler)
            rows = connection.execute(text, (*which, *behind, batch)).fetchall()
            yield from rows
            behind = _find_start(state, handler, _read_place(rows[-1])) if len(rows) == batch else None


def _find_start(state: str, handler: str | None, after: Place | None) -> Place | None:
    """What to bind for the place to go on behind: nothing for the start; None if all rows are before it."""
    if after is None or state > after[0]:
        return ()
    if state < after[0] or (handler is not None and handler < after[1]):
        return None
    if handler is None:
        return after[1:]
    return after[2:] if handler == after[1] else ()


def _read_place(row: Row) -> Place:
    place = tuple(part for part in row[-_PLACE_LENGTH:] if isinstance(part, str))
    if len(place) < _PLACE_LENGTH:
        raise ValueError("a row was edited by hand: its handler or a part of its key is not text")
    return place


def _encode(place: Place) -> str:
    return _SEPARATOR.join(part.encode().replace(_NUL, _ESCAPED_NUL) for part in place).hex()
