"""One commit for all writes that wait at the same moment (*group commit*), since fsync dominates the cost.

Theory of operation. Every write joins a queue. A thread whose write joins while none leads becomes the
*leader*: it takes the one connection for writing, waits until it is the file's only writer, and only then
takes all writes that have queued, runs them in one transaction, sweeps a few expired records (`sweep`) and
commits. The other threads are *followers*: each sleeps, on a lock of its own, until its write has an
answer. Nobody waits for company: a lone write is committed at once, and those that queue during its commit
form the next one. When a commit has ended, well or badly, the leader answers each of its writes and
appoints the first follower in the queue as the next leader, both in one step under the mutex; so while
writes wait, one thread leads.

A follower whose write no leader has taken within `WITHDRAW_SECONDS` withdraws it: it is certainly not
written. If a leader has taken it meanwhile, it cannot be withdrawn, and it is unknown whether it is written,
unless the answer is there already: the leader may have given it after the follower stopped waiting and before
it withdrew. A leader that is interrupted (a worker's time-out raises in it) answers its followers "unknown",
and appoints the next leader all the same.

Each write is judged by its own condition, so one that is stale does no harm to the others of its commit.
"""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Callable

from taskhandler.errors import LedgerError
from taskhandler.ledger.sqlite.connections import Connections
from taskhandler.ledger.sqlite.file import begin
from taskhandler.ledger.sqlite.rows import PUT_DEAD_LETTER, Row
from taskhandler.ledger.sqlite.sweep import Sweep
from taskhandler.ledger.sqlite.write_ahead_log import WriteAheadLog
from taskhandler.ledger.storage import Answer, Stale, Unavailable, Unknown, Written

WITHDRAW_SECONDS = 2.5
"""After which a write that no leader has taken is withdrawn.

A thread that becomes the leader just before may wait two seconds more for a lock: no call takes longer than
five.
"""

FAULTS = (sqlite3.Error, OSError, LedgerError)
"""What is raised if a ledger's file, its disk or its lock is at fault."""

_NOT_COMMITTED = ("disk is full", "locked", "readonly")
"""What SQLite says of a commit that it has certainly undone. After anything else, it may have been made."""


class Write:
    """One conditional write that waits to be committed.

    Args:
        statement: changes one row, or none if its condition does not hold.
        row: what to bind to it.
        version: what the row is at, once written.
        dead_letter: what to bind to the statement that keeps the dead letter beside it.
    """

    __slots__ = ("_dead_letter", "_row", "_statement", "_version", "answer", "judged", "leads", "woken")

    def __init__(self, statement: str, row: Row, *, version: int, dead_letter: Row | None) -> None:
        self._statement = statement
        self._row = row
        self._version = version
        self._dead_letter = dead_letter
        self.judged: Answer = Stale()
        self.answer: Answer | None = None
        self.leads = False
        self.woken = threading.Lock()
        self.woken.acquire()

    def run(self, connection: sqlite3.Connection) -> None:
        """Do it, within a transaction."""
        if connection.execute(self._statement, self._row).rowcount != 1:
            return
        if self._dead_letter is not None:
            connection.execute(PUT_DEAD_LETTER, self._dead_letter)
        self.judged = Written(self._version)


class GroupCommit:
    """The writes of one process to one file.

    Args:
        connections: to the file.
        sweep: what deletes expired records.
        write_ahead_log: what keeps the file's log short.
        wait: sleeps for so many seconds.
        explain: logs what is wrong, and returns it.
        timeout: seconds after which a write that no leader has taken is withdrawn.
    """

    def __init__(
        self,
        connections: Connections,
        *,
        sweep: Sweep,
        write_ahead_log: WriteAheadLog,
        wait: Callable[[float], None],
        explain: Callable[[Exception], str],
        timeout: float = WITHDRAW_SECONDS,
    ) -> None:
        self._connections = connections
        self._sweep = sweep
        self._write_ahead_log = write_ahead_log
        self._wait = wait
        self._explain = explain
        self._timeout = timeout
        self.begin_anew()

    def begin_anew(self) -> None:
        """In a forked child, which has none of its parent's other threads and none of their writes."""
        self._mutex = threading.Lock()
        self._waiting: list[Write] = []
        self._led = False

    @property
    def waiting(self) -> int:
        """How many writes are in the queue for the next commit."""
        with self._mutex:
            return len(self._waiting)

    def commit(self, write: Write) -> Answer:
        """Have `write` committed, with others if there are any, and say whether it was."""
        try:
            if not self._join_queue(write):
                write.woken.acquire(timeout=self._timeout)
            if self._leads(write):
                self._lead(write)
        except BaseException:
            self._withdraw(write)
            raise
        return write.answer or self._withdraw(write)

    def _join_queue(self, write: Write) -> bool:
        with self._mutex:
            self._waiting.append(write)
            write.leads, self._led = not self._led, True
            return write.leads

    def _leads(self, write: Write) -> bool:
        with self._mutex:
            return write.leads

    def _lead(self, write: Write) -> None:
        batch: list[Write] = []
        shared: Answer | None = Unknown("the thread that was writing was interrupted")
        try:
            shared = self._commit(batch)
        finally:
            self._hand_over(batch, shared, leader=write)

    def _commit(self, batch: list[Write]) -> Answer | None:
        """Take a batch and commit it. Returns the answer to all of it, or None if each write has its own."""
        committing = False
        try:
            with self._connections.writer() as opened:
                begin(opened.connection, self._wait)
                self._take(batch)
                self._sweep.note_uptime(opened.connection)
                for write in batch:
                    write.run(opened.connection)
                self._sweep.delete_expired(opened.connection, writes=len(batch))
                committing = True
                opened.connection.execute("COMMIT")
                self._connections.check(opened)
                self._write_ahead_log.cut(opened.connection)
        except FAULTS as error:
            why = self._explain(error)
            doubtful = committing and not any(sign in why for sign in _NOT_COMMITTED)
            return Unknown(why) if doubtful else Unavailable(why)
        return None

    def _take(self, batch: list[Write]) -> None:
        with self._mutex:
            batch += self._waiting
            self._waiting = []

    def _hand_over(self, batch: list[Write], shared: Answer | None, *, leader: Write) -> None:
        if not batch:
            self._take(batch)  # they were all waiting for the connection that failed
        with self._mutex:
            for write in batch:
                write.answer, write.leads = shared or write.judged, False
            successor = self._appoint()
        for write in (*successor, *batch):
            if write is not leader:
                write.woken.release()

    def _appoint(self) -> list[Write]:
        successor = self._waiting[:1]
        self._led = bool(successor)
        for write in successor:
            write.leads = True
        return successor

    def _withdraw(self, write: Write) -> Answer:
        """Withdraw `write`, and appoint another leader if it was to lead."""
        with self._mutex:
            waiting = write in self._waiting
            if waiting:
                self._waiting.remove(write)
            successor = self._appoint() if write.leads else []
        for other in successor:
            other.woken.release()
        if waiting:
            return Unavailable("the ledger is too busy")
        return write.answer or Unknown("the ledger did not say in time whether the record is written")
