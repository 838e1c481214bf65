"""The production ledger: documents of one Firestore collection, for workers on any number of machines.

Every write is one Commit with a precondition on the document's update_time, never a transaction: those take
three calls, wait for each other's locks and leave a lost reply just as ambiguous. Nothing is tried twice
here: `Ledger` repeats what definitely was not done, and resolves what may have been. All times that matter
are Firestore's.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Collection, Hashable, Iterator, Sequence
from typing import Any

from taskhandler.errors import ConfigError, LedgerError
from taskhandler.ledger.firestore import dead_letter as dead_letters
from taskhandler.ledger.firestore import document as records
from taskhandler.ledger.firestore.commit import Commit, name_of
from taskhandler.ledger.firestore.connection import Connection
from taskhandler.ledger.firestore.status import Fate, fate_of_create, fate_of_replace, remedy
from taskhandler.ledger.firestore.transport import SAID_LIMIT, Failure, Look, Wire
from taskhandler.ledger.firestore.url import COLLECTION, KEY, collection_problem
from taskhandler.ledger.listing import page_of
from taskhandler.ledger.storage import (
    Answer,
    Disputed,
    Entry,
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
from taskhandler.log_throttle import ThrottledLog
from taskhandler.text import one_line

LOGGER = logging.getLogger("taskhandler.ledger")

LIMIT_SECONDS = 4.9
"""Everything that one call to the ledger entails: at most one call to Firestore, and making the client."""

CLIENT_SECONDS = 2.9
"""Of these, what making a client may take: it imports Google's libraries and looks for credentials."""

CALL_SECONDS = 4.5
"""One call to Firestore. A round trip of four seconds is slow, and no reason to give up."""

PAGE = 300
"""Documents of a page when all are listed."""

NANOSECOND = 1e-9


