"""A local SQLite ledger with clocks that are set by hand, and a connection to its file beside it."""

from __future__ import annotations

import itertools
import sqlite3
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from taskhandler.ledger.bootclock import ServerClock
from taskhandler.ledger.sqlite.file import Database, prepare
from taskhandler.ledger.sqlite.storage import SQLiteStorage

SECOND = 10**9


class Clocks:
    """What the clocks show: `boot` nanoseconds since the start, `wall` seconds since 1970."""

    def __init__(self) -> None:
        self.boot = 1000 * SECOND
        self.wall = 1_700_000_000.0

    def clock(self, boot_id: str = "boot-1") -> ServerClock:
        return ServerClock(lambda: self.boot, boot_id, lambda: self.wall)


def wait(seconds: float) -> None:
    threading.Event().wait(seconds)


def open_local(
    path: Path,
    clock: ServerClock,
    *,
    wait: Callable[[float], None] = wait,
    synchronous: str = "FULL",
    chance: Callable[[], int] | None = None,
) -> SQLiteStorage:
    """A storage in a file, which is made if it is not there."""
    prepare(str(path), wait=wait)
    chance = chance or itertools.count(1).__next__
    return SQLiteStorage(Database(str(path), synchronous), clock=clock, chance=chance, wait=wait)


@contextmanager
def raw_connection(path: Path) -> Iterator[sqlite3.Connection]:
    """A connection that the ledger does not know of; each statement is a commit."""
    connection = sqlite3.connect(path, isolation_level=None, check_same_thread=False, timeout=0)
    try:
        yield connection
    finally:
        connection.close()
