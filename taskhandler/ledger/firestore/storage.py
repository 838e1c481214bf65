"""The production ledger: documents of one Firestore collection, for workers on any number of machines.

Every write is one Commit with a precondition on the document's update_time, never a transaction: those take
three calls, wait for each other's locks and leave a lost reply just as ambiguous. Nothing is retried here:
`Ledger` repeats what definitely was not written, and finds out about what may have been. All times that
decide are Firestore's.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Collection, Hashable, Iterator, Sequence
from typing import Any

from taskhandler.errors import LEDGER_KEY, ConfigError, LedgerError
from taskhandler.ledger.firestore import dead_letter as dead_letters
from taskhandler.ledger.firestore.attention import find_spans, read_cursor
from taskhandler.ledger.firestore.commit import Commit, name_document
from taskhandler.ledger.firestore.connection import Connection
from taskhandler.ledger.firestore.document import DocumentError
from taskhandler.ledger.firestore.listing import PageReader, fetch_all, run_until
from taskhandler.ledger.firestore.snapshot import SnapshotReader
from taskhandler.ledger.firestore.status import (
    CommitStatus,
    classify_create,
    classify_replace,
    suggest_remedy,
)
from taskhandler.ledger.firestore.status_report import StatusReport, as_unavailable
from taskhandler.ledger.firestore.transport import DETAILS_LIMIT_CHARACTERS, Failure, Transport
from taskhandler.ledger.firestore.url import COLLECTION, find_collection_problem
from taskhandler.ledger.listing import check_limit
from taskhandler.ledger.storage import (
    Answer,
    Disputed,
    Key,
    Listed,
    Page,
    Stale,
    TaskBody,
    Unavailable,
    Unknown,
    Written,
)
from taskhandler.lifecycle.record import Record, Snapshot
from taskhandler.lifecycle.verdict import Refused
from taskhandler.text import one_line
from taskhandler.throttled_log import ThrottledLog

LOGGER = logging.getLogger("taskhandler.ledger")

LIMIT_SECONDS = 4.9
"""For a whole call to the ledger: making the client, and calling Firestore."""

CLIENT_SECONDS = 2.9
"""Of these, for making a client: it imports Google's libraries and looks for credentials."""

CALL_SECONDS = 4.5
"""For one call to Firestore. A round trip of four seconds is slow, and no reason to give up."""


