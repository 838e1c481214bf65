"""The ledger's file: made and checked at start-up, opened later, and what may be wrong with it."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from pathlib import Path
from urllib.parse import quote

from msgspec import Struct

from taskhandler.errors import LedgerError
from taskhandler.ledger.sqlite.permissions import PRIVATE, make_file

APPLICATION = 0x7461736B
"""What marks a file as a ledger (`PRAGMA application_id`): "task" in ASCII."""

LAYOUT = 1
"""The layout of the tables (`PRAGMA user_version`)."""

BUSY = 2.0
"""Seconds to wait for a lock of another process."""

PAUSES = tuple(min(0.0002 * 1.25**step, 0.01) for step in range(215))
"""Seconds between tries to become the writer: `BUSY` in all.

SQLite's own busy handler sleeps for milliseconds where another process's commit takes a few hundred
microseconds.
"""

_TABLES = """
CREATE TABLE IF NOT EXISTS records (
  namespace TEXT NOT NULL, queue TEXT NOT NULL, task TEXT NOT NULL, conflict TEXT NOT NULL,
  handler TEXT NOT NULL, state TEXT NOT NULL, updated TEXT NOT NULL,
  boot_id TEXT NOT NULL, at INTEGER NOT NULL, version INTEGER NOT NULL,
  schema INTEGER NOT NULL, record TEXT NOT NULL,
  PRIMARY KEY (namespace, queue, task, conflict)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS dead_letters (
  namespace TEXT NOT NULL, queue TEXT NOT NULL, task TEXT NOT NULL, conflict TEXT NOT NULL,
  content_type TEXT NOT NULL, body BLOB NOT NULL,
  PRIMARY KEY (namespace, queue, task, conflict)
)
"""

_REMEDIES = (
    ("disk is full", "free some space on its disk"),
    ("readonly", "let this user write the file, its folder, and the -wal and -shm beside it"),
    ("unable to open", "put the file back, or let this user read and write it and its folder"),
    ("locked", "another process holds its lock: look for one that is stopped or stuck"),
    ("disk I/O error", "look at its disk and the space left there"),
    ("not a database", "stop the workers and restore it from a backup"),
    ("malformed", "stop the workers and restore it from a backup"),
    ("ermission", "let this user write the file and its folder"),
    ("ead-only file system", "put the ledger on a disk that can be written to"),
    ("No space left", "free some space on its disk"),
    ("not a regular file", "put the file back"),
    ("is gone", "put it back; or restart the workers to begin an empty one, which remembers no task"),
)


class Bound(Struct, frozen=True):
    """How to open a file.

    Attributes:
        path: absolute.
        synchronous: `"FULL"`, or `"NORMAL"`: then the last commits may be lost with the machine's power.
    """

    path: str
    synchronous: str = "FULL"


def prepare(path: str, *, wait: Callable[[float], None], mode: int = PRIVATE) -> None:
    """Make the file and its folder if they are not there, and see that it can be written.

    Args:
        path: absolute.
        wait: sleeps for so many seconds.
        mode: of the file, if it is made.

    Raises:
        LedgerError: it cannot, or the file is something else; the message says what and why.
        OSError: the file or the folder cannot be made.
        sqlite3.Error: the file cannot be read or written.
    """
    _refuse_leftovers(path)
    make_file(path, mode=mode)
    connection = sqlite3.connect(_uri(path, "rw"), uri=True, timeout=BUSY, isolation_level=None)
    try:
        _refuse_strangers(connection)
        connection.execute("PRAGMA busy_timeout = 0")
        _write_ahead(connection, wait)
        _make_tables(connection, wait)
    finally:
        connection.close()


def connect(bound: Bound, *, busy: float) -> sqlite3.Connection:
    """Open a prepared file, which is not made again if it is gone.

    Args:
        bound: which file.
        busy: seconds for which SQLite itself waits for a lock, once the file is open.

    Raises:
        sqlite3.Error: it cannot be opened.
        LedgerError: it is not a ledger (any more), or a newer one.
    """
    connection = sqlite3.connect(
        _uri(bound.path, "rw"), uri=True, timeout=BUSY, isolation_level=None, check_same_thread=False
    )
    try:
        _refuse_strangers(connection)
        connection.execute(f"PRAGMA synchronous = {bound.synchronous}")
        connection.execute(f"PRAGMA busy_timeout = {round(busy * 1000)}")
    except BaseException:
        connection.close()
        raise
    return connection


def begin(connection: sqlite3.Connection, wait: Callable[[float], None]) -> None:
    """Become the one writer of the file, after at most about `BUSY` seconds.

    Raises:
        sqlite3.OperationalError: another process stayed the writer, or the file is at fault.
    """
    _insist(connection, "BEGIN IMMEDIATE", wait)


def remedy(fault: Exception) -> str:
    """What an operator can do about it."""
    said = str(fault)
    return next((remedy for sign, remedy in _REMEDIES if sign in said), "look at the file and its folder")


def _uri(path: str, mode: str) -> str:
    return f"file:{quote(path)}?mode={mode}"


def _refuse_leftovers(path: str) -> None:
    for leftover in (f"{path}-wal", f"{path}-shm"):
        if Path(leftover).exists() and not Path(path).exists():
            raise LedgerError(
                f"{leftover} is there without the file it belongs to; stop the workers, then put the file "
                "back or remove what is left of it"
            )


def _refuse_strangers(connection: sqlite3.Connection) -> None:
    application, layout, tables = connection.execute(
        "SELECT (SELECT application_id FROM pragma_application_id), "
        "(SELECT user_version FROM pragma_user_version), (SELECT count(*) FROM sqlite_master)"
    ).fetchall()[0]
    if tables and application != APPLICATION:
        raise LedgerError("it is another program's database; give the ledger a file of its own")
    if layout > LAYOUT:
        raise LedgerError(f"it was laid out by a newer taskhandler (layout {layout}); update this one")


def _write_ahead(connection: sqlite3.Connection, wait: Callable[[float], None]) -> None:
    # Two processes doing this at once are told "locked" by SQLite without any waiting.
    ((mode,),) = _insist(connection, "PRAGMA journal_mode = WAL", wait)
    if mode != "wal":
        raise LedgerError("its file system has no write-ahead log (a network share?); use a local disk")


def _make_tables(connection: sqlite3.Connection, wait: Callable[[float], None]) -> None:
    try:
        begin(connection, wait)
    except sqlite3.OperationalError as error:
        if "locked" in str(error) and _layout(connection) == LAYOUT:
            return  # somebody is writing to it, so it can be written to
        raise
    if _layout(connection) != LAYOUT:
        for statement in _TABLES.split(";"):
            connection.execute(statement)
        connection.execute(f"PRAGMA application_id = {APPLICATION}")
        connection.execute(f"PRAGMA user_version = {LAYOUT}")
    connection.execute("COMMIT")


def _layout(connection: sqlite3.Connection) -> int:
    return int(connection.execute("PRAGMA user_version").fetchall()[0][0])


def _insist(
    connection: sqlite3.Connection, statement: str, wait: Callable[[float], None]
) -> list[tuple[str]]:
    for pause in PAUSES:
        rows = _unless_locked(connection, statement)
        if rows is not None:
            return rows
        wait(pause)
    return connection.execute(statement).fetchall()


def _unless_locked(connection: sqlite3.Connection, statement: str) -> list[tuple[str]] | None:
    try:
        return connection.execute(statement).fetchall()
    except sqlite3.OperationalError as error:
        if "locked" in str(error):
            return None
        raise
