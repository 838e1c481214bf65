"""One commit to Firestore: a record, the dead letter below it, and the writes of a user's batch."""

from __future__ import annotations

from collections.abc import Sequence

from msgspec import Struct

from taskhandler.ledger.firestore.dead_letter import LIMIT_BYTES, compress, encode_parts, name_part
from taskhandler.ledger.firestore.document import FIELDS, document_id, encode, put_expiry
from taskhandler.ledger.firestore.transport import Transport, find_target, require_version
from taskhandler.ledger.storage import Key, TaskBody
from taskhandler.lifecycle.record import Record
from taskhandler.protobuf import Message

REQUEST_LIMIT_BYTES = 10 * 1024 * 1024
"""Bytes of a request that Firestore accepts (https://cloud.google.com/firestore/quotas)."""


class Commit(Struct, frozen=True, kw_only=True):
    """What is to be written.

    Attributes:
        key: whose record it is.
        record: the record.
        version: of the document that it replaces; None if there must be none.
        dead_letter: kept below it.
        writes: the user's; see `Transport.unwrap`.
    """

    key: Key
    record: Record
    version: int | None = None
    dead_letter: TaskBody | None = None
    writes: Sequence[object] = ()

    def build_request(self, transport: Transport, collection: str, *, now: float) -> Message:
        """The google.firestore.v1.CommitRequest; `now` in seconds since 1970.

        Raises:
            ValueError: it can never be written; the message says why.
        """
        request = transport.new_request()
        write = request.writes.add()
        write.update.name = name_document(transport, collection, self.key)
        require_version(write, self.version)
        if self.version is not None:
            write.update_mask.field_paths.extend(FIELDS)  # the document's other fields stay as they are
        left_out = self._add_dead_letter(request, write.update.name, now)
        encode(write.update, self.key, self.record, after=self.version or 0, now=now, cut=left_out)
        if self.writes:
            self._add_batch(request, transport, collection)
        return request

    def _add_dead_letter(self, request: Message, name: str, now: float) -> tuple[str, ...]:
        """Add the dead letter's documents; what had to be left out because no commit can hold it."""
        if self.dead_letter is None:
            return ()
        body = compress(self.dead_letter)
        if len(body) > LIMIT_BYTES:
            return ("dead_letter",)

        def new(number: int) -> Message:
            document = request.writes.add().update
            document.name = name_part(name, number)
            put_expiry(document, self.record, now=now)
            return document

        encode_parts(new, self.key, self.dead_letter, body)
        return ()

    def _add_batch(self, request: Message, transport: Transport, collection: str) -> None:
        ours = f"{transport.documents}/{collection}/"
        for write in transport.unwrap(self.writes):
            name = find_target(write)
            # The emulator takes writes to other databases and commits them; Firestore does not.
            if not name.startswith(f"{transport.documents}/"):
                raise ValueError(f"the batch writes to {name!r}, which is not in {transport.documents}")
            if name.startswith(ours):
                raise ValueError(f"the batch writes to {name!r}, which is the ledger's own")
            request.writes.append(write)
        if request.ByteSize() > REQUEST_LIMIT_BYTES:
            raise ValueError(f"the batch is larger than one commit may be ({REQUEST_LIMIT_BYTES} bytes)")


def name_document(transport: Transport, collection: str, key: Key) -> str:
    """The name of a task's document.

    Raises:
        UnicodeEncodeError: the key contains half a surrogate pair.
    """
    return f"{transport.documents}/{collection}/{document_id(key)}"
