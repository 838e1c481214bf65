"""What every storage promises: conditional writes, letters beside them, and what is read back."""

from __future__ import annotations

import os
import threading
import time

import pytest
from hypothesis import HealthCheck, given, settings
from msgspec.structs import replace

from taskhandler.ledger.ledger import Ledger
from taskhandler.ledger.storage import Disputed, Key, Listed, Page, Stale, Storage, TaskBody, Written
from taskhandler.lifecycle.record import Record, Snapshot, State
from taskhandler.lifecycle.rules import Heartbeat
from taskhandler.lifecycle.verdict import Renewed
from tests.ledger.filed import wait
from tests.ledger.samples import FIRST, SECOND, THIRD, fresh_key, records

MEBIBYTE = 2**20
A_LITTLE = 0.3
"""Seconds for which records are left alone to see them age."""


def written(answer: object) -> Written:
    assert isinstance(answer, Written)
    return answer


def found(storage: Storage, key: Key) -> Snapshot:
    seen = storage.read(key)
    assert isinstance(seen, Snapshot)
    return seen


def test_there_is_nothing_where_nothing_was_written(storage: Storage):
    assert storage.read(fresh_key()) is None
    assert storage.dead_letter(fresh_key()) is None


def test_what_was_created_is_there(storage: Storage):
    key = fresh_key()
    answer = written(storage.create(key, FIRST))
    seen = found(storage, key)
    assert (seen.record, seen.version) == (FIRST, answer.version)


def test_a_second_create_is_stale_and_changes_nothing(storage: Storage):
    key = fresh_key()
    answer = written(storage.create(key, FIRST))
    assert storage.create(key, SECOND) == Stale()
    seen = found(storage, key)
    assert (seen.record, seen.version) == (FIRST, answer.version)


def test_a_record_is_replaced_at_the_version_it_has(storage: Storage):
    key = fresh_key()
    created = written(storage.create(key, FIRST))
    replaced = written(storage.replace(key, SECOND, created.version))
    assert replaced.version != created.version
    assert found(storage, key).record == SECOND
    assert isinstance(storage.replace(key, THIRD, replaced.version), Written)
    assert found(storage, key).record == THIRD


def test_the_version_that_was_read_is_as_good_as_the_one_that_was_written(storage: Storage):
    key = fresh_key()
    storage.create(key, FIRST)
    assert isinstance(storage.replace(key, SECOND, found(storage, key).version), Written)


def test_a_replacement_of_an_old_version_is_stale_and_changes_nothing(storage: Storage):
    key = fresh_key()
    created = written(storage.create(key, FIRST))
    storage.replace(key, SECOND, created.version)
    assert storage.replace(key, THIRD, created.version) == Stale()
    assert found(storage, key).record == SECOND


def test_a_replacement_of_another_rows_version_is_stale_or_disputed(storage: Storage):
    one, other = fresh_key(), fresh_key()
    written(storage.create(one, FIRST))
    elsewhere = written(storage.create(other, FIRST))
    assert isinstance(storage.replace(one, SECOND, elsewhere.version), Stale | Disputed)
    assert found(storage, one).record == FIRST


def test_a_holder_that_believes_another_rows_version_reads_and_goes_on(storage: Storage):
    one, other = fresh_key(), fresh_key()
    written(storage.create(one, FIRST))
    elsewhere = written(storage.create(other, FIRST))
    ledger = Ledger(storage, clock=time.monotonic, pause=wait)
    done = ledger.amend(one, Heartbeat(FIRST.lease_id), Snapshot(FIRST, elsewhere.version), timeout=5.0)
    assert done.verdict == Renewed()
    assert found(storage, one).record == SECOND


def test_a_replacement_of_what_is_not_there_is_stale(storage: Storage):
    elsewhere = written(storage.create(fresh_key(), FIRST))
    key = fresh_key()
    assert storage.replace(key, SECOND, elsewhere.version) == Stale()
    assert storage.read(key) is None


def test_a_letter_is_kept_beside_the_record_it_came_with(storage: Storage):
    created, replaced = fresh_key(), fresh_key()
    storage.create(created, FIRST, dead_letter=TaskBody(b"\x00body", "text/plain"))
    version = written(storage.create(replaced, FIRST)).version
    storage.replace(replaced, SECOND, version, dead_letter=TaskBody(b"", "application/json"))
    assert storage.dead_letter(created) == TaskBody(b"\x00body", "text/plain")
    assert storage.dead_letter(replaced) == TaskBody(b"", "application/json")


def test_a_letter_stays_when_its_record_is_replaced_without_one(storage: Storage):
    key = fresh_key()
    version = written(storage.create(key, FIRST, dead_letter=TaskBody(b"kept"))).version
    version = written(storage.replace(key, SECOND, version)).version
    assert storage.dead_letter(key) == TaskBody(b"kept")
    storage.replace(key, THIRD, version, dead_letter=TaskBody(b"newer"))
    assert storage.dead_letter(key) == TaskBody(b"newer")


