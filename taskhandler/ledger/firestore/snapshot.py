"""From fetched documents to snapshots; a document that must not be acted on is logged, and left as it is."""

from __future__ import annotations

from collections.abc import Collection

from taskhandler.ledger.firestore.document import DocumentError, decode
from taskhandler.ledger.firestore.transport import DETAILS_LIMIT_CHARACTERS, Fetched
from taskhandler.ledger.listing import listed_as
from taskhandler.ledger.storage import Entry, Key, Listed, Unavailable
from taskhandler.lifecycle.record import Snapshot
from taskhandler.text import one_line
from taskhandler.throttled_log import ThrottledLog

SECONDS_PER_NANOSECOND = 1e-9

_MOVED = "delete the document (its task may run again)"


class SnapshotReader:
    """Decodes documents.

    Args:
        log: where documents are named that must not be acted on.
    """

    def __init__(self, log: ThrottledLog) -> None:
        self._log = log

    def read(self, fetched: Fetched) -> tuple[Key, Snapshot] | Unavailable:
        """The record in a document, and whose it is."""
        try:
            key, record = decode(fetched.document)
        except DocumentError as error:
            return self.leave_alone(fetched.name, error)
        return key, Snapshot(
            record,
            fetched.updated_at,
            age=max(0, fetched.read_at - fetched.updated_at) * SECONDS_PER_NANOSECOND,
            created_at=fetched.created_at * SECONDS_PER_NANOSECOND,
            updated_at=fetched.updated_at * SECONDS_PER_NANOSECOND,
        )

    def read_own(self, fetched: Fetched, key: Key) -> Snapshot | Unavailable:
        """The record of `key`, whose document it must be."""
        read = self.read(fetched)
        if isinstance(read, Unavailable):
            return read
        if read[0] != key:
            error = DocumentError("it is the record of another task", remedy=_MOVED)
            return self.leave_alone(fetched.name, error)
        return read[1]

    def read_entry(self, fetched: Fetched, states: Collection[Listed], handler: str | None) -> Entry | None:
        """The entry of a list of these states and this handler; None if the record is not one of them.

        The index may differ from the record after an edit by hand. A record whose retention is over is as
        good as gone.
        """
        read = self.read(fetched)
        if isinstance(read, Unavailable):
            return None
        key, snapshot = read
        record = snapshot.record
        is_over = record.is_terminal and snapshot.age >= record.retention
        if is_over or listed_as(key, record) not in states or handler not in {None, record.handler}:
            return None
        return Entry(fetched.name.rpartition("/")[2], key, snapshot)

    def leave_alone(self, name: str, error: DocumentError) -> Unavailable:
        """Log what is wrong with a document, and what to do."""
        line = "The document %s is left as it is, and its task is answered 503: %s. To fix it: %s."
        self._log.error(line, name, error.problem, error.remedy, cause=error.remedy)
        why = f"the document {name} cannot be used: {error.problem}"
        return Unavailable(one_line(why, limit=DETAILS_LIMIT_CHARACTERS), is_lasting=True)
