"""What the Firestore ledger promises beyond the contract: its calls, its times, its documents for people."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from datetime import datetime, timedelta, timezone

import pytest
from google.cloud import firestore
from msgspec.structs import replace

from taskhandler.errors import ConfigError
from taskhandler.ledger.amend import Unread
from taskhandler.ledger.firestore.storage import FirestoreStorage
from taskhandler.ledger.lease import Lease
from taskhandler.ledger.ledger import Ledger
from taskhandler.ledger.storage import Key, TaskBody, Unavailable, Written
from taskhandler.lifecycle.record import Snapshot, State
from taskhandler.lifecycle.rules import Claim
from taskhandler.lifecycle.verdict import AlreadyEnded, Completed, Refused, Rejected, Run, Settled, Verdict
from tests.faults.relay import Relay
from tests.ledger.firestore.cloud import Cloud, emulated_cloud, version_of
from tests.ledger.samples import FIRST, SECOND, THIRD, fresh_key

CLAIM = Claim(lease_id="lease-1", digest="5" * 64, handler="charge-order", lease=30.0, retention=3e6)
HALF_SURROGATE = "\udc80"


@pytest.fixture
def cloud() -> Iterator[Cloud]:
    with emulated_cloud() as opened:
        yield opened


def lease_of(cloud: Cloud, key: Key, claim: Claim = CLAIM) -> Lease:
    def no_pause(seconds: float) -> None:
        pytest.fail(f"the ledger is unavailable, and is waited for {seconds} s")

    return Lease(
        Ledger(cloud.storage, clock=time.monotonic, pause=no_pause), key, claim, clock=time.monotonic
    )


def delivered(cloud: Cloud, key: Key, *, retry: bool) -> Verdict:
    lease = lease_of(cloud, key)
    assert lease.claim(Unread() if retry else None) == Run()
    return lease.settle(Completed('"done"'))


def test_a_firestore_ledger_is_shared_by_machines():
    assert FirestoreStorage.shared is True


def test_a_first_delivery_is_two_commits_and_no_read(relayed: Cloud, relay: Relay):
    assert delivered(relayed, fresh_key(), retry=False) == Settled(State.COMPLETED)
    assert relay.calls == {"Commit": 2}


def test_a_retry_is_one_read_and_two_commits(relayed: Cloud, relay: Relay):
    assert delivered(relayed, fresh_key(), retry=True) == Settled(State.COMPLETED)
    assert relay.calls == {"BatchGetDocuments": 1, "Commit": 2}


def test_a_duplicate_of_an_ended_task_is_two_calls(relayed: Cloud, relay: Relay):
    key = fresh_key()
    delivered(relayed, key, retry=False)
    relay.calls.clear()
    assert lease_of(relayed, key).claim(None) == AlreadyEnded(State.COMPLETED, on_dead_called=False)
    assert relay.calls == {"BatchGetDocuments": 1, "Commit": 1}


def test_calls_name_their_database_in_the_metadata(relayed: Cloud, relay: Relay):
    relayed.storage.create(fresh_key(), FIRST)
    database = f"projects/{relayed.project}/databases/(default)"
    assert relay.metadata["google-cloud-resource-prefix"] == database
    assert relay.metadata["x-goog-request-params"].startswith(
        f"database=projects/{relayed.project}/databases/"
    )


def test_a_version_is_the_update_time_to_the_nanosecond(cloud: Cloud):
    key = fresh_key()
    version = version_of(cloud.storage.create(key, FIRST))
    updated = cloud.document(key).get().update_time
    seconds = int(updated.replace(microsecond=0).timestamp())
    assert version == seconds * 10**9 + updated.nanosecond


def test_an_age_is_from_update_time_to_read_time_whatever_the_workers_clock_shows(cloud: Cloud):
    storage = FirestoreStorage(client=cloud.client, wall=lambda: 0.0)
    key = fresh_key()
    storage.create(key, FIRST)
    seen = storage.read(key)
    assert isinstance(seen, Snapshot)
    assert 0 <= seen.age < 30


def test_every_heartbeat_moves_the_update_time(cloud: Cloud):
    key = fresh_key()
    lease = lease_of(cloud, key)
    lease.claim(None)
    versions = []
    for _ in range(20):
        assert lease.renew()
        assert lease.snapshot is not None
        versions.append(version_of(Written(lease.snapshot.version)))
    assert versions == sorted(set(versions))
    assert cloud.found(key).version == versions[-1]


def test_writing_the_same_record_again_moves_the_update_time(cloud: Cloud):
    key = fresh_key()
    versions = [version_of(cloud.storage.create(key, FIRST))]
    for _ in range(20):
        versions.append(version_of(cloud.storage.replace(key, FIRST, versions[-1])))
    assert versions == sorted(set(versions))


def test_a_document_has_fields_that_people_can_read(cloud: Cloud):
    key = Key("project/location", "orders", "order-1")
    cloud.storage.create(key, THIRD)
    fields = cloud.fields(key)
    shown = {name: fields[name] for name in ("namespace", "queue", "task", "handler", "state", "attempt")}
    assert shown == {
        "namespace": "project/location",
        "queue": "orders",
        "task": "order-1",
        "handler": "charge-order",
        "state": "completed",
        "attempt": 1,
    }
    assert set(cloud.top_fields(key)) == {"record", "expire_at"}


def test_every_document_expires_even_of_a_task_that_has_not_ended(cloud: Cloud):
    key = fresh_key()
    cloud.storage.create(key, replace(FIRST, retention=60.0), dead_letter=TaskBody(b"body"))
    dates = [document.get("expire_at") for document in cloud.client.collection_group("task_ledger").stream()]
    assert len(dates) == 2
    assert all(date - datetime.now(timezone.utc) > timedelta(days=35) for date in dates)  # noqa: TID251 - the day a test runs


def test_a_result_too_large_for_a_document_does_not_keep_a_task_from_ending(cloud: Cloud):
    key = fresh_key()
    lease = lease_of(cloud, key)
    lease.claim(None)
    assert lease.settle(Completed(f'"{"x" * 3_000_000}"')) == Settled(State.COMPLETED)
    assert cloud.found(key).record.state is State.COMPLETED
    assert cloud.fields(key)["cut"] == ["result"]


def test_a_body_too_large_for_a_commit_does_not_keep_a_task_from_being_rejected(cloud: Cloud):
    key = fresh_key()
    lease = lease_of(cloud, key)
    lease.claim(None)
    assert lease.settle(Rejected("no"), body=TaskBody(os.urandom(9_500_000))) == Settled(State.REJECTED)
    assert cloud.storage.dead_letter(key) is None
    assert cloud.fields(key)["cut"] == ["dead_letter"]


def test_a_key_with_half_a_surrogate_pair_is_refused_and_never_found(cloud: Cloud):
    key = Key("n", "q", HALF_SURROGATE)
    assert isinstance(cloud.storage.create(key, FIRST), Refused)
    assert isinstance(cloud.storage.create(fresh_key(), replace(FIRST, reason=HALF_SURROGATE)), Refused)
    assert cloud.storage.read(key) is None
    assert cloud.storage.dead_letter(key) is None


def test_a_foreign_document_is_not_touched_and_named_in_the_log(
    cloud: Cloud, caplog: pytest.LogCaptureFixture
):
    key = fresh_key()
    cloud.document(key).set({"paid": True})
    for _ in range(3):
        assert isinstance(cloud.storage.read(key), Unavailable)
    assert lease_of_patient(cloud, key).claim(None) != Run()
    assert cloud.top_fields(key) == {"paid": True}
    assert len(caplog.messages) == 1
    assert cloud.document(key).path in caplog.messages[0]
    assert "To fix it:" in caplog.messages[0]


def lease_of_patient(cloud: Cloud, key: Key) -> Lease:
    return Lease(
        Ledger(cloud.storage, clock=time.monotonic, pause=lambda _: None), key, CLAIM, clock=time.monotonic
    )


def test_a_record_that_was_copied_to_another_tasks_document_is_unavailable(cloud: Cloud):
    one, other = fresh_key(), fresh_key()
    cloud.storage.create(one, FIRST)
    cloud.document(other).set(cloud.top_fields(one))
    assert isinstance(cloud.storage.read(other), Unavailable)


def test_a_dead_letter_with_a_missing_or_wrong_part_is_unavailable(cloud: Cloud):
    key = fresh_key()
    cloud.storage.create(key, SECOND, dead_letter=TaskBody(os.urandom(1_000_000)))
    first = cloud.part(key, 0)
    second = cloud.part(key, 1)
    assert second.get().exists
    second.delete()
    assert isinstance(cloud.storage.dead_letter(key), Unavailable)
    first.update({"record.parts": 1})
    assert isinstance(cloud.storage.dead_letter(key), Unavailable)
    first.update({"record.body": "text"})
    assert isinstance(cloud.storage.dead_letter(key), Unavailable)


def test_a_given_client_is_used(cloud: Cloud):
    storage = FirestoreStorage(client=cloud.client, collection="other")
    key = fresh_key()
    version = version_of(storage.create(key, FIRST))
    assert cloud.storage.read(key) is None
    seen = storage.read(key)
    assert isinstance(seen, Snapshot)
    assert seen.version == version


def test_a_collection_with_a_reserved_name_is_refused_at_once():
    with pytest.raises(ConfigError, match="__tasks__"):
        FirestoreStorage(client=firestore.Client, collection="__tasks__")


def test_google_is_not_imported_before_it_is_needed():
    program = (
        "import sys; from taskhandler.ledger.opening import open_storage; open_storage('firestore://shop-1');"
        "print([name for name in ('grpc', 'google.cloud.firestore', 'google.auth') if name in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True, timeout=60
    )
    assert done.stdout.strip() == "[]"
