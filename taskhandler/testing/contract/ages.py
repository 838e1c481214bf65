"""A record's age is by a clock that all processes share, and never by a worker's wall clock."""

from __future__ import annotations

import json
import threading
import time

import pytest

from taskhandler.ledger.storage import Key, Listed, Page, Storage
from taskhandler.testing.contract.fixtures import Fixtures
from taskhandler.testing.contract.samples import FIRST, SECOND, fresh_key, read, written
from taskhandler.testing.programs.start import output_of
from taskhandler.testing.programs.wall_clock import REST_SECONDS

TOLERANCE_SECONDS = 0.1
"""By which two clocks may run apart during a test, or a time be rounded."""

DAY_SECONDS = 86_400.0
"""By which the wall clocks of two machines may differ."""

TIMEOUT_SECONDS = 10.0


class Ages(Fixtures):
    """`Snapshot.age`."""

    def test_a_record_grows_older_until_it_is_written_again(self, storage: Storage) -> None:
        key = fresh_key()
        version = written(storage.create(key, FIRST)).version
        _wait_until_aged(storage, key, REST_SECONDS)
        before = time.monotonic()
        written(storage.replace(key, SECOND, version))
        rewritten = read(storage, key).age
        assert 0 <= rewritten <= time.monotonic() - before + TOLERANCE_SECONDS

    def test_a_record_never_looks_older_than_it_is(self, storage: Storage) -> None:
        key = fresh_key()
        before = time.monotonic()
        written(storage.create(key, FIRST))
        for _ in range(20):
            assert 0 <= read(storage, key).age <= time.monotonic() - before + TOLERANCE_SECONDS

    def test_a_page_and_a_scan_show_the_age_too(self, storage: Storage) -> None:
        key = fresh_key()
        written(storage.create(key, FIRST))
        age = _wait_until_aged(storage, key, REST_SECONDS)
        page = storage.list({Listed.RUNNING})
        assert isinstance(page, Page)
        assert [entry.snapshot.age >= age for entry in page.entries] == [True]
        assert [shown.age >= age for _, shown in storage.scan()] == [True]

    def test_times_for_people_are_left_out_or_near_the_present(self, storage: Storage) -> None:
        key = fresh_key()
        version = written(storage.create(key, FIRST)).version
        created = read(storage, key)
        written(storage.replace(key, SECOND, version))
        replaced = read(storage, key)
        assert created.created_at == replaced.created_at
        for at in (replaced.created_at, created.updated_at, replaced.updated_at):
            assert at is None or abs(at - time.time()) < DAY_SECONDS

    def test_a_wall_clock_that_is_set_forward_or_back_changes_no_age(self, url: str) -> None:
        ages = json.loads(output_of("wall_clock", self.opener, url))
        latest = ages["elapsed"] + TOLERANCE_SECONDS
        assert REST_SECONDS - TOLERANCE_SECONDS <= ages["rested"] <= latest
        assert REST_SECONDS - TOLERANCE_SECONDS <= ages["forward"] <= latest
        assert REST_SECONDS - TOLERANCE_SECONDS <= ages["back"] <= latest
        assert 0 <= ages["rewritten"] <= latest


def _wait_until_aged(storage: Storage, key: Key, seconds: float) -> float:
    until = time.monotonic() + TIMEOUT_SECONDS
    while time.monotonic() < until:
        age = read(storage, key).age
        if age >= seconds:
            return age
        threading.Event().wait(seconds / 10)
    pytest.fail("the record does not grow older")
