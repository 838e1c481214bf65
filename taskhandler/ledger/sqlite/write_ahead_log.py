"""Keeps the write-ahead log short, which stands beside the ledger's file (`-wal`) and is read with it.

SQLite copies the log into the file after a commit that leaves 1,000 pages or more in it, and then begins
the log anew, unless a connection reads from it at that moment. If reads overlap without a break, that moment
never comes, and the log grows for as long as they do. So a log that has become long is cut: for a few
milliseconds no new write begins, and the reads under way end. A reader that stays in one transaction (a
backup, a shell) is not waited for: the log is cut when it has gone.
"""

from __future__ import annotations

import os
import sqlite3

KEPT_BYTES = 4 * 2**20
"""What SQLite leaves of a longer log when it begins it anew: about as much as 1,000 pages take."""

LONG_BYTES = 4 * KEPT_BYTES
"""A log of this size is cut."""

RETRY_GROWTH_BYTES = KEPT_BYTES
"""By how much it must have grown since an attempt to cut it that failed."""

COMMITS_BETWEEN_LOOKS = 16
"""From one look at the size to the next, since a system call costs as much as a statement."""

READERS_MS = 5
"""Milliseconds for which reads are waited for."""


class WriteAheadLog:
    """The log of one file, as one process sees it.

    Args:
        path: of the ledger's file.
    """

    def __init__(self, path: str) -> None:
        self._path = f"{path}-wal"
        self._long = LONG_BYTES
        self._commits = 0

    def cut(self, connection: sqlite3.Connection) -> None:
        """After a commit: cut the log if it is long. What hinders that is met by the next write."""
        self._commits += 1
        if self._commits % COMMITS_BETWEEN_LOOKS:
            return
        try:
            size = os.stat(self._path).st_size  # noqa: PTH116 - less than half the time of Path.stat
            if size < self._long:
                return
            self._long = LONG_BYTES if _truncate(connection) else size + RETRY_GROWTH_BYTES
        except (OSError, sqlite3.Error):
            return


def _truncate(connection: sqlite3.Connection) -> bool:
    connection.execute(f"PRAGMA busy_timeout = {READERS_MS}")
    try:
        ((busy, *_),) = connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
    finally:
        connection.execute("PRAGMA busy_timeout = 0")
    return not busy
