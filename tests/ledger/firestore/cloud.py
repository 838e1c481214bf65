"""A Firestore ledger on the emulator, and Google's own client for its documents."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import islice
from typing import Any

from google.cloud import firestore
from google.cloud.firestore_v1 import types

from taskhandler.ledger.firestore.document import document_id, encode
from taskhandler.ledger.firestore.opening import open_firestore
from taskhandler.ledger.firestore.storage import FirestoreStorage
from taskhandler.ledger.storage import Key, Written
from taskhandler.lifecycle.record import Record, Snapshot
from tests.ledger.emulator import emulated, shared_address

BATCH_DOCUMENTS = 500
"""Firestore accepts no more in one BatchWrite."""


@dataclass(frozen=True)
class Cloud:
    """A database of its own.

    Attributes:
        storage: the ledger, its client not made yet.
        client: Google's, straight to the emulator.
        project: the database's.
    """

    storage: FirestoreStorage
    client: firestore.Client
    project: str

    def document(self, key: Key) -> firestore.DocumentReference:
        return self.client.collection("task_ledger").document(document_id(key))

    def fields(self, key: Key) -> dict[str, Any]:
        """The map of a record's document."""
        return dict(self.top_fields(key)["record"])

    def top_fields(self, key: Key) -> dict[str, Any]:
        """All fields of a record's document."""
        fields = self.document(key).get().to_dict()
        assert fields is not None
        return fields

    def part(self, key: Key, number: int) -> firestore.DocumentReference:
        """A document of a record's dead letter."""
        part: firestore.DocumentReference = (
            self.document(key).collection("task_ledger").document(f"dead-letter-{number}")
        )
        return part

    def add_many(self, records: Iterable[tuple[Key, Record]]) -> None:
        """Write many documents with BatchWrite, which is faster than the ledger."""
        left = iter(records)
        while batch := list(islice(left, BATCH_DOCUMENTS)):
            request = types.BatchWriteRequest.pb()(database=self.client._database_string)  # noqa: SLF001 - no public name
            for key, record in batch:
                document = request.writes.add().update
                document.name = self.document(key)._document_path  # noqa: SLF001 - the same
                encode(document, key, record, after=0, now=time.time())
            self.client._firestore_api.batch_write(  # noqa: SLF001 - the same
                types.BatchWriteRequest.wrap(request),
                metadata=self.client._rpc_metadata,  # noqa: SLF001 - the emulator asks for an owner
            )

    def found(self, key: Key) -> Snapshot:
        seen = self.storage.read(key)
        assert isinstance(seen, Snapshot)
        return seen


@contextmanager
def emulated_cloud(address: str | None = None) -> Iterator[Cloud]:
    """A cloud; its ledger connects to `address`, which leads to the emulator."""
    with emulated() as project:
        client = firestore.Client(project=project)
        assert client.collection("task_ledger").document("none").get().exists is False  # it has a channel now
        with emulated(address or shared_address()):
            storage = open_firestore(f"firestore://{project}?warm=1")
        yield Cloud(storage, client, project)
        storage.close()
        client.close()  # type: ignore[no-untyped-call]  # it ships types, but none for this


def version_of(answer: object) -> int:
    assert isinstance(answer, Written)
    assert isinstance(answer.version, int)
    return answer.version
