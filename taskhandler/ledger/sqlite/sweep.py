"""Deletes expired records, a few at a time, within commits that are made anyway.

What has expired is what the state machine treats as no record (T16), by the record's own age. But a
deletion cannot be taken back, and after a reboot that age comes from the wall clock, which may be wrong. So
the sweep asks another clock too, that no wall clock has a part in: for how long the machine has been up
since the ledger was made. `boots` has a row for each start of the machine: `before_ns` is the time that it
was up in earlier boots, `last_ns` the latest reading of this boot's clock that was noted. `expires_ns` of a
record is a time on that clock::

    boot 1               boot 2                  boot 3
    |------------|  off  |----------------| off  |-------->
    0       last_ns      0          last_ns      0       now
                         before_ns               before_ns      up for: before_ns + now

It goes no faster than time does: what the machine was off, and what was up after the last note, does not
count. So a record is kept for its retention at least, and a wall clock that jumps makes the sweep delete
nothing early. (Where a machine does not say which boot it is, all boots share a row, and records are kept
for longer.)

A commit deletes at most `ROWS_PER_WRITE` records for each of its writes, and stops after `MOST_BODY_BYTES`
of dead letters. A task has two writes, so that is more than what comes in. Rows that must stay (they cannot
be read, or by their own age have not expired) are passed by: each sweep goes on where the one before
stopped, and begins anew at the end.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable

from taskhandler.ledger.bootclock import ServerClock
from taskhandler.ledger.sqlite.rows import KEY_COLUMNS, RECORD_COLUMNS, Row, UnreadableRowError, decode_row

ROWS_PER_WRITE = 2
"""Records that are looked at, at most, for each write of a commit."""

MOST_BODY_BYTES = 2**20
"""Bytes of dead letters after which a commit deletes no more: one of the largest size."""

GRACE_NS = 5 * 10**9
"""Nanoseconds that a record stays after its retention: a delivery may just have read it, to claim it again.

No call takes longer.
"""

REST_NS = 10**9
"""Nanoseconds without a sweep, after one that has come to the end of what has expired, or has failed."""

NOTE_NS = 60 * 10**9
"""Nanoseconds of uptime after which it is noted again."""

IS_NOTED = "SELECT ? - last_ns < ? FROM boots WHERE boot_id = ?"
NOTE_BOOT = """
INSERT INTO boots (boot_id, before_ns, last_ns)
SELECT ?, coalesce(max(before_ns + last_ns), 0), ? FROM boots WHERE true ON CONFLICT DO NOTHING
"""
NOTE_UPTIME = "UPDATE boots SET last_ns = ? WHERE boot_id = ?"

EXPIRED = f"""
SELECT {RECORD_COLUMNS}, (
  SELECT length(body) FROM dead_letters WHERE dead_letters.namespace = records.namespace
  AND dead_letters.queue = records.queue AND dead_letters.task = records.task
  AND dead_letters.conflict = records.conflict
), expires_ns, {KEY_COLUMNS}
FROM records WHERE expires_ns IS NOT NULL
AND expires_ns <= ? + (SELECT before_ns FROM boots WHERE boot_id = ?)
AND (expires_ns, {KEY_COLUMNS}) > (?, ?, ?, ?, ?)
ORDER BY expires_ns, {KEY_COLUMNS} LIMIT ?
"""  # noqa: S608 - names of this package
DELETE = "DELETE FROM records WHERE namespace = ? AND queue = ? AND task = ? AND conflict = ?"
DELETE_DEAD_LETTER = (
    "DELETE FROM dead_letters WHERE namespace = ? AND queue = ? AND task = ? AND conflict = ?"
)

_START: Row = (-(2**63), "", "", "", "")


class Sweep:
    """The sweep of one process over one file.

    Args:
        clock: of the machine.
        explain: logs what is wrong.
    """

    def __init__(self, clock: ServerClock, *, explain: Callable[[Exception], object]) -> None:
        self._clock = clock
        self._explain = explain
        self._after = _START
        self._rests_until = 0
        self._noted: tuple[sqlite3.Connection, int] | None = None  # a connection is to one file only

    def note_uptime(self, connection: sqlite3.Connection) -> None:
        """See that the file knows this boot, within a transaction and before records are written.

        Raises:
            sqlite3.Error: it cannot be written.
        """
        boot_id, now = self._clock.boot_id, self._clock.now()
        if self._noted is not None and self._noted[0] is connection and now < self._noted[1]:
            return
        found = connection.execute(IS_NOTED, (now, NOTE_NS, boot_id)).fetchone()
        if found is None:
            connection.execute(NOTE_BOOT, (boot_id, now))
        elif not found[0]:
            connection.execute(NOTE_UPTIME, (now, boot_id))
        self._noted = (connection, now + NOTE_NS)

    def delete_expired(self, connection: sqlite3.Connection, *, writes: int) -> None:
        """Delete a few expired records and their dead letters, within the transaction of so many writes.

        What makes that fail does not make the writes fail.

        Raises:
            sqlite3.Error: the transaction has been rolled back.
        """
        now, most = self._clock.now(), ROWS_PER_WRITE * writes
        if now < self._rests_until:
            return
        self._rests_until = now + REST_NS
        try:
            rows = connection.execute(
                EXPIRED, (now - GRACE_NS, self._clock.boot_id, *self._after, most)
            ).fetchall()
            self._after = rows[-1][-5:] if len(rows) == most else _START
            if rows:
                self._delete(connection, rows, now)
            if self._after != _START:
                self._rests_until = now  # there may be more
        except sqlite3.Error as error:
            if not connection.in_transaction:
                raise
            self._explain(error)

    def _delete(self, connection: sqlite3.Connection, rows: list[Row], now: int) -> None:
        connection.execute("SAVEPOINT sweep")
        try:
            self._delete_those(connection, rows, now)
        except BaseException:
            connection.execute("ROLLBACK TO sweep")
            raise
        finally:
            connection.execute("RELEASE sweep")

    def _delete_those(self, connection: sqlite3.Connection, rows: list[Row], now: int) -> None:
        deleted_bytes = 0
        for row in rows:
            if not self._has_expired(row, now):
                continue
            *_, body_bytes, _, namespace, queue, task, conflict = row
            key = (namespace, queue, task, conflict)
            connection.execute(DELETE, key)
            if isinstance(body_bytes, int):
                connection.execute(DELETE_DEAD_LETTER, key)
                deleted_bytes += body_bytes
            if deleted_bytes >= MOST_BODY_BYTES:
                self._after = row[-5:]
                return

    def _has_expired(self, row: Row, now: int) -> bool:
        try:
            return decode_row(row, clock=self._clock, now=now).has_expired
        except UnreadableRowError:
            return False
