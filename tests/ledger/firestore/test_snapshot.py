"""Snapshots of documents: age, times for people, and documents that must not be acted on."""

from __future__ import annotations

import logging
import time
from collections.abc import Iterator
from typing import Any

import pytest
from google.cloud.firestore_v1 import types
from msgspec.structs import replace

from taskhandler.ledger.firestore.document import encode
from taskhandler.ledger.firestore.snapshot import SnapshotReader
from taskhandler.ledger.firestore.transport import Fetched
from taskhandler.ledger.storage import Key, Listed, Unavailable
from taskhandler.lifecycle.record import Record, Snapshot, State
from taskhandler.throttled_log import ThrottledLog
from tests.ledger.firestore.cloud import Cloud, emulated_cloud, version_of
from tests.ledger.samples import FIRST, SECOND, fresh_key

SECOND_NS = 10**9
KEY = Key("n", "q", "t")
NAME = "projects/p/databases/d/documents/task_ledger/0a"


@pytest.fixture
def cloud() -> Iterator[Cloud]:
    with emulated_cloud() as opened:
        yield opened


@pytest.fixture
def reader() -> SnapshotReader:
    return SnapshotReader(ThrottledLog(logging.getLogger("taskhandler.ledger"), clock=time.monotonic))


def fetched(record: Record, key: Key = KEY, *, updated: int = 200, read: int = 205) -> Fetched:
    document: Any = types.Document.pb()(name=NAME)
    encode(document, key, record, after=0, now=0.0)
    document.create_time.seconds, document.update_time.seconds = 100, updated
    return Fetched(NAME, document, read * SECOND_NS)


def test_a_snapshot_has_firestores_times(reader: SnapshotReader):
    snapshot = reader.read_own(fetched(FIRST), KEY)
    assert snapshot == Snapshot(FIRST, 200 * SECOND_NS, age=5.0, created_at=100.0, updated_at=200.0)


def test_a_read_from_before_the_last_write_makes_no_negative_age(reader: SnapshotReader):
    snapshot = reader.read_own(fetched(FIRST, read=199), KEY)
    assert isinstance(snapshot, Snapshot)
    assert snapshot.age == 0


def test_creation_and_update_have_different_times_after_a_write(cloud: Cloud):
    key = fresh_key()
    before = time.time()
    version = version_of(cloud.storage.create(key, FIRST))
    created = cloud.found(key)
    cloud.storage.replace(key, SECOND, version)
    updated = cloud.found(key)
    assert created.created_at == created.updated_at == updated.created_at
    assert created.created_at is not None
    assert updated.updated_at is not None
    assert abs(created.created_at - before) < 60
    assert updated.updated_at > created.created_at


@pytest.mark.parametrize(
    ("states", "handler", "is_listed"),
    [
        ({Listed.DEAD}, None, True),
        ({Listed.DEAD}, "charge-order", True),
        ({Listed.WAITING}, None, False),
        ({Listed.DEAD}, "other", False),
    ],
)
def test_a_document_whose_attention_is_wrong_is_listed_by_its_record(
    reader: SnapshotReader, states: set[Listed], handler: str | None, *, is_listed: bool
):
    document = fetched(replace(FIRST, state=State.DEAD))
    entry = reader.read_entry(document, states, handler)
    assert (entry is not None) == is_listed
    assert entry is None or entry.id == "0a"


def test_an_ended_record_is_listed_until_its_retention_is_over(reader: SnapshotReader):
    record = replace(FIRST, state=State.DEAD, retention=5.0)
    assert reader.read_entry(fetched(record, read=204), {Listed.DEAD}, None) is not None
    assert reader.read_entry(fetched(record, read=205), {Listed.DEAD}, None) is None


def test_a_document_that_holds_the_record_of_another_task_is_not_read(
    reader: SnapshotReader, caplog: pytest.LogCaptureFixture
):
    answer = reader.read_own(fetched(FIRST), replace(KEY, task="other"))
    assert isinstance(answer, Unavailable)
    assert "the record of another task" in answer.why
    assert NAME in caplog.messages[0]


def test_documents_with_the_same_remedy_share_a_line(
    reader: SnapshotReader, caplog: pytest.LogCaptureFixture
):
    newer = fetched(replace(FIRST, min_reader=9))
    for _ in range(3):
        assert isinstance(reader.read(newer), Unavailable)
        reader.read_own(fetched(FIRST), replace(KEY, task="other"))
    assert len(caplog.messages) == 2
    assert all("To fix it: " in message for message in caplog.messages)
