"""Listing for storages that have no index for it."""

from __future__ import annotations

from collections.abc import Collection, Iterable

from taskhandler.ledger.storage import Entry, Key, Listed, Page
from taskhandler.lifecycle.record import Record, State


def listed_as(key: Key, record: Record) -> Listed | None:
    """What a record is listed as; None if it is not listed."""
    if key.conflict:
        return Listed.CONFLICT
    state = record.state
    return None if state is State.COMPLETED else Listed(state.value)


def page_of(
    entries: Iterable[Entry],
    states: Collection[Listed],
    *,
    handler: str | None,
    after: str | None,
    limit: int,
) -> Page:
    """The page, for a storage that has to look at all of its records: `entries`, in any order."""
    found = sorted(
        (
            entry
            for entry in entries
            if listed_as(entry.key, entry.snapshot.record) in states
            and handler in {None, entry.snapshot.record.handler}
            and (after is None or entry.id > after)
        ),
        key=lambda entry: entry.id,
    )
    more = len(found) > limit
    return Page(tuple(found[:limit]), found[limit - 1].id if more else None)
