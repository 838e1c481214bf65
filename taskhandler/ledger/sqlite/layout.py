"""The tables of the ledger's file, and how its layout may change in later versions.

`user_version` is the layout that a program must know in order to use the file. A later version that only
adds columns with a default, tables or indexes leaves the number as it is: every statement here names its
columns, so an older version goes on with the file and leaves what was added alone, and both can share it
during a release. A version whose change an older one would not survive raises the number, in the one
transaction of `prepare` that changes the tables. Older processes then refuse the file at their next
connection.
"""

from __future__ import annotations

import sqlite3

from taskhandler.errors import LedgerError

APPLICATION_ID = 0x7461736B
"""What marks a file as a ledger (`PRAGMA application_id`): "task" in ASCII."""

LAYOUT = 2
"""The layout that this version makes and knows. Layout 1 was never released."""

_TABLES = (
    """
    CREATE TABLE records (
      namespace TEXT NOT NULL, queue TEXT NOT NULL, task TEXT NOT NULL, conflict TEXT NOT NULL,
      handler TEXT NOT NULL, state TEXT NOT NULL, listed_as TEXT,
      created_at TEXT NOT NULL, updated_at TEXT NOT NULL,
      boot_id TEXT NOT NULL, boot_ns INTEGER NOT NULL, expires_ns INTEGER,
      version INTEGER NOT NULL, format INTEGER NOT NULL, min_reader INTEGER NOT NULL, record TEXT NOT NULL,
      PRIMARY KEY (namespace, queue, task, conflict)
    ) WITHOUT ROWID
    """,
    """
    CREATE TABLE dead_letters (
      namespace TEXT NOT NULL, queue TEXT NOT NULL, task TEXT NOT NULL, conflict TEXT NOT NULL,
      content_type TEXT NOT NULL, body BLOB NOT NULL,
      PRIMARY KEY (namespace, queue, task, conflict)
    )
    """,
    "CREATE TABLE boots (boot_id TEXT PRIMARY KEY, before_ns INTEGER NOT NULL, last_ns INTEGER NOT NULL)",
    """
    CREATE INDEX records_listed ON records (listed_as, handler, namespace, queue, task, conflict)
    WHERE listed_as IS NOT NULL
    """,
    """
    CREATE INDEX records_expiring ON records (expires_ns, namespace, queue, task, conflict)
    WHERE expires_ns IS NOT NULL
    """,
)


def refuse_others(connection: sqlite3.Connection) -> None:
    """See that the file is a ledger of this layout, or empty.

    Raises:
        LedgerError: it is something else; the message says what to do.
        sqlite3.Error: it cannot be read.
    """
    application, layout, tables = connection.execute(
        "SELECT (SELECT application_id FROM pragma_application_id), "
        "(SELECT user_version FROM pragma_user_version), (SELECT count(*) FROM sqlite_master)"
    ).fetchall()[0]
    if tables and application != APPLICATION_ID:
        raise LedgerError("it is another program's database; give the ledger a file of its own")
    if layout > LAYOUT:
        raise LedgerError(f"it was created by a newer taskhandler (layout {layout}); update this one")
    if tables and layout < LAYOUT:
        raise LedgerError(
            f"it was created by an unreleased taskhandler (layout {layout}); stop the workers "
            "and move the file away, with its -wal and -shm, to begin an empty one, which remembers no task"
        )


def is_made(connection: sqlite3.Connection) -> bool:
    """Whether the tables are there."""
    return bool(connection.execute("SELECT user_version FROM pragma_user_version").fetchall() == [(LAYOUT,)])


def make_tables(connection: sqlite3.Connection) -> None:
    """Make the tables of an empty file, within a transaction."""
    for statement in _TABLES:
        connection.execute(statement)
    connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")
    connection.execute(f"PRAGMA user_version = {LAYOUT}")