class FirestoreStorage:
    """Records in a Firestore collection.

    Args:
        client: a google.cloud.firestore.Client, or a function that makes one. It is called in the process
            that uses the client, at its first use.
        collection: a root collection, which should hold nothing else.
        wall: seconds since 1970; decides only when a document may be removed.
        clock: seconds of a clock that never goes back; bounds how long calls take.

    Raises:
        ConfigError: no collection can have the name `collection`.
    """

    shared = True

    def __init__(
        self,
        *,
        client: Any,  # noqa: ANN401 - Google's client, which is not loaded yet
        collection: str = COLLECTION,
        wall: Callable[[], float] = time.time,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        problem = find_collection_problem(collection)
        if problem:
            raise ConfigError(LEDGER_KEY, collection, problem)
        self._collection = collection
        self._wall = wall
        self._clock = clock
        self._log = ThrottledLog(LOGGER, clock=clock)
        self._snapshots = SnapshotReader(self._log)
        self._status = StatusReport(self._log, collection)
        self._connection = Connection(
            client if callable(client) else lambda: client,
            _open_transport,
            clock=clock,
            log=self._log,
        )

    def read(self, key: Key) -> Snapshot | Unavailable | None:
        """See `Storage.read`."""
        until = self._clock() + LIMIT_SECONDS
        transport = self._connection.connect(timeout=CLIENT_SECONDS)
        if isinstance(transport, Unavailable):
            return transport
        try:
            name = name_document(transport, self._collection, key)
        except UnicodeEncodeError:
            return None  # nothing of that name can have been written
        found = transport.fetch([name], timeout=self._choose_timeout(until))
        if isinstance(found, Failure):
            return self._status.report(transport, found)
        return None if found[0].document is None else self._snapshots.read_own(found[0], key)

    def create(self, key: Key, record: Record, *, dead_letter: TaskBody | None = None) -> Answer:
        """See `Storage.create`."""
        return self._commit(Commit(key=key, record=record, dead_letter=dead_letter))

    def replace(
        self,
        key: Key,
        record: Record,
        version: Hashable,
        *,
        dead_letter: TaskBody | None = None,
        writes: Sequence[object] = (),
    ) -> Answer:
        """See `Storage.replace`.

        `writes` are google.cloud.firestore.WriteBatch, or google.cloud.firestore_v1.types.Write, to other
        collections of the same database.
        """
        if not isinstance(version, int) or not 0 < version < 1 << 63:
            return Stale()
        return self._commit(
            Commit(key=key, record=record, version=version, dead_letter=dead_letter, writes=writes)
        )

    def dead_letter(self, key: Key) -> TaskBody | Unavailable | None:
        """See `Storage.dead_letter`."""
        until = self._clock() + LIMIT_SECONDS
        transport = self._connection.connect(timeout=CLIENT_SECONDS)
        if isinstance(transport, Unavailable):
            return transport
        try:
            first = dead_letters.name_part(name_document(transport, self._collection, key), 0)
        except UnicodeEncodeError:
            return None
        try:
            found = dead_letters.fetch_parts(
                first, lambda names: transport.fetch(names, timeout=self._choose_timeout(until))
            )
            if isinstance(found, Failure):
                return self._status.report(transport, found)
            return dead_letters.decode_parts([part.document for part in found]) if found else None
        except DocumentError as error:
            return self._snapshots.leave_alone(first, error)

    def list(
        self,
        states: Collection[Listed],
        *,
        handler: str | None = None,
        after: str | None = None,
        limit: int = 50,
    ) -> Page | Unavailable:
        """See `Storage.list`.

        In the order of states, handlers and ids. A record whose document must not be acted on is logged and
        left out, and so is one whose retention is over.

        Raises:
            ValueError: `limit` is less than 1, or `after` is not from a page of this ledger.
        """
        check_limit(limit)
        cursor = None if after is None else read_cursor(after)
        until = self._clock() + LIMIT_SECONDS
        transport = self._connection.connect(timeout=CLIENT_SECONDS)
        if isinstance(transport, Unavailable):
            return transport
        page = PageReader(
            run_until(transport, self._collection, until=until, clock=self._clock, timeout=CALL_SECONDS),
            lambda fetched: self._snapshots.read_entry(fetched, states, handler),
            limit=limit,
        ).read(find_spans(states, handler), cursor)
        return self._status.report_list(transport, page) if isinstance(page, Failure) else page

    def scan(self) -> Iterator[tuple[Key, Snapshot]]:
        """See `Storage.scan`. Documents that must not be acted on are logged and left out."""
        for fetched in fetch_all(self._connect_or_raise(), self._collection, timeout=LIMIT_SECONDS):
            if isinstance(fetched, Failure):
                remedy = suggest_remedy(fetched)
                raise LedgerError(f"the Firestore ledger cannot be read: {fetched}. To fix it: {remedy}")
            read = self._snapshots.read(fetched)
            if isinstance(read, tuple):
                yield read

    def batch(self) -> Any:  # noqa: ANN401 - a google.cloud.firestore.WriteBatch, which is not loaded yet
        """An empty batch, to be filled and handed to `replace` as one of its `writes`; do not commit it.

        Raises:
            LedgerError: Google's client cannot be made.
        """
        return self._connect_or_raise().client.batch()

    def warm_up(self) -> None:
        """Load Google's libraries and look for credentials now, not at the first delivery."""
        self._connection.warm_up()

    def close(self) -> None:
        """See `Storage.close`. Calls under way come to their end."""
        self._connection.close()

    def _commit(self, commit: Commit) -> Answer:
        until = self._clock() + LIMIT_SECONDS
        transport = self._connection.connect(timeout=CLIENT_SECONDS)
        if isinstance(transport, Unavailable):
            return transport
        try:
            request = commit.build_request(transport, self._collection, now=self._wall())
        except ValueError as error:
            return Refused(one_line(error, limit=DETAILS_LIMIT_CHARACTERS))
        written = transport.commit(request, timeout=self._choose_timeout(until))
        if isinstance(written, int):
            return Written(written)
        return self._explain(commit, transport, written)

    def _explain(self, commit: Commit, transport: Transport, failure: Failure) -> Answer:
        batch = bool(commit.writes)
        status = (
            classify_create(failure) if commit.version is None else classify_replace(failure, batch=batch)
        )
        match status:
            case CommitStatus.CHANGED:
                return Stale()
            case CommitStatus.UNAVAILABLE:
                return self._status.report(transport, failure)
            case CommitStatus.UNKNOWN:
                return Unknown(self._status.report(transport, failure).why)
            case CommitStatus.REFUSED:
                return Disputed(Refused(str(failure)) if batch else as_unavailable(failure))

    def _choose_timeout(self, until: float) -> float:
        return max(0.1, min(CALL_SECONDS, until - self._clock()))

    def _connect_or_raise(self) -> Transport:
        transport = self._connection.connect(timeout=LIMIT_SECONDS)
        if isinstance(transport, Unavailable):
            raise LedgerError(f"the Firestore ledger is unavailable: {transport.why}")
        return transport


def _open_transport(client: Any) -> Transport:  # noqa: ANN401 - Google's client, which is not loaded yet
    from taskhandler.ledger.firestore.grpc_transport import GrpcTransport  # noqa: PLC0415 - the same

    return GrpcTransport(client)
