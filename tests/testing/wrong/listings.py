"""Storages that list too little or too much."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable

from msgspec.structs import replace as with_changes

from taskhandler.ledger import Answer, Entry, Key, Listed, Page, Record, TaskBody, Unavailable, page_of
from taskhandler.ledger.memory import MemoryStorage

MOST_ENTRIES = 100


class _PagesOfItsOwn(MemoryStorage):
    def entries(self) -> Iterable[Entry]:
        return [Entry(repr(key), key, shown) for key, shown in self.scan()]


class PagesShowNoAge(_PagesOfItsOwn):
    def list(
        self,
        states: Collection[Listed],
        *,
        handler: str | None = None,
        after: str | None = None,
        limit: int = 50,
    ) -> Page | Unavailable:
        ageless = (
            with_changes(entry, snapshot=with_changes(entry.snapshot, age=0.0)) for entry in self.entries()
        )
        return page_of(ageless, states, handler=handler, after=after, limit=limit)


class OneStateIsListed(_PagesOfItsOwn):
    """The first one that has records."""

    def list(
        self,
        states: Collection[Listed],
        *,
        handler: str | None = None,
        after: str | None = None,
        limit: int = 50,
    ) -> Page | Unavailable:
        for state in sorted(states):
            page = page_of(self.entries(), {state}, handler=handler, after=after, limit=limit)
            if isinstance(page, Page) and page.entries:
                return page
        return Page(())


class LargePagesEndEarly(_PagesOfItsOwn):
    def list(
        self,
        states: Collection[Listed],
        *,
        handler: str | None = None,
        after: str | None = None,
        limit: int = 50,
    ) -> Page | Unavailable:
        most = min(limit, MOST_ENTRIES)
        page = page_of(self.entries(), states, handler=handler, after=after, limit=most)
        is_full = isinstance(page, Page) and len(page.entries) == limit
        return page if is_full or isinstance(page, Unavailable) else Page(page.entries)


class TheFirstHandlerStaysListed(_PagesOfItsOwn):
    def __init__(self, *, clock: Callable[[], int]) -> None:
        super().__init__(clock=clock)
        self._handlers = dict[Key, str]()

    def create(self, key: Key, record: Record, *, dead_letter: TaskBody | None = None) -> Answer:
        self._handlers.setdefault(key, record.handler)
        return super().create(key, record, dead_letter=dead_letter)

    def list(
        self,
        states: Collection[Listed],
        *,
        handler: str | None = None,
        after: str | None = None,
        limit: int = 50,
    ) -> Page | Unavailable:
        theirs = (entry for entry in self.entries() if handler in {None, self._handlers[entry.key]})
        return page_of(theirs, states, handler=None, after=after, limit=limit)
