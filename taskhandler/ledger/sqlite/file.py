"""The ledger's file: made and checked at start-up, opened later, and what can be wrong with it."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from pathlib import Path
from urllib.parse import quote

from msgspec import Struct

from taskhandler.errors import LedgerError
from taskhandler.ledger.sqlite.layout import is_made, make_tables, refuse_others
from taskhandler.ledger.sqlite.permissions import PRIVATE, make_file
from taskhandler.ledger.sqlite.write_ahead_log import KEPT_BYTES

BUSY_SECONDS = 2.0
"""How long a lock of another process is waited for."""

PAUSES_SECONDS = tuple(min(0.0002 * 1.25**step, 0.01) for step in range(215))
"""Between tries to become the writer: `BUSY_SECONDS` in all.

SQLite's own busy handler sleeps for milliseconds where another process's commit takes a few hundred
microseconds.
"""

_REMEDIES = (
    ("disk is full", "free some space on its disk"),
    ("readonly", "let this user write the file, its folder, and the -wal and -shm beside it"),
    ("unable to open", "put the file back, or let this user read and write it and its folder"),
    ("locked", "another process holds its lock: find one that is stopped or stuck"),
    ("disk I/O error", "check its disk and the free space there"),
    ("not a database", "stop the workers and restore it from a backup"),
    ("no such table", "stop the workers and restore it from a backup"),
    ("no such column", "stop the workers and restore it from a backup"),
    ("malformed", "stop the workers and restore it from a backup"),
    ("ermission", "let this user write the file and its folder"),
    ("ead-only file system", "put the ledger on a disk that can be written to"),
    ("No space left", "free some space on its disk"),
    ("not a regular file", "put the file back"),
    ("is gone", "put it back; or restart the workers to begin an empty one, which remembers no task"),
)


class Database(Struct, frozen=True):
    """Which file, and how durable its commits are.

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
    connection = sqlite3.connect(_make_uri(path, "rw"), uri=True, timeout=BUSY_SECONDS, isolation_level=None)
    try:
        refuse_others(connection)
        connection.execute("PRAGMA busy_timeout = 0")
        _write_ahead(connection, wait)
        _make_tables(connection, wait)
    finally:
        connection.close()


def connect(database: Database, *, busy: float) -> sqlite3.Connection:
    """Open a prepared file. It is not made again if it is gone.

    Args:
        database: which file.
        busy: seconds for which SQLite itself waits for a lock, once the file is open.

    Raises:
        sqlite3.Error: it cannot be opened.
        LedgerError: it is not a ledger (any more), or one of another layout.
    """
    connection = sqlite3.connect(
        _make_uri(database.path, "rw"),
        uri=True,
        timeout=BUSY_SECONDS,
        isolation_level=None,
        check_same_thread=False,
    )
    try:
        refuse_others(connection)
        connection.execute(f"PRAGMA synchronous = {database.synchronous}")
        connection.execute(f"PRAGMA journal_size_limit = {KEPT_BYTES}")
        connection.execute(f"PRAGMA busy_timeout = {round(busy * 1000)}")
    except BaseException:
        connection.close()
        raise
    return connection


def begin(connection: sqlite3.Connection, wait: Callable[[float], None]) -> None:
    """Become the one writer of the file, after at most about `BUSY_SECONDS`.

    Raises:
        sqlite3.OperationalError: another process stayed the writer, or the file is at fault.
    """
    _execute_with_retries(connection, "BEGIN IMMEDIATE", wait)


def suggest_remedy(fault: Exception) -> str:
    """What an operator can do about it."""
    said = str(fault)
    return next((remedy for sign, remedy in _REMEDIES if sign in said), "check the file and its folder")


def _make_uri(path: str, mode: str) -> str:
    return f"file:{quote(path)}?mode={mode}"


def _refuse_leftovers(path: str) -> None:
    for leftover in (f"{path}-wal", f"{path}-shm"):
        if Path(leftover).exists() and not Path(path).exists():
            raise LedgerError(
                f"{leftover} exists without the file that it belongs to; stop the workers, then restore the "
                "file or remove what is left of it"
            )


def _write_ahead(connection: sqlite3.Connection, wait: Callable[[float], None]) -> None:
    # SQLite answers "locked" without any waiting if two processes do this at once.
    ((mode,),) = _execute_with_retries(connection, "PRAGMA journal_mode = WAL", wait)
    if mode != "wal":
        raise LedgerError("its file system has no write-ahead log (a network share?); use a local disk")


def _make_tables(connection: sqlite3.Connection, wait: Callable[[float], None]) -> None:
    try:
        begin(connection, wait)
    except sqlite3.OperationalError as error:
        if "locked" in str(error) and is_made(connection):
            return  # another process is writing to it, so it can be written to
        raise
    if not is_made(connection):
        make_tables(connection)
    connection.execute("COMMIT")


def _execute_with_retries(
    connection: sqlite3.Connection, statement: str, wait: Callable[[float], None]
) -> list[tuple[str]]:
    for pause in PAUSES_SECONDS:
        rows = _execute_unless_locked(connection, statement)
        if rows is not None:
            return rows
        wait(pause)
    return connection.execute(statement).fetchall()


def _execute_unless_locked(connection: sqlite3.Connection, statement: str) -> list[tuple[str]] | None:
    try:
        return connection.execute(statement).fetchall()
    except sqlite3.OperationalError as error:
        if "locked" in str(error):
            return None
        raise
