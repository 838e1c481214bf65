"""Listing for storages that have no index for it."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator

from taskhandler.errors import LedgerError
from taskhandler.ledger.storage import Entry, Key, Listed, Page, Unavailable
from taskhandler.lifecycle.record import Record, State


def listed_as(key: Key, record: Record) -> Listed | None:
    """What a record is listed as; None if it is not listed."""
    if key.conflict:
        return Listed.CONFLICT
    state = record.state
    return None if state is State.COMPLETED else Listed(state.value)


def check_limit(limit: int) -> None:
    """See that a page may have so many records.

    Raises:
        ValueError: it may not.
    """
    if limit < 1:
        raise ValueError(f"limit must be an integer of at least 1, not {limit!r}")


def page_of(
    entries: Iterable[Entry],
    states: Collection[Listed],
    *,
    handler: str | None,
    after: str | None,
    limit: int,
) -> Page | Unavailable:
    """The page, for a storage that has to look at all of its records.

    Args:
        entries: all of them, in any order. A `LedgerError` that they raise is answered as `Unavailable`.
        states: see `Storage.list`.
        handler: the same.
        after: the same.
        limit: the same.

    Raises:
        ValueError: `limit` is less than 1.
    """
    check_limit(limit)
    try:
        found = sorted(_filter(entries, states, handler, after), key=lambda entry: entry.id)
    except LedgerError as error:
        return Unavailable(str(error))
    more = len(found) > limit
    return Page(tuple(found[:limit]), found[limit - 1].id if more else None)


def _filter(
    entries: Iterable[Entry], states: Collection[Listed], handler: str | None, after: str | None
) -> Iterator[Entry]:
    for entry in entries:
        record = entry.snapshot.record
        is_listed = listed_as(entry.key, record) in states and handler in {None, record.handler}
        if is_listed and not entry.snapshot.has_expired and (after is None or entry.id > after):
            yield entry
