"""Records that need attention are listed in pages, each record once, while other records change."""

from __future__ import annotations

from collections.abc import Callable, Collection
from itertools import product

import pytest
from msgspec.structs import replace

from taskhandler.ledger.listing import listed_as
from taskhandler.ledger.storage import Entry, Key, Listed, Page, Storage
from taskhandler.lifecycle.record import FORMAT, State
from taskhandler.testing.contract.fixtures import Fixtures
from taskhandler.testing.contract.samples import FIRST, THIRD, fresh_key, read, written

DEAD = replace(FIRST, state=State.DEAD, reason="why")
MOST_PAGES = 500
SCANNED_RECORDS = 611
"""Records of a scan: more than a storage reads at once, and no round number."""


class Pages(Fixtures):
    """`list` and `scan`."""

    def test_an_empty_ledger_has_an_empty_page_and_an_empty_scan(self, storage: Storage) -> None:
        assert _walk(storage, set(Listed)) == []
        assert list(storage.scan()) == []

    @pytest.mark.parametrize("state", State)
    def test_a_record_is_listed_as_its_state_and_as_nothing_else(
        self, storage: Storage, state: State
    ) -> None:
        key = fresh_key()
        written(storage.create(key, replace(FIRST, state=state)))
        listed = {listed for listed in Listed if _walk(storage, {listed})}
        assert {each.value for each in listed} == {state.value} - {State.COMPLETED.value}

    def test_a_key_with_a_conflict_is_listed_as_one(self, storage: Storage) -> None:
        key = Key("n", "q", "t", "digest")
        written(storage.create(key, replace(FIRST, state=State.REJECTED)))
        assert _keys(_walk(storage, {Listed.CONFLICT})) == [key]
        assert _walk(storage, set(Listed) - {Listed.CONFLICT}) == []

    def test_an_entry_shows_what_a_read_shows(self, storage: Storage) -> None:
        key = fresh_key()
        written(storage.create(key, DEAD))
        [entry] = _walk(storage, {Listed.DEAD})
        found = read(storage, key)
        assert (entry.key, entry.snapshot.record, entry.snapshot.version) == (key, DEAD, found.version)
        written(storage.replace(key, THIRD, entry.snapshot.version))

    def test_a_record_that_changed_its_state_is_listed_as_the_new_one(self, storage: Storage) -> None:
        key = fresh_key()
        version = written(storage.create(key, FIRST)).version
        version = written(storage.replace(key, DEAD, version)).version
        assert _walk(storage, {Listed.RUNNING}) == []
        assert _keys(_walk(storage, {Listed.DEAD})) == [key]
        written(storage.replace(key, THIRD, version))
        assert _walk(storage, set(Listed)) == []

    def test_only_the_records_of_the_handler_are_listed(self, storage: Storage) -> None:
        keys = {}
        for handler in ("charge", "charge-order", "Charge", "%", "charge:order", "é"):
            keys[handler] = fresh_key()
            written(storage.create(keys[handler], replace(DEAD, handler=handler)))
        for handler, key in keys.items():
            assert _keys(_walk(storage, {Listed.DEAD}, handler=handler)) == [key]
        assert _walk(storage, {Listed.DEAD}, handler="other") == []
        assert set(_keys(_walk(storage, {Listed.DEAD}))) == set(keys.values())

    @pytest.mark.parametrize("limit", [0, -1, -50])
    def test_a_page_of_no_records_is_refused(self, storage: Storage, limit: int) -> None:
        _create_dead(storage, 2)
        with pytest.raises(ValueError, match="limit"):
            storage.list({Listed.DEAD}, limit=limit)

    def test_a_page_of_no_states_is_empty(self, storage: Storage) -> None:
        _create_dead(storage, 1)
        assert _walk(storage, set()) == []

    def test_a_state_that_is_named_twice_is_listed_once(self, storage: Storage) -> None:
        keys = _create_dead(storage, 2)
        twice = [Listed.DEAD, Listed.DEAD]
        assert sorted(_keys(_walk(storage, twice, limit=1)), key=str) == sorted(keys, key=str)

    def test_a_handler_that_cannot_have_been_written_has_an_empty_page(self, storage: Storage) -> None:
        _create_dead(storage, 1)
        assert _walk(storage, {Listed.DEAD}, handler="half a \ud800 pair") == []

    def test_keys_that_are_alike_have_ids_of_their_own(self, storage: Storage) -> None:
        keys = [Key("a\0b", "c", "d"), Key("a", "b\0c", "d"), Key("a", "b", "c\0d"), Key("a\0b\0c", "d", "")]
        for key in keys:
            written(storage.create(key, DEAD))
        assert sorted(_keys(_walk(storage, {Listed.DEAD}, limit=1)), key=str) == sorted(keys, key=str)

    @pytest.mark.parametrize("limit", [1, 2, 50])
    @pytest.mark.parametrize("handler", [None, "charge"])
    def test_records_of_several_states_are_each_on_one_page(
        self, storage: Storage, limit: int, handler: str | None
    ) -> None:
        keys = dict[Key, tuple[Listed, str]]()
        for number, (state, owner) in enumerate(3 * list(product(State, ["charge", "ship"]))):
            plain, conflict = Key("n", "q", f"{number}"), Key("n", "q", f"{number}", "digest")
            for key in (plain, conflict):
                record = replace(FIRST, state=state, handler=owner)
                written(storage.create(key, record))
                listed = listed_as(key, record)
                if listed is not None:
                    keys[key] = (listed, owner)
        states = {Listed.DEAD, Listed.WAITING, Listed.CONFLICT}
        shown = _keys(_walk(storage, states, handler=handler, limit=limit))
        expected = {
            key for key, (listed, owner) in keys.items() if listed in states and handler in {None, owner}
        }
        assert (set(shown), len(shown)) == (expected, len(expected))

    def test_a_record_whose_handler_changed_is_listed_for_the_new_one(self, storage: Storage) -> None:
        key = fresh_key()
        version = written(storage.create(key, DEAD)).version
        written(storage.replace(key, replace(DEAD, handler="other"), version))
        assert _walk(storage, {Listed.DEAD}, handler=DEAD.handler) == []
        assert _keys(_walk(storage, {Listed.DEAD}, handler="other")) == [key]

    @pytest.mark.parametrize("limit", [1, 2, 5, 10, 11, 50])
    def test_pages_have_each_record_once_in_the_order_of_ids(self, storage: Storage, limit: int) -> None:
        keys = _create_dead(storage, 10)
        entries = _walk(storage, {Listed.DEAD}, handler=DEAD.handler, limit=limit)
        ids = [entry.id for entry in entries]
        assert ids == sorted(set(ids))
        assert (set(_keys(entries)), len(entries)) == (set(keys), len(keys))
        again = _walk(storage, {Listed.DEAD}, handler=DEAD.handler, limit=3)
        assert [entry.id for entry in again] == ids

    @pytest.mark.parametrize("handler", [DEAD.handler, None])
    @pytest.mark.parametrize("states", [{Listed.DEAD}, set(Listed)])
    def test_a_record_that_stays_is_on_one_page_although_others_leave_and_come(
        self, storage: Storage, states: set[Listed], handler: str | None
    ) -> None:
        keys = _create_dead(storage, 12)
        left, came = set[Key](), set[Key]()

        def change(page: Page) -> None:
            """What was just shown leaves the list, but for the last entry, and as many come."""
            for entry in page.entries[:-1]:
                written(storage.replace(entry.key, THIRD, entry.snapshot.version))
                left.add(entry.key)
            if len(came) < len(keys):
                came.update(_create_dead(storage, len(page.entries)))

        shown = _keys(_walk(storage, states, handler=handler, limit=3, between=change))
        assert len(shown) == len(set(shown))
        assert set(keys) <= set(shown) <= {*keys, *came}
        assert left

    def test_a_scan_and_large_pages_show_every_record_once(self, storage: Storage) -> None:
        numbered = (Key("n", f"q{number % 3}", f"{number}") for number in range(SCANNED_RECORDS))
        keys = [Key("", "", ""), Key("n", "q", "t", "conflict"), *numbered]
        versions = {key: written(storage.create(key, FIRST)).version for key in keys}
        seen = list(storage.scan())
        assert len(seen) == len(keys)
        assert {key: shown.version for key, shown in seen} == versions
        assert all(shown.record == FIRST and shown.age >= 0 for _, shown in seen)
        listed = _keys(_walk(storage, {Listed.RUNNING, Listed.CONFLICT}, limit=SCANNED_RECORDS - 1))
        assert (set(listed), len(listed)) == (set(keys), len(keys))

    def test_a_record_that_only_a_newer_version_may_act_on_does_not_stop_a_list(
        self, storage: Storage
    ) -> None:
        newer, key = fresh_key(), fresh_key()
        written(storage.create(newer, replace(DEAD, format=FORMAT + 1, min_reader=FORMAT + 1)))
        written(storage.create(key, DEAD))
        assert key in _keys(_walk(storage, {Listed.DEAD}))
        assert key in {shown for shown, _ in storage.scan()}


def _create_dead(storage: Storage, count: int) -> list[Key]:
    keys = [fresh_key() for _ in range(count)]
    for key in keys:
        written(storage.create(key, DEAD))
    return keys


def _keys(entries: Collection[Entry]) -> list[Key]:
    return [entry.key for entry in entries]


def _walk(
    storage: Storage,
    states: Collection[Listed],
    *,
    handler: str | None = None,
    limit: int = 50,
    between: Callable[[Page], None] = lambda _: None,
) -> list[Entry]:
    """All pages, one after the other; `between` is called after each."""
    entries, after = list[Entry](), None
    for _ in range(MOST_PAGES):
        page = storage.list(states, handler=handler, after=after, limit=limit)
        assert isinstance(page, Page)
        assert len(page.entries) <= limit
        entries += page.entries
        after = page.after
        if after is None:
            return entries
        between(page)
    pytest.fail("the pages do not come to an end")
