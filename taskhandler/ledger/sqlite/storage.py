"""The embedded ledger: one file, for one machine and as many processes and threads as it has.

A write is durable when it is answered (`synchronous=FULL`). What is wrong with the file or its disk is
logged, and answered with `Unavailable` or `Unknown`; once that is repaired, the file is used again. Only a
disk that hangs without an error can hold a call past its five seconds. Expired records are deleted in
passing, see `sweep`.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Collection, Hashable, Iterator, Sequence

from taskhandler.errors import LedgerError
from taskhandler.forks import notify_of_forks
from taskhandler.ledger.bootclock import ServerClock
from taskhandler.ledger.listing import check_limit
from taskhandler.ledger.sqlite import rows
from taskhandler.ledger.sqlite.connections import Connections
from taskhandler.ledger.sqlite.file import Database, suggest_remedy
from taskhandler.ledger.sqlite.group_commit import FAULTS, GroupCommit, Write
from taskhandler.ledger.sqlite.pages import decode_place, read_page
from taskhandler.ledger.sqlite.sweep import Sweep
from taskhandler.ledger.sqlite.write_ahead_log import WriteAheadLog
from taskhandler.ledger.storage import Answer, Key, Listed, Page, Stale, TaskBody, Unavailable
from taskhandler.lifecycle.record import Record, Snapshot
from taskhandler.lifecycle.verdict import Refused
from taskhandler.text import one_line
from taskhandler.throttled_log import ThrottledLog

LOGGER = logging.getLogger("taskhandler.ledger")

REASON_LIMIT_CHARACTERS = 300
"""Characters of what SQLite or the operating system says, in a reason."""


class SQLiteStorage:
    """Records in a prepared SQLite file (see `file.prepare`).

    Args:
        database: which file, and how to open it.
        clock: what server time is here.
        chance: a number from 0 to 2**63 - 1, never the same again: it becomes the version of a row.
        wait: sleeps for so many seconds.
    """

    shared = False

    def __init__(
        self,
        database: Database,
        *,
        clock: ServerClock,
        chance: Callable[[], int],
        wait: Callable[[float], None],
    ) -> None:
        self.database = database
        self._clock = clock
        self._chance = chance
        self._log = ThrottledLog(LOGGER, clock=clock.seconds)
        self._connections = Connections(database)
        self._commits = GroupCommit(
            self._connections,
            sweep=Sweep(clock, explain=self._explain_unswept),
            write_ahead_log=WriteAheadLog(database.path),
            wait=wait,
            explain=self._explain,
        )
        notify_of_forks(self)

    def read(self, key: Key) -> Snapshot | Unavailable | None:
        """See `Storage.read`."""
        now = self._clock.now()  # before the look: a record must not look older than it is
        match self._find(rows.READ, key):
            case Unavailable() as unavailable:
                return unavailable
            case [row, *_]:
                return self._decode(key, row, now)
            case _:
                return None

    def create(self, key: Key, record: Record, *, dead_letter: TaskBody | None = None) -> Answer:
        """See `Storage.create`."""
        return self._write(rows.CREATE, key, record, dead_letter=dead_letter)

    def replace(
        self,
        key: Key,
        record: Record,
        version: Hashable,
        *,
        dead_letter: TaskBody | None = None,
        writes: Sequence[object] = (),
    ) -> Answer:
        """See `Storage.replace`. `writes` are refused: this ledger has no atomic batches."""
        if writes:
            return Refused("the SQLite ledger has no atomic batches")
        if not isinstance(version, int) or version.bit_length() > 63:  # noqa: PLR2004 - SQLite's integers
            return Stale()
        return self._write(rows.REPLACE, key, record, version, dead_letter=dead_letter)

    def dead_letter(self, key: Key) -> TaskBody | Unavailable | None:
        """See `Storage.dead_letter`."""
        match self._find(rows.READ_DEAD_LETTER, key):
            case Unavailable() as unavailable:
                return unavailable
            case [row, *_]:
                return self._decode_dead_letter(key, row)
            case _:
                return None

    def list(
        self,
        states: Collection[Listed],
        *,
        handler: str | None = None,
        after: str | None = None,
        limit: int = 50,
    ) -> Page | Unavailable:
        """See `Storage.list`. A page that meets too many expired records is not complete."""
        check_limit(limit)
        start = None if after is None else decode_place(after)
        now = self._clock.now()
        try:
            with self._connections.reader() as opened:
                return read_page(
                    opened.connection,
                    [state.value for state in states],
                    handler=handler,
                    after=start,
                    limit=limit,
                    decode=lambda key, row: _keep_readable(self._decode(key, row, now)),
                )
        except FAULTS as error:
            return Unavailable(self._explain(error))
        except UnicodeEncodeError:
            return Page(())  # no handler of that name can have been written
        except ValueError as error:
            return Unavailable(f"the page cannot be read: {error}")

    def scan(self) -> Iterator[tuple[Key, Snapshot]]:
        """See `Storage.scan`. Rows that must be left alone are logged and left out."""
        page = self._read_rows(rows.SCAN, ())
        while page:
            now = self._clock.now()
            for row in page:
                key = Key(*(str(part) for part in row[-4:]))
                found = self._decode(key, row, now)
                if isinstance(found, Snapshot):
                    yield key, found
            page = self._read_rows(rows.SCAN_ON, page[-1][-4:])

    def close(self) -> None:
        """See `Storage.close`. Waits for calls under way, but not for long."""
        self._connections.close()

    def before_fork(self) -> None:
        """Have no connection open."""
        self._connections.before_fork()

    def after_fork_in_parent(self) -> None:
        """Go on."""
        self._connections.after_fork_in_parent()

    def after_fork_in_child(self) -> None:
        """Begin anew."""
        self._connections.after_fork_in_child()
        self._commits.begin_anew()

    def _write(
        self, statement: str, key: Key, record: Record, *conditions: int, dead_letter: TaskBody | None
    ) -> Answer:
        version = self._chance()
        try:
            row = rows.encode_row(key, record, self._clock.stamp(), version=version)
            beside = None if dead_letter is None else rows.encode_dead_letter(key, dead_letter)
        except UnicodeEncodeError as error:
            return Refused(
                f"it has text that cannot be stored ({one_line(error, limit=REASON_LIMIT_CHARACTERS)})"
            )
        return self._commits.commit(
            Write(statement, (*row, *conditions), version=version, dead_letter=beside)
        )

    def _find(self, statement: str, key: Key) -> Sequence[rows.Row] | Unavailable:
        try:
            named = rows.encode_key(key)
            with self._connections.reader() as opened:
                return opened.connection.execute(statement, named).fetchall()
        except UnicodeEncodeError:
            return []  # nothing of that name can have been written
        except FAULTS as error:
            return Unavailable(self._explain(error))

    def _read_rows(self, statement: str, after: rows.Row) -> Sequence[rows.Row]:
        try:
            with self._connections.reader() as opened:
                return opened.connection.execute(statement, after).fetchall()
        except FAULTS as error:
            said = one_line(error, limit=REASON_LIMIT_CHARACTERS)
            raise LedgerError(
                f"the ledger {self.database.path} cannot be read: {said} - {suggest_remedy(error)}"
            ) from error

    def _decode(self, key: Key, row: rows.Row, now: int) -> Snapshot | Unavailable:
        try:
            return rows.decode_row(row, clock=self._clock, now=now)
        except rows.UnreadableRowError as error:
            return self._leave_alone("record", key, error)

    def _decode_dead_letter(self, key: Key, row: rows.Row) -> TaskBody | Unavailable:
        try:
            return rows.decode_dead_letter(row)
        except rows.UnreadableRowError as error:
            return self._leave_alone("dead letter", key, error)

    def _explain(self, fault: Exception) -> str:
        what = suggest_remedy(fault)
        self._log.error(
            "The ledger %s is unavailable: %s. To fix it: %s.", self.database.path, fault, what, kind=what
        )
        return f"the ledger is unavailable: {one_line(fault, limit=REASON_LIMIT_CHARACTERS)}"

    def _explain_unswept(self, fault: Exception) -> None:
        self._log.error(
            "The expired records of the ledger %s cannot be deleted: %s. To fix it: %s.",
            self.database.path,
            fault,
            suggest_remedy(fault),
        )

    def _leave_alone(self, what: str, key: Key, error: rows.UnreadableRowError) -> Unavailable:
        self._log.error(
            "The %s of %s in the ledger %s is left as it is, and its task is answered 503: %s. "
            "To fix it: %s.",
            what,
            key,
            self.database.path,
            error,
            error.remedy,
            kind=(what, error.remedy),
        )
        why = f"the {what} cannot be read: {one_line(error, limit=REASON_LIMIT_CHARACTERS)}"
        return Unavailable(why, is_lasting=True)


def _keep_readable(found: Snapshot | Unavailable) -> Snapshot | None:
    return found if isinstance(found, Snapshot) else None
