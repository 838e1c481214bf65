"""The three storages that are built in keep the contract that is shipped for everybody's."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from taskhandler.ledger.storage import Storage
from taskhandler.testing.contract import Batch, StorageContract
from tests.ledger.emulator import emulated


class TestMemory(StorageContract):
    is_joint = False

    @pytest.fixture
    def url(self) -> str:
        return "memory://"


class TestSQLite(StorageContract):
    @pytest.fixture
    def url(self, tmp_path: Path) -> str:
        return f"sqlite://{tmp_path}/ledger.db"


class TestFirestore(StorageContract):
    encoded_values = (b"\x8a\x01\x04text", b"\x10\x05")  # google.firestore.v1.Value: a string and an integer

    @pytest.fixture
    def url(self) -> Iterator[str]:
        with emulated() as project:
            yield f"firestore://{project}?warm=1"

    @pytest.fixture
    def batch(self, storage: Storage, url: str) -> Batch:
        from google.cloud import firestore  # noqa: PLC0415 - the other storages do not need it

        from taskhandler.ledger.firestore.storage import FirestoreStorage  # noqa: PLC0415 - the same

        assert isinstance(storage, FirestoreStorage)
        writes = storage.batch()
        order = firestore.Client(project=url.partition("://")[2].partition("?")[0]).document("orders/o-1")
        writes.set(order, {"paid": True})
        return Batch([writes], lambda: order.get().exists)