class FirestoreStorage:
    """Records in a Firestore collection.

    Args:
        client: a google.cloud.firestore.Client, or something to call that makes one, in the process that uses
            it and when it is used first.
        collection: a root collection, which should hold nothing else.
        wall: seconds since 1970; decides only when a document may be swept away.
        clock: seconds of a clock that never goes back; bounds how long calls take.

    Raises:
        ConfigError: no collection can be called `collection`.
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
        problem = collection_problem(collection)
        if problem:
            raise ConfigError(KEY, collection, problem)
        self._collection = collection
        self._wall = wall
        self._clock = clock
        self._log = ThrottledLog(LOGGER, clock=clock)
        self._connection = Connection(
            client if callable(client) else lambda: client,
            _attach,
            clock=clock,
            log=self._log,
        )

    def read(self, key: Key) -> Snapshot | Unavailable | None:
        """See `Storage.read`."""
        until = self._clock() + LIMIT_SECONDS
        wire = self._connection.wire(patience=CLIENT_SECONDS)
        if isinstance(wire, Unavailable):
            return wire
        try:
            name = name_of(wire, self._collection, key)
        except UnicodeEncodeError:
            return None  # nothing of that name can have been written
        looks = wire.look([name], timeout=self._left(until))
        if isinstance(looks, Failure):
            return self._down(wire, looks)
        return None if looks[0].document is None else self._found(looks[0], key)

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

        `writes` are google.cloud.firestore.WriteBatch, or the google.cloud.firestore_v1.types.Write that
        stand in one, to other collections of the same database.
        """
        if not isinstance(version, int) or not 0 < version < 1 << 63:
            return Stale()
        return self._commit(
            Commit(key=key, record=record, version=version, dead_letter=dead_letter, writes=writes)
        )

    def dead_letter(self, key: Key) -> TaskBody | Unavailable | None:
        """See `Storage.letter`."""
        until = self._clock() + LIMIT_SECONDS
        wire = self._connection.wire(patience=CLIENT_SECONDS)
        if isinstance(wire, Unavailable):
            return wire
        try:
            first = dead_letters.part_name(name_of(wire, self._collection, key), 0)
        except UnicodeEncodeError:
            return None
        try:
            looks = dead_letters.parts(first, lambda names: wire.look(names, timeout=self._left(until)))
            if isinstance(looks, Failure):
                return self._down(wire, looks)
            return dead_letters.dead_letter_of([look.document for look in looks]) if looks else None
        except ValueError as error:
            return self._unreadable(first, error)

    def list(
        self,
        states: Collection[Listed],
        *,
        handler: str | None = None,
        after: str | None = None,
        limit: int = 50,
    ) -> Page | Unavailable:
        """See `Storage.list`."""
        entries = (Entry(records.document_id(key), key, snapshot) for key, snapshot in self.scan())
        try:
            return page_of(entries, states, handler=handler, after=after, limit=limit)
        except LedgerError as error:
            return Unavailable(str(error))

    def scan(self) -> Iterator[tuple[Key, Snapshot]]:
        """See `Storage.scan`. Documents that cannot be made out are complained of and left out."""
        page = self._page("")
        while page:
            for look in page:
                seen = None if dead_letters.is_part(look.name) else self._seen(look)
                if isinstance(seen, tuple):
                    yield seen
            page = self._page(page[-1].name)

    def batch(self) -> Any:  # noqa: ANN401 - a google.cloud.firestore.WriteBatch, which is not loaded yet
        """An empty batch, to be filled and handed to `replace` as one of its `writes`; do not commit it.

        Raises:
            LedgerError: Google's client cannot be made.
        """
        return self._wire_for_people().client.batch()

    def warm_up(self) -> None:
        """Load Google's libraries and look for credentials now, not at the first delivery."""
        self._connection.warm_up()

    def close(self) -> None:
        """See `Storage.close`. Calls under way come to their end."""
        self._connection.close()

    def _commit(self, commit: Commit) -> Answer:
        until = self._clock() + LIMIT_SECONDS
        wire = self._connection.wire(patience=CLIENT_SECONDS)
        if isinstance(wire, Unavailable):
            return wire
        try:
            request = commit.request(wire, self._collection, now=self._wall())
        except ValueError as error:
            return Refused(one_line(error, limit=SAID_LIMIT))
        written = wire.commit(request, timeout=self._left(until))
        if isinstance(written, int):
            return Written(written)
        return self._failed(commit, wire, written)

    def _failed(self, commit: Commit, wire: Wire, failure: Failure) -> Answer:
        batch = bool(commit.writes)
        create = commit.version is None
        fate = fate_of_create(failure) if create else fate_of_replace(failure, batch=batch)
        match fate:
            case Fate.CHANGED:
                return Stale()
            case Fate.DOWN:
                return self._down(wire, failure)
            case Fate.UNKNOWN:
                return Unknown(self._down(wire, failure).why)
            case Fate.REFUSED:
                return Disputed(Refused(str(failure)) if batch else _unavailable(failure))

    def _left(self, until: float) -> float:
        return max(0.1, min(CALL_SECONDS, until - self._clock()))

    def _found(self, look: Look, key: Key) -> Snapshot | Unavailable:
        seen = self._seen(look)
        if isinstance(seen, Unavailable):
            return seen
        if seen[0] != key:
            return self._unreadable(look.name, ValueError("it is the record of another task"))
        return seen[1]

    def _seen(self, look: Look) -> tuple[Key, Snapshot] | Unavailable:
        try:
            key, record = records.told_by(look.document)
        except ValueError as error:
            return self._unreadable(look.name, error)
        return key, Snapshot(record, look.updated_at, max(0, look.read_at - look.updated_at) * NANOSECOND)

    def _page(self, after: str) -> Sequence[Look]:
        wire = self._wire_for_people()
        page = wire.page(self._collection, after, size=PAGE, timeout=LIMIT_SECONDS)
        if isinstance(page, Failure):
            raise LedgerError(f"the Firestore ledger cannot be read: {page}. To mend it: {remedy(page)}")
        return page

    def _wire_for_people(self) -> Wire:
        wire = self._connection.wire(patience=LIMIT_SECONDS)
        if isinstance(wire, Unavailable):
            raise LedgerError(f"the Firestore ledger is out of use: {wire.why}")
        return wire

    def _down(self, wire: Wire, failure: Failure) -> Unavailable:
        self._log.error(
            "The Firestore ledger %s/%s is out of use: %s. To mend it: %s.",
            wire.documents,
            self._collection,
            failure,
            remedy(failure),
            kind=failure.code,
        )
        return _unavailable(failure)

    def _unreadable(self, name: str, error: ValueError) -> Unavailable:
        self._log.error(
            "The document %s is left alone, and its task put off: %s. To mend it: update "
            "taskhandler, or restore the document, or delete it (its task may run again).",
            name,
            error,
        )
        return Unavailable(one_line(f"the document {name} cannot be read: {error}", limit=SAID_LIMIT))


def _unavailable(failure: Failure) -> Unavailable:
    return Unavailable(f"the ledger is out of use: {failure}")


def _attach(client: Any) -> Wire:  # noqa: ANN401 - Google's client, which is not loaded yet
    from taskhandler.ledger.firestore.grpc_transport import GrpcWire  # noqa: PLC0415 - the same

    return GrpcWire(client)
