"""The connections of one process to the ledger's file: opened when needed, closed before a fork.

SQLite shares locks and memory between the connections of a process, and a forked child inherits them
while the operating system's locks stay with the parent: a child that so much as opens the file again
could ruin it (sqlite.org/howtocorrupt.html, 2.6). So nothing may be open when the process forks.

Theory of operation. Every call passes a gate, with two counters and a list behind it. `_using` counts the
calls within. `_shut` counts those that keep the gate shut: a fork, a `close`, or several at once; while it is
not zero, calls wait outside. `_in_use` lists the connections that calls are using; the idle ones are in
`_readers` and `_writers`, and a call takes one from there, or opens one. The thread that shuts the gate
waits until no call is within, closes what is idle, and opens the gate: after a `close` at once, after a fork
in the parent when it is over. If a call within takes longer than `rest` seconds, it is left behind: the
parent goes on using its connection, and the child, in which that call never ends, neither uses nor closes
it (`_abandoned`), and begins with a gate and lists of its own.

A connection whose call failed is closed, so is one to a file that the path no longer leads to. What is
idle when a ledger is collected is closed by a finalizer, which takes no lock; so is what is idle of a
ledger that was not used for longer than many others of the process (`sqlite_idle`).
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
from taskhandler.ledger.sqlite.file import BUSY, Bound, connect
from taskhandler.ledger.sqlite.idle import IdleLedgers

REST = 5.0
"""Seconds; no call is under way for longer."""


class Opened(Struct, frozen=True):
    """A connection, and which file it was opened to: the path may come to lead to another one."""

    connection: sqlite3.Connection
    file: tuple[int, int]


_idle_ledgers = IdleLedgers()

_abandoned: list[Opened] = []
"""Never closed: a call was still under way in the parent when this child was forked off."""


class Connections:
    """Readers for as many threads as read at once, and one writer.

    Args:
        bound: to which file.
        rest: seconds a fork or a `close` waits for calls that are under way.
    """

    def __init__(self, bound: Bound, *, rest: float = REST) -> None:
        self._bound = bound
        self._rest = rest
        self._readers: list[Opened] = []
        self._writers: list[Opened] = []
        weakref.finalize(self, _close, self._readers, self._writers)
        self._open_gate()

    def reader(self) -> AbstractContextManager[Opened]:
        """A connection to read from; closed if what is done with it fails.

        Raises:
            sqlite3.Error: it cannot be opened.
            LedgerError: the file is gone, or is not a ledger any more.
            OSError: the path cannot be looked at.
        """
        return self._lent(self._readers, busy=BUSY)

    def writer(self) -> AbstractContextManager[Opened]:
        """The connection to write to, for one thread at a time; closed if what is done with it fails.

        Raises:
            sqlite3.Error: it cannot be opened.
            LedgerError: the file is gone, or is not a ledger any more.
            OSError: the path cannot be looked at.
        """
        return self._lent(self._writers, busy=0.0)

    def check(self, opened: Opened) -> None:
        """See that the path still leads to the file that was opened.

        Raises:
            LedgerError: it leads to none, or to another.
            OSError: it cannot be looked at.
        """
        if self._file() != opened.file:
            raise LedgerError("another file took its place in the midst of a write")

    def close(self) -> None:
        """Close what is open, once the calls under way have ended."""
        self._shut_gate()
        self._go_on()

    def close_idle(self) -> None:
        """Close what is idle right now; within the gate, so that no fork comes in between."""
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
        self._go_on()

    def after_fork_in_child(self) -> None:
        """Begin anew."""
        for left in (self._in_use, self._readers, self._writers):
            _abandoned.extend(left)
            left.clear()
        self._open_gate()

    def _open_gate(self) -> None:
        self._gate = threading.Condition(threading.Lock())
        self._shut = 0
        self._using = 0
        self._in_use: list[Opened] = []

    def _shut_gate(self) -> None:
        with self._gate:
            self._shut += 1
            self._gate.wait_for(lambda: not self._using, timeout=self._rest)
            _close(self._readers, self._writers)

    def _go_on(self) -> None:
        with self._gate:
            self._shut -= 1
            self._gate.notify_all()

    @contextmanager
    def _lent(self, idle: list[Opened], *, busy: float) -> Iterator[Opened]:
        self._enter()
        try:
            opened = self._idle(idle) or Opened(connect(self._bound, busy=busy), self._file())
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
            _idle_ledgers.used(self)

    def _idle(self, idle: list[Opened]) -> Opened | None:
        file = self._file()
        while (opened := _taken(idle)) is not None:
            if opened.file == file:
                return opened
            opened.connection.close()
        return None

    def _file(self) -> tuple[int, int]:
        try:
            found = os.stat(self._bound.path)  # noqa: PTH116 - less than half the time of Path.stat
        except FileNotFoundError as error:
            raise LedgerError("the file is gone") from error
        if not stat.S_ISREG(found.st_mode):  # to open a pipe could take for ever
            raise LedgerError("something that is not a regular file took its place")
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


def _close(*idle: list[Opened]) -> None:
    for some in idle:
        while (opened := _taken(some)) is not None:
            opened.connection.close()


def _taken(idle: list[Opened]) -> Opened | None:
    try:
        return idle.pop()  # in one step: another thread may be taking or closing them
    except IndexError:
        return None
