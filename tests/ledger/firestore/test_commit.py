"""A user's batch commits with the completion or not at all, and its own mistakes are refusals."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence

import pytest
from google.cloud import firestore
from google.cloud.firestore_v1 import types
from msgspec.structs import replace

from taskhandler.ledger.ledger import Ledger
from taskhandler.ledger.storage import Disputed, Key, Stale, Written
from taskhandler.lifecycle.record import Snapshot, State
from taskhandler.lifecycle.rules import Cancel, Settle
from taskhandler.lifecycle.verdict import Completed, Fenced, Refused, Settled, Verdict
from tests.ledger.firestore.cloud import Cloud, emulated_cloud, version_of
from tests.ledger.samples import FIRST, SECOND, THIRD, fresh_key
from tests.ledger.sqlite.local_storage import wait


@pytest.fixture
def cloud() -> Iterator[Cloud]:
    with emulated_cloud() as opened:
        yield opened


@pytest.fixture
def key() -> Key:
    return fresh_key()


@pytest.fixture
def version(cloud: Cloud, key: Key) -> int:
    """Of a record that runs."""
    return version_of(cloud.storage.create(key, FIRST))


def order(cloud: Cloud, name: str = "o-1") -> firestore.DocumentReference:
    return cloud.client.collection("orders").document(name)


def batch_that(cloud: Cloud, act: str, *arguments: object) -> list[object]:
    batch = cloud.storage.batch()
    getattr(batch, act)(order(cloud), *arguments)
    return [batch]


def test_a_batch_commits_with_its_completion(cloud: Cloud, key: Key, version: int):
    batch = cloud.storage.batch()
    batch.set(order(cloud), {"paid": True})
    batch.update(order(cloud), {"sum": firestore.Increment(5)})
    batch.set(order(cloud, "o-2"), {"paid": True})
    assert isinstance(cloud.storage.replace(key, THIRD, version, writes=[batch]), Written)
    assert order(cloud).get().to_dict() == {"paid": True, "sum": 5}
    assert order(cloud, "o-2").get().exists
    assert cloud.found(key).record == THIRD


def test_writes_may_be_googles_own_messages(cloud: Cloud, key: Key, version: int):
    wrapped = types.Write(update={"name": f"{database(cloud)}/documents/orders/o-1", "fields": {}})
    bare = types.Write.pb(types.Write(delete=f"{database(cloud)}/documents/orders/o-2"))
    assert isinstance(cloud.storage.replace(key, THIRD, version, writes=[wrapped, bare]), Written)
    assert order(cloud).get().exists


def database(cloud: Cloud) -> str:
    return f"projects/{cloud.project}/databases/(default)"


def completed(cloud: Cloud, key: Key, version: int, writes: Sequence[object]) -> Verdict:
    """What the holder hears that believes its record to be at `version`."""
    ledger = Ledger(cloud.storage, clock=time.monotonic, pause=wait)
    settle = Settle(FIRST.lease_id, Completed("1"))
    return ledger.amend(key, settle, Snapshot(FIRST, version), timeout=5.0, writes=writes).verdict


def test_the_batch_of_a_fenced_holder_is_not_applied(cloud: Cloud, key: Key, version: int):
    cloud.storage.replace(key, replace(SECOND, lease_id="lease-2"), version)
    batch = batch_that(cloud, "set", {"paid": True})
    assert completed(cloud, key, version, batch) == Fenced(None)
    assert not order(cloud).get().exists


def test_the_batch_of_a_cancelled_holder_is_not_applied(cloud: Cloud, key: Key, version: int):
    ledger = Ledger(cloud.storage, clock=time.monotonic, pause=wait)
    cancel = Cancel(nonce="n", reason="gone", handler="h", retention=900.0)
    assert ledger.amend(key, cancel, None, timeout=5.0).verdict == Settled(State.CANCELLED)
    batch = batch_that(cloud, "set", {"paid": True})
    assert completed(cloud, key, version, batch) == Fenced(State.CANCELLED)
    assert not order(cloud).get().exists


def test_the_batch_of_a_holder_commits_although_a_heartbeat_was_in_doubt(
    cloud: Cloud, key: Key, version: int
):
    cloud.storage.replace(key, SECOND, version)
    batch = batch_that(cloud, "create", {"paid": True})
    assert completed(cloud, key, version, batch) == Settled(State.COMPLETED)
    assert order(cloud).get().exists


def test_the_batch_of_a_holder_whose_record_was_deleted_is_not_applied(cloud: Cloud, key: Key, version: int):
    cloud.document(key).delete()
    batch = batch_that(cloud, "set", {"paid": True})
    assert completed(cloud, key, version, batch) == Fenced(None)
    assert not order(cloud).get().exists


def test_a_batch_that_fails_is_refused_and_leaves_the_record_as_it_was(cloud: Cloud, key: Key, version: int):
    order(cloud).set({"paid": False})
    past = cloud.client.write_option(last_update_time=order(cloud, "o-3").set({}).update_time)
    order(cloud, "o-3").set({"changed": True})
    batch = cloud.storage.batch()
    batch.update(order(cloud, "o-3"), {"x": 1}, option=past)
    for writes, code in (
        (batch_that(cloud, "create", {"paid": True}), "ALREADY_EXISTS"),
        ([batch], "FAILED_PRECONDITION"),
        ([*missing(cloud)], "NOT_FOUND"),
        (batch_that(cloud, "set", {"paid": "x" * 1_100_000}), "INVALID_ARGUMENT"),
    ):
        verdict = completed(cloud, key, version, writes)
        assert isinstance(verdict, Refused)
        assert code in verdict.why
    assert cloud.found(key).version == version
    assert order(cloud).get().to_dict() == {"paid": False}
    assert isinstance(cloud.storage.replace(key, replace(FIRST, state=State.WAITING), version), Written)


def missing(cloud: Cloud) -> list[object]:
    batch = cloud.storage.batch()
    batch.update(order(cloud, "never-made"), {"x": 1})
    return [batch]


def test_a_batch_that_fails_for_a_fenced_holder_fences_it(cloud: Cloud, key: Key, version: int):
    order(cloud).set({"paid": False})
    cloud.storage.replace(key, replace(SECOND, lease_id="lease-2"), version)
    assert completed(cloud, key, version, batch_that(cloud, "create", {"paid": True})) == Fenced(None)


def test_a_refused_commit_is_one_call_whatever_the_cause(cloud: Cloud, key: Key, version: int):
    order(cloud).set({"paid": False})
    answer = cloud.storage.replace(key, THIRD, version, writes=batch_that(cloud, "create", {"paid": True}))
    assert isinstance(answer, Disputed)
    assert isinstance(answer.otherwise, Refused)
    assert "ALREADY_EXISTS" in answer.otherwise.why


def test_a_batch_for_another_database_is_refused_before_it_is_sent(cloud: Cloud, key: Key, version: int):
    elsewhere = firestore.Client(project=cloud.project, database="elsewhere")
    batch = elsewhere.batch()
    batch.set(elsewhere.document("orders/o-1"), {"paid": True})
    answer = cloud.storage.replace(key, THIRD, version, writes=[batch])
    assert isinstance(answer, Refused)
    assert "databases/elsewhere" in answer.why
    assert cloud.found(key).version == version


def test_a_batch_that_writes_to_the_ledgers_collection_is_refused(cloud: Cloud, key: Key, version: int):
    batch = cloud.storage.batch()
    batch.delete(cloud.document(key))
    answer = cloud.storage.replace(key, THIRD, version, writes=[batch])
    assert isinstance(answer, Refused)
    assert "the ledger's own" in answer.why


def test_a_batch_larger_than_a_commit_is_refused(cloud: Cloud, key: Key, version: int):
    batch = cloud.storage.batch()
    for number in range(12):
        batch.set(order(cloud, f"o-{number}"), {"body": "x" * 1_000_000})
    assert isinstance(cloud.storage.replace(key, THIRD, version, writes=[batch]), Refused)


@pytest.mark.parametrize("write", ["update orders", types.Write(), types.Document()])
def test_something_else_than_a_write_is_refused(cloud: Cloud, key: Key, version: int, write: object):
    assert isinstance(cloud.storage.replace(key, THIRD, version, writes=[write]), Refused)


def test_a_transform_is_checked_by_its_document(cloud: Cloud, key: Key, version: int):
    write = types.Write(transform={"document": f"{database(cloud)}/documents/orders/o-1"})
    other = types.Write(transform={"document": "projects/p/databases/d/documents/orders/o-1"})
    assert isinstance(cloud.storage.replace(key, THIRD, version, writes=[other]), Refused)
    assert not isinstance(cloud.storage.replace(key, THIRD, version, writes=[write]), Stale)
