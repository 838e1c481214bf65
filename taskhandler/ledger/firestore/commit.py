"""One commit to Firestore: a record, the dead letter beside it, and the writes of a user's batch."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from msgspec import Struct

from taskhandler.ledger.firestore.dead_letter import LARGEST, fill_parts, packed, part_name
from taskhandler.ledger.firestore.document import document_id, expire, fill
from taskhandler.ledger.firestore.transport import Wire, expect, target
from taskhandler.ledger.storage import Key, TaskBody
from taskhandler.lifecycle.record import Record

REQUEST = 10 * 1024 * 1024
"""Bytes of a request that Firestore takes (https://cloud.google.com/firestore/quotas)."""


class Commit(Struct, frozen=True, kw_only=True):
    """What is to be written.

    Attributes:
        key: whose record it is.
        record: the record.
        version: of the document that it replaces; None if there must be none.
        dead_letter: kept beside it.
        writes: what users call writes; see `Wire.unwrapped`.
    """

    key: Key
    record: Record
    version: int | None = None
    dead_letter: TaskBody | None = None
    writes: Sequence[object] = ()

    def request(self, wire: Wire, collection: str, *, now: float) -> Any:  # noqa: ANN401 - a protobuf message
        """The google.firestore.v1.CommitRequest; `now` in seconds since 1970.

        Raises:
            ValueError: it can never be written; the message says why.
        """
        request = wire.request()
        write = request.writes.add()
        write.update.name = name_of(wire, collection, self.key)
        expect(write, self.version)
        left_out = self._add_letter(request, write.update.name, now)
        fill(write.update, self.key, self.record, after=self.version or 0, now=now, cut=left_out)
        if self.writes:
            self._add_batch(request, wire, collection)
        return request

    def _add_letter(self, request: Any, name: str, now: float) -> tuple[str, ...]:  # noqa: ANN401 - a protobuf message
        """Add the letter's documents; what had to be left out because no commit can hold it."""
        if self.dead_letter is None:
            return ()
        body = packed(self.dead_letter)
        if len(body) > LARGEST:
            return ("dead_letter",)

        def new(number: int) -> Any:  # noqa: ANN401 - a protobuf message
            document = request.writes.add().update
            document.name = part_name(name, number)
            expire(document, self.record, now=now)
            return document

        fill_parts(new, self.key, self.dead_letter, body)
        return ()

    def _add_batch(self, request: Any, wire: Wire, collection: str) -> None:  # noqa: ANN401 - a protobuf message
        ours = f"{wire.documents}/{collection}/"
        for write in wire.unwrapped(self.writes):
            name = target(write)
            # The emulator takes writes to other databases and commits them; Firestore does not.
            if not name.startswith(f"{wire.documents}/"):
                raise ValueError(f"the batch writes to {name!r}, which is not in {wire.documents}")
            if name.startswith(ours):
                raise ValueError(f"the batch writes to {name!r}, which is the ledger's own")
            request.writes.append(write)
        if request.ByteSize() > REQUEST:
            raise ValueError(f"the batch is larger than one commit may be ({REQUEST} bytes)")


def name_of(wire: Wire, collection: str, key: Key) -> str:
    """The name of a task's document.

    Raises:
        UnicodeEncodeError: half a surrogate pair stands in the key.
    """
    return f"{wire.documents}/{collection}/{document_id(key)}"
