"""A Firestore ledger on the emulator, and Google's own client to get at its documents behind its back."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from google.cloud import firestore

from taskhandler.ledger.firestore.document import document_id
from taskhandler.ledger.firestore.opening import open_firestore
from taskhandler.ledger.firestore.storage import FirestoreStorage
from taskhandler.ledger.storage import Key, Written
from taskhandler.lifecycle.record import Snapshot
from tests.ledger.emulator import emulated, shared_address


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

    def said(self, key: Key) -> dict[str, object]:
        """The map of a record's document."""
        return dict(self.fields(key)["m"])

    def fields(self, key: Key) -> dict[str, Any]:
        fields = self.document(key).get().to_dict()
        assert fields is not None
        return fields

    def found(self, key: Key) -> Snapshot:
        seen = self.storage.read(key)
        assert isinstance(seen, Snapshot)
        return seen


@contextmanager
def clouded(address: str | None = None) -> Iterator[Cloud]:
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
