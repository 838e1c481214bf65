"""The connections of one process to the ledger's file: opened when needed, closed before a fork.

SQLite shares locks and memory between the connections of a process, and a forked child inherits them while
the operating system's locks stay with the parent: a child that so much as opens the file again could ruin
it (sqlite.org/howtocorrupt.html, 2.6). So nothing may be open when the process forks.

Theory of operation. Every call passes a gate. Two counters guard it: `_using` counts the calls that are
inside, and `_shut` counts the threads that keep the gate shut (for a fork or a `close`, perhaps several at
once). While `_shut` is not zero, calls wait outside. A third thing is the list `_in_use` of the connections
that calls are using. Idle ones are in `_readers` and `_writers`: a call takes one from there or opens one.

The thread that shuts the gate waits until no call is inside, closes what is idle, and opens the gate again:
at once after a `close`, in the parent after a fork. If a call stays inside for longer than `timeout`, the
fork goes on without it: the parent keeps using that connection, and the child, where that call never ends,
neither uses nor closes it (`_abandoned`) and begins with a new gate and empty lists.

A connection whose call failed is closed, and so is one to a file that the path no longer leads to. When a
ledger is collected, a finalizer, which takes no lock, closes its idle connections. Those of a ledger that
has not been used for longer than many others of this process are closed too (`idle`).
"""

from __future__ import annotations

import os
import sqlite3
import stat
import threading
import weakref
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager

from msgspec import Struct

from taskhandler.errors import LedgerError
from taskhandler.ledger.sqlite.file import BUSY_SECONDS, Database, connect
from taskhandler.ledger.sqlite.idle import IdleLedgers

FORK_WAIT_SECONDS = 5.0
"""For how long a fork waits for calls: none takes longer."""


class Opened(Struct, frozen=True):
    """A connection, and the file (device and inode) it was opened to: the path may later lead to another."""

    connection: sqlite3.Connection
    file: tuple[int, int]


_idle_ledgers = IdleLedgers()

_abandoned: list[Opened] = []
"""Never closed: a call of the parent was using them when this process was forked."""


class Connections:
    """A connection for each thread that reads at the moment, and one for writing.

    Args:
        database: which file.
        timeout: seconds that a fork or a `close` waits for calls that are under way.
    """

    def __init__(self, database: Database, *, timeout: float = FORK_WAIT_SECONDS) -> None:
        self._database = database
        self._timeout = timeout
        self._readers: list[Opened] = []
        self._writers: list[Opened] = []
        weakref.finalize(self, _close, self._readers, self._writers)
        self._make_gate()

    def reader(self) -> AbstractContextManager[Opened]:
        """A connection to read with. It is closed if what is done with it fails.

        Raises:
            sqlite3.Error: it cannot be opened.
            LedgerError: the file is gone, or is not a ledger any more.
            OSError: the path cannot be followed.
        """
        return self._lend(self._readers, busy=BUSY_SECONDS)

    def writer(self) -> AbstractContextManager[Opened]:
        """The connection to write with, for one thread at a time. It is closed if what is done with it fails.

        Raises:
            sqlite3.Error: it cannot be opened.
            LedgerError: the file is gone, or is not a ledger any more.
            OSError: the path cannot be followed.
        """
        return self._lend(self._writers, busy=0.0)

    def check(self, opened: Opened) -> None:
        """See that the path still leads to the file that was opened.

        Raises:
            LedgerError: it leads to none, or to another.
            OSError: the path cannot be followed.
        """
        if self._find_file() != opened.file:
            raise LedgerError("another file replaced it during a write")

    def close(self) -> None:
        """Close what is open, once the calls under way have ended."""
        self._shut_gate()
        self._open_gate()

    def close_idle(self) -> None:
        """Close what is idle now, as a call inside the gate, so that no fork comes in between."""
        with self._gate:
            if self._shut:
                return  # the thread that shuts the gate closes the same
            self._using += 1
        try:
            _close(self._readers, self._writers)
        finally:
            self._leave()

    def before_fork(self) -> None:
        """Close everything, and let no call in."""
        self._shut_gate()

    def after_fork_in_parent(self) -> None:
        """Let calls in again."""
        self._open_gate()

    def after_fork_in_child(self) -> None:
        """Begin anew."""
        for inherited in (self._in_use, self._readers, self._writers):
            _abandoned.extend(inherited)
            inherited.clear()
        self._make_gate()

    def _make_gate(self) -> None:
        self._gate = threading.Condition(threading.Lock())
        self._shut = 0
        self._using = 0
        self._in_use: list[Opened] = []

    def _shut_gate(self) -> None:
        with self._gate:
            self._shut += 1
            self._gate.wait_for(lambda: not self._using, timeout=self._timeout)
            _close(self._readers, self._writers)

    def _open_gate(self) -> None:
        with self._gate:
            self._shut -= 1
            self._gate.notify_all()

    @contextmanager
    def _lend(self, idle: list[Opened], *, busy: float) -> Iterator[Opened]:
        self._enter()
        try:
            file = self._find_file()  # before it is opened: another one may take its place meanwhile
            opened = _reuse(idle, file) or Opened(connect(self._database, busy=busy), file)
            self._in_use.append(opened)
            try:
                yield opened
                idle.append(opened)
            except BaseException:
                opened.connection.close()
                raise
            finally:
                self._in_use.remove(opened)
        finally:
            self._leave()
            _idle_ledgers.mark_used(self)

    def _find_file(self) -> tuple[int, int]:
        try:
            found = os.stat(self._database.path)  # noqa: PTH116 - less than half the time of Path.stat
        except FileNotFoundError as error:
            raise LedgerError("the file is gone") from error
        if not stat.S_ISREG(found.st_mode):  # opening a pipe could block without end
            raise LedgerError("it was replaced by something that is not a regular file")
        return (found.st_dev, found.st_ino)

    def _enter(self) -> None:
        with self._gate:
            self._gate.wait_for(lambda: not self._shut)
            self._using += 1

    def _leave(self) -> None:
        with self._gate:
            self._using -= 1
            if self._shut:
                self._gate.notify_all()


def _reuse(idle: list[Opened], file: tuple[int, int]) -> Opened | None:
    while (opened := _take(idle)) is not None:
        if opened.file == file:
            return opened
        opened.connection.close()
    return None


def _close(*idle: list[Opened]) -> None:
    for some in idle:
        while (opened := _take(some)) is not None:
            opened.connection.close()


def _take(idle: list[Opened]) -> Opened | None:
    try:
        return idle.pop()  # in one step: another thread may be taking or closing them
    except IndexError:
        return None