def test_the_letter_of_a_stale_write_is_not_kept(storage: Storage):
    key, empty = fresh_key(), fresh_key()
    version = written(storage.create(key, FIRST)).version
    storage.replace(key, SECOND, version)
    assert storage.create(key, FIRST, dead_letter=TaskBody(b"late")) == Stale()
    assert storage.replace(key, THIRD, version, dead_letter=TaskBody(b"late")) == Stale()
    assert storage.replace(empty, THIRD, version, dead_letter=TaskBody(b"late")) == Stale()
    assert storage.dead_letter(key) is None
    assert storage.dead_letter(empty) is None


def test_the_largest_body_fits_however_little_it_can_be_compressed(storage: Storage):
    key, body = fresh_key(), os.urandom(MEBIBYTE)
    written(storage.create(key, FIRST, dead_letter=TaskBody(body)))
    assert storage.dead_letter(key) == TaskBody(body)


@settings(deadline=None, max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(first=records, second=records)
def test_every_field_of_a_record_comes_back_as_it_was(storage: Storage, first: Record, second: Record):
    key = fresh_key()
    version = written(storage.create(key, first)).version
    assert found(storage, key).record == first
    written(storage.replace(key, second, version))
    assert found(storage, key).record == second


ALIKE = [
    Key("n", "q", "t"),
    Key("n", "q", "t", "x"),
    Key("n", "q", "x"),
    Key("n", "x", "t"),
    Key("x", "q", "t"),
    Key("n/q", "t", ""),
    Key("n", "q/t", ""),
    Key("n", "", "q/t"),
    Key("", "n/q", "t"),
    Key("n", "q", "T"),
    Key("n", "q", "t "),
    Key("n", "q", "t\0"),
    Key("n", "q", "t\N{COMBINING ACUTE ACCENT}"),
    Key("n", "q", "%"),
    Key("n", "q", "é"),
]


def test_keys_that_are_only_alike_are_different_rows(storage: Storage):
    reasons = {key: f"row {number}" for number, key in enumerate(ALIKE)}
    for key, reason in reasons.items():
        written(storage.create(key, replace(FIRST, reason=reason), dead_letter=dead_letter(reason)))
    assert {key: found(storage, key).record.reason for key in ALIKE} == reasons
    assert {key: storage.dead_letter(key) for key in ALIKE} == {
        key: dead_letter(why) for key, why in reasons.items()
    }


def dead_letter(text: str) -> TaskBody:
    return TaskBody(text.encode())


def test_a_record_grows_older_until_it_is_written_again(storage: Storage):
    key = fresh_key()
    version = written(storage.create(key, FIRST)).version
    aged = wait_until_aged(storage, key, A_LITTLE)
    before = time.monotonic()
    storage.replace(key, SECOND, version)
    rewritten = found(storage, key).age
    assert 0 <= rewritten <= time.monotonic() - before + A_LITTLE / 3
    assert aged >= A_LITTLE


def wait_until_aged(storage: Storage, key: Key, seconds: float) -> float:
    until = time.monotonic() + 20 * seconds
    while time.monotonic() < until:
        age = found(storage, key).age
        if age >= seconds:
            return age
        threading.Event().wait(seconds / 10)
    pytest.fail("the record does not grow older")


def test_a_scan_shows_every_record_once(storage: Storage):
    keys = [
        Key("", "", ""),
        Key("n", "q", "t", "conflict"),
        *(Key("n", f"q{n % 3}", f"{n}") for n in range(1203)),
    ]
    versions = {key: written(storage.create(key, FIRST)).version for key in keys}
    seen = list(storage.scan())
    assert len(seen) == len(keys)
    assert {key: shown.version for key, shown in seen} == versions
    assert all(shown.record == FIRST and shown.age >= 0 for _, shown in seen)


def test_a_scan_of_nothing_shows_nothing(storage: Storage):
    assert list(storage.scan()) == []


def test_a_closed_storage_opens_again_when_it_is_used(storage: Storage):
    key = fresh_key()
    version = written(storage.create(key, FIRST)).version
    storage.close()
    storage.close()
    assert found(storage, key).record == FIRST
    storage.close()
    assert isinstance(storage.replace(key, SECOND, version), Written)


ATTENTION = {
    "waiting": State.WAITING,
    "dead": State.DEAD,
    "rejected": State.REJECTED,
    "running": State.RUNNING,
}


def test_every_record_that_wants_attention_is_on_one_page(storage: Storage):
    handler = f"h{fresh_key().task}"
    keys = {name: fresh_key() for name in (*ATTENTION, "completed")}
    for name, key in keys.items():
        state = ATTENTION.get(name, State.COMPLETED)
        written(storage.create(key, replace(FIRST, state=state, handler=handler)))
    listed = list[Key]()
    after: str | None = None
    while True:
        page = storage.list(set(Listed), handler=handler, after=after, limit=3)
        assert isinstance(page, Page)
        listed += [entry.key for entry in page.entries]
        after = page.after
        if after is None:
            break
    assert sorted(listed, key=str) == sorted((keys[name] for name in ATTENTION), key=str)
