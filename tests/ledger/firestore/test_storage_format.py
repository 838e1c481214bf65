"""What happens to documents of another format, of other people, and with fields of a newer version."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

import pytest

from taskhandler.ledger.amend import Unread
from taskhandler.ledger.lease import Lease
from taskhandler.ledger.ledger import Ledger
from taskhandler.ledger.storage import Key, TaskBody, Unavailable
from taskhandler.lifecycle.record import FORMAT, State
from taskhandler.lifecycle.rules import BeginStep, Claim, Reset
from taskhandler.lifecycle.verdict import Completed, Failed, Run, Settled, StepBegun, Undecided
from tests.ledger.firestore.cloud import Cloud, emulated_cloud
from tests.ledger.samples import FIRST, fresh_key

CLAIM = Claim(lease_id="lease-2", digest="5" * 64, handler="charge-order", lease=30.0, retention=3e6)
NEW_FIELDS = {
    "record.priority": 7,
    "record.budget": {"cents": 12.5, "currency": None},
    "record.steps": [{"name": "charge", "fence": 1, "value": '"c-1"', "host": "h-1"}],
    "record.rounds": [{"name_hash": "a" * 64, "state": "dead", "cost": 3}],
    "record.acts": [{"action": "reset", "who": "ann", "why": "bug", "at": 1.5, "ticket": [1, "two"]}],
    "labels": {"team": "shop"},
    "cost_center": "cc-1",
}
"""Of a newer version, or of other people: in the map, in what its lists hold, and beside it."""


@pytest.fixture
def cloud() -> Iterator[Cloud]:
    with emulated_cloud() as opened:
        yield opened


def ledger_of(cloud: Cloud) -> Ledger:
    return Ledger(cloud.storage, clock=time.monotonic, pause=lambda _: None)


def lease_of(cloud: Cloud, key: Key) -> Lease:
    return Lease(ledger_of(cloud), key, CLAIM, clock=time.monotonic)


def new_fields_of(cloud: Cloud, key: Key) -> dict[str, Any]:
    top = cloud.top_fields(key)
    shown = {f"record.{name}": value for name, value in top["record"].items()} | top
    return {name: shown[name] for name in NEW_FIELDS}


def waiting_with_new_fields(cloud: Cloud) -> Key:
    """A record of format 2 that format 1 may act on."""
    key = fresh_key()
    cloud.storage.create(key, FIRST)
    changes = {**NEW_FIELDS, "record.state": "waiting", "record.format": FORMAT + 1}
    cloud.document(key).update(changes)
    return key


def test_fields_of_a_newer_version_outlive_every_write(cloud: Cloud):
    key = waiting_with_new_fields(cloud)
    lease = lease_of(cloud, key)
    assert lease.claim(Unread()) == Run()
    assert new_fields_of(cloud, key) == NEW_FIELDS
    assert lease.renew()
    assert new_fields_of(cloud, key) == NEW_FIELDS
    assert lease.settle(Failed("no", last=True), body=TaskBody(b"body")) == Settled(State.DEAD)
    assert new_fields_of(cloud, key) == NEW_FIELDS
    reset = ledger_of(cloud).amend(key, Reset("nonce"), Unread(), timeout=5.0)
    assert reset.verdict == Settled(State.WAITING)
    assert new_fields_of(cloud, key) == NEW_FIELDS
    assert cloud.fields(key)["format"] == FORMAT + 1


def test_a_step_with_a_newer_field_is_known_by_its_name(cloud: Cloud):
    key = waiting_with_new_fields(cloud)
    assert lease_of(cloud, key).claim(Unread()) == Run()
    done = ledger_of(cloud).amend(key, BeginStep("lease-2", "charge"), Unread(), timeout=5.0)
    assert done.verdict == StepBegun('"c-1"')


def test_a_list_of_records_with_newer_fields_can_be_acted_on(cloud: Cloud):
    key = waiting_with_new_fields(cloud)
    ((listed, snapshot),) = cloud.storage.scan()
    assert listed == key
    done = ledger_of(cloud).amend(key, Reset("nonce"), snapshot, timeout=5.0)
    assert done.verdict == Settled(State.WAITING)
    assert new_fields_of(cloud, key) == NEW_FIELDS


def test_a_completion_keeps_fields_that_others_added(cloud: Cloud):
    key = waiting_with_new_fields(cloud)
    lease = lease_of(cloud, key)
    lease.claim(Unread())
    assert lease.settle(Completed('"r"')) == Settled(State.COMPLETED)
    assert set(cloud.top_fields(key)) == {"record", "expire_at", "labels", "cost_center"}


UNREADABLE = {
    "newer": ({"record.min_reader": FORMAT + 1, "record.format": FORMAT + 1}, "deploy the newer version"),
    "wrong type": ({"record.attempt": "one"}, "correct the field"),
    "no format": ({"record.format": None}, "correct the field"),
    "not a map": ({"record": "mine"}, "another collection"),
}


@pytest.mark.parametrize(("changes", "remedy"), UNREADABLE.values(), ids=UNREADABLE)
def test_a_document_that_must_not_be_acted_on_is_not_touched_and_logged_once_with_the_remedy(
    cloud: Cloud, caplog: pytest.LogCaptureFixture, changes: dict[str, object], remedy: str
):
    key = fresh_key()
    cloud.storage.create(key, FIRST)
    cloud.document(key).update(changes)
    before = cloud.document(key).get()
    for _ in range(3):
        assert isinstance(cloud.storage.read(key), Unavailable)
    assert isinstance(lease_of(cloud, key).claim(None), Undecided)
    assert list(cloud.storage.scan()) == []
    after = cloud.document(key).get()
    assert (after.to_dict(), after.update_time) == (before.to_dict(), before.update_time)
    assert len(caplog.messages) == 1
    assert cloud.document(key).path in caplog.messages[0]
    assert remedy in caplog.messages[0].partition("To fix it: ")[2]


def test_a_ledger_of_the_unreleased_format_is_refused_and_not_touched(
    cloud: Cloud, caplog: pytest.LogCaptureFixture
):
    key = fresh_key()
    old = {"m": {"schema": 1, "state": "completed", "marks": [], "told": True}, "expire_at": None}
    cloud.document(key).set(old)
    assert isinstance(lease_of(cloud, key).claim(None), Undecided)
    assert list(cloud.storage.scan()) == []
    assert cloud.top_fields(key) == old
    assert "before the first release" in caplog.messages[0]
    assert "name another collection in the ledger's URL" in caplog.messages[0]


def test_the_ledger_goes_on_beside_a_document_that_must_not_be_acted_on(cloud: Cloud):
    spoilt, key = fresh_key(), fresh_key()
    cloud.document(spoilt).set({"record": {"format": 9, "min_reader": 9}})
    assert lease_of(cloud, key).claim(None) == Run()
    assert [each for each, _ in cloud.storage.scan()] == [key]
