"""What the Firestore ledger answers to each status code, and what it logs."""

from __future__ import annotations

import time

import pytest

from taskhandler.ledger.lease import Lease
from taskhandler.ledger.ledger import Ledger
from taskhandler.ledger.storage import Unavailable, Unknown, Written
from taskhandler.lifecycle.rules import Claim
from taskhandler.lifecycle.verdict import Run, Undecided
from tests.faults.relay import Relay
from tests.ledger.firestore.cloud import Cloud, version_of
from tests.ledger.samples import FIRST, SECOND, fresh_key
from tests.ledger.sqlite.local_storage import wait

CLAIM = Claim(lease_id="lease-1", digest="5" * 64, handler="charge-order", lease=30.0, retention=3e6)
CODES = {
    "ABORTED": Unavailable,
    "RESOURCE_EXHAUSTED": Unavailable,
    "PERMISSION_DENIED": Unavailable,
    "UNAUTHENTICATED": Unavailable,
    "UNIMPLEMENTED": Unavailable,
    "INTERNAL": Unknown,
    "UNKNOWN": Unknown,
    "CANCELLED": Unknown,
    "DATA_LOSS": Unknown,
    "UNAVAILABLE": Unknown,
    "DEADLINE_EXCEEDED": Unknown,
}


def lease_of(cloud: Cloud) -> Lease:
    ledger = Ledger(cloud.storage, clock=time.monotonic, pause=wait)
    return Lease(ledger, fresh_key(), CLAIM, clock=time.monotonic)


@pytest.mark.parametrize("code", CODES)
def test_each_code_has_its_answer_and_no_call_is_retried(relayed: Cloud, relay: Relay, code: str):
    key = fresh_key()
    relay.answer("Commit", code)
    assert type(relayed.storage.create(key, FIRST)) is CODES[code]
    version = version_of(relayed.storage.create(key, FIRST))
    relay.answer("Commit", code)
    assert type(relayed.storage.replace(key, SECOND, version)) is CODES[code]
    relay.answer("BatchGetDocuments", code)
    assert isinstance(relayed.storage.read(key), Unavailable)
    assert isinstance(relayed.storage.replace(key, SECOND, version), Written)
    assert relay.calls == {"Commit": 4, "BatchGetDocuments": 1}


def test_a_missing_database_is_not_a_missing_record(
    relayed: Cloud, relay: Relay, caplog: pytest.LogCaptureFixture
):
    relay.answer("Commit", "NOT_FOUND", details="The database (default) does not exist")
    relay.answer("BatchGetDocuments", "NOT_FOUND", details="The database (default) does not exist")
    assert isinstance(relayed.storage.create(fresh_key(), FIRST), Unavailable)
    assert isinstance(relayed.storage.read(fresh_key()), Unavailable)
    assert len(caplog.messages) == 1
    assert "gcloud firestore databases create" in caplog.messages[0]


def test_a_contended_claim_is_tried_again_until_it_is_decided(relayed: Cloud, relay: Relay):
    relay.answer("Commit", "ABORTED", times=3)
    assert lease_of(relayed).claim(None) == Run()
    assert relay.calls == {"Commit": 4}


def test_a_forbidden_ledger_is_logged_once_and_called_less_than_ten_times(
    relayed: Cloud, relay: Relay, caplog: pytest.LogCaptureFixture
):
    relay.answer("Commit", "PERMISSION_DENIED", times=100)
    assert isinstance(lease_of(relayed).claim(None), Undecided)
    assert relay.calls["Commit"] < 10
    assert len(caplog.messages) == 1
    assert "roles/datastore.user" in caplog.messages[0]
