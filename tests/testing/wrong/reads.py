"""Storages that show a wrong age, or wrong pages."""

from __future__ import annotations

import time
from collections.abc import Collection, Iterator

from msgspec.structs import replace as with_changes

from taskhandler.ledger import Entry, Key, Listed, Page, Snapshot, State, Unavailable, page_of
from taskhandler.ledger.memory import MemoryStorage


class AgesAreByTheWallClock(MemoryStorage):
    def __init__(self, *, clock: object) -> None:  # noqa: ARG002 - this is what is wrong with it
        super().__init__(clock=time.time_ns)


class NothingGrowsOlder(MemoryStorage):
    def __init__(self, *, clock: object) -> None:  # noqa: ARG002 - this is what is wrong with it
        super().__init__(clock=lambda: 0)


class RecordsLookOlder(MemoryStorage):
    def read(self, key: Key) -> Snapshot | Unavailable | None:
        found = super().read(key)
        return with_changes(found, age=found.age + 1) if isinstance(found, Snapshot) else found


class TimesForPeopleAreSinceTheStart(MemoryStorage):
    def read(self, key: Key) -> Snapshot | Unavailable | None:
        found = super().read(key)
        return with_changes(found, updated_at=time.monotonic()) if isinstance(found, Snapshot) else found


class _PagesOfItsOwn(MemoryStorage):
    def entries(self) -> Iterator[Entry]:
        return (Entry(repr(key), key, shown) for key, shown in self.scan())


class PagesAreAtAnOffset(_PagesOfItsOwn):
    def list(
        self,
        states: Collection[Listed],
        *,
        handler: str | None = None,
        after: str | None = None,
        limit: int = 50,
    ) -> Page | Unavailable:
        page = page_of(self.entries(), states, handler=handler, after=None, limit=10**6)
        assert isinstance(page, Page)
        first = int(after or 0)
        rest = page.entries[first:]
        return Page(rest[:limit], str(first + limit) if len(rest) > limit else None)


class PagesRepeatTheirLastEntry(_PagesOfItsOwn):
    def list(
        self,
        states: Collection[Listed],
        *,
        handler: str | None = None,
        after: str | None = None,
        limit: int = 50,
    ) -> Page | Unavailable:
        page = page_of(self.entries(), states, handler=handler, after=after, limit=limit)
        assert isinstance(page, Page)
        if page.after is None or limit == 1:
            return page
        return Page(page.entries, page.entries[-2].id)


class PagesAreNotInOrder(_PagesOfItsOwn):
    def list(
        self,
        states: Collection[Listed],
        *,
        handler: str | None = None,
        after: str | None = None,
        limit: int = 50,
    ) -> Page | Unavailable:
        page = page_of(self.entries(), states, handler=handler, after=after, limit=limit)
        assert isinstance(page, Page)
        return Page(page.entries[::-1], page.after)


class CompletedRecordsAreListed(_PagesOfItsOwn):
    def entries(self) -> Iterator[Entry]:
        return (Entry(repr(key), key, _as_dead(shown)) for key, shown in self.scan())

    def list(
        self,
        states: Collection[Listed],
        *,
        handler: str | None = None,
        after: str | None = None,
        limit: int = 50,
    ) -> Page | Unavailable:
        return page_of(self.entries(), states, handler=handler, after=after, limit=limit)


def _as_dead(shown: Snapshot) -> Snapshot:
    if shown.record.state is not State.COMPLETED:
        return shown
    return with_changes(shown, record=with_changes(shown.record, state=State.DEAD))
