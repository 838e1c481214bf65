"""One commit for all who write at the same moment (*group commit*), since fsync dominates the cost.

Theory of operation. Every write is put into a queue. The thread that finds nobody writing leads: it takes
the one connection for writing, becomes the writer of the file, and only then takes all writes that have
gathered, runs them in one transaction and commits it. The others sleep, each on a lock of its own, until
their write has its answer. Nobody waits for company: a lone write is committed at once, and those that
come during its commit make up the next one. When a commit is over, done or failed, the leader gives
each of its writes an answer and makes the first one that has gathered since the next leader (its *heir*),
in one step under the mutex, so there is a leader for as long as writes wait.

A write that nobody has taken after `PATIENCE` is withdrawn: it is certainly not written. One that has been
taken meanwhile is not withdrawn but unknown; or its answer is there already, since the leader may have
given it between the end of the waiting and the withdrawal. A leader that is interrupted (a worker's
time-out raises out of it) says that its writes are unknown, and appoints its heir like any other.

Each write is judged by its own condition, so a stale one spoils nothing for the others.
"""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Callable

from taskhandler.errors import LedgerError
from taskhandler.ledger.sqlite.connections import Connections
from taskhandler.ledger.sqlite.file import begin
from taskhandler.ledger.sqlite.rows import PUT_LETTER, Row
from taskhandler.ledger.storage import Answer, Stale, Unavailable, Unknown, Written

PATIENCE = 2.5
"""Seconds after which a write that no leader has taken is given up. One that comes to lead just before may
wait for a lock for two more: no call takes longer than five.
"""

FAULTS = (sqlite3.Error, OSError, LedgerError)
"""What a file, its disk or other people can do to a ledger."""

_NOT_COMMITTED = ("disk is full", "locked", "readonly")
"""What SQLite says of a commit that it has certainly undone; anything else leaves a doubt."""


class Write:
    """One conditional write that waits to be committed.

    Args:
        statement: changes one row, or none if its condition does not hold.
        row: what to bind to it.
        version: what the row is at, once written.
        dead_letter: what to bind to the statement that puts the letter beside it.
    """

    __slots__ = ("_letter", "_row", "_statement", "_version", "answer", "judged", "leads", "woken")

    def __init__(self, statement: str, row: Row, *, version: int, dead_letter: Row | None) -> None:
        self._statement = statement
        self._row = row
        self._version = version
        self._letter = dead_letter
        self.judged: Answer = Stale()
        self.answer: Answer | None = None
        self.leads = False
        self.woken = threading.Lock()
        self.woken.acquire()

    def run(self, connection: sqlite3.Connection) -> None:
        """Within a transaction."""
        if connection.execute(self._statement, self._row).rowcount != 1:
            return
        if self._letter is not None:
            connection.execute(PUT_LETTER, self._letter)
        self.judged = Written(self._version)


class SharedCommit:
    """The writes of one process to one file.

    Args:
        connections: to the file.
        wait: sleeps for so many seconds.
        explain: tells people what is wrong, and answers with it.
        timeout: seconds after which a write that nobody came round to is given up.
    """

    def __init__(
        self,
        connections: Connections,
        *,
        wait: Callable[[float], None],
        explain: Callable[[Exception], str],
        timeout: float = PATIENCE,
    ) -> None:
        self._connections = connections
        self._wait = wait
        self._explain = explain
        self._patience = timeout
        self.begin_anew()

    def begin_anew(self) -> None:
        """In a forked child, where the other threads and their writes are none of ours."""
        self._mutex = threading.Lock()
        self._waiting: list[Write] = []
        self._led = False

    @property
    def waiting(self) -> int:
        """How many writes have gathered for the next commit."""
        with self._mutex:
            return len(self._waiting)

    def commit(self, write: Write) -> Answer:
        """Have `write` committed, with others if there are any, and say whether it was."""
        try:
            if not self._queued(write):
                write.woken.acquire(timeout=self._patience)
            if self._leads(write):
                self._lead(write)
        except BaseException:
            self._withdraw(write)
            raise
        return write.answer or self._withdraw(write)

    def _queued(self, write: Write) -> bool:
        with self._mutex:
            self._waiting.append(write)
            write.leads, self._led = not self._led, True
            return write.leads

    def _leads(self, write: Write) -> bool:
        with self._mutex:
            return write.leads

    def _lead(self, write: Write) -> None:
        batch: list[Write] = []
        fate: Answer | None = Unknown("the thread that was writing was interrupted")
        try:
            fate = self._commit(batch)
        finally:
            self._hand_over(batch, fate, leader=write)

    def _commit(self, batch: list[Write]) -> Answer | None:
        """Fill `batch` and commit it; what came of all of it, or None if each has its own answer."""
        committing = False
        try:
            with self._connections.writer() as opened:
                begin(opened.connection, self._wait)
                self._take(batch)
                for write in batch:
                    write.run(opened.connection)
                committing = True
                opened.connection.execute("COMMIT")
                self._connections.check(opened)
        except FAULTS as error:
            why = self._explain(error)
            doubtful = committing and not any(sign in why for sign in _NOT_COMMITTED)
            return Unknown(why) if doubtful else Unavailable(why)
        return None

    def _take(self, batch: list[Write]) -> None:
        with self._mutex:
            batch += self._waiting
            self._waiting = []

    def _hand_over(self, batch: list[Write], fate: Answer | None, *, leader: Write) -> None:
        if not batch:
            self._take(batch)  # they all wait for the connection that failed
        with self._mutex:
            for write in batch:
                write.answer, write.leads = fate or write.judged, False
            heir = self._appoint()
        for write in (*heir, *batch):
            if write is not leader:
                write.woken.release()

    def _appoint(self) -> list[Write]:
        heir = self._waiting[:1]
        self._led = bool(heir)
        for write in heir:
            write.leads = True
        return heir

    def _withdraw(self, write: Write) -> Answer:
        """Give `write` up, and let somebody else lead if that was its part."""
        with self._mutex:
            waiting = write in self._waiting
            if waiting:
                self._waiting.remove(write)
            heir = self._appoint() if write.leads else []
        for other in heir:
            other.woken.release()
        if waiting:
            return Unavailable("the ledger is too busy")
        return write.answer or Unknown("the ledger is slow to say")
