"""Records that expire soon, and what is left of them."""

from __future__ import annotations

from pathlib import Path

from msgspec.structs import replace

from taskhandler.ledger.sqlite.storage import SQLiteStorage
from taskhandler.ledger.storage import Key, TaskBody, Written
from taskhandler.lifecycle.record import Record, State
from tests.ledger.samples import FIRST
from tests.ledger.sqlite.local_storage import raw_connection

A_MINUTE, A_DAY, A_YEAR = 60, 86_400, 365 * 86_400
SHORT = replace(FIRST, state=State.COMPLETED, retention=float(A_MINUTE))


def put(storage: SQLiteStorage, task: str, record: Record = SHORT, *, body: bytes | None = None) -> None:
    dead_letter = None if body is None else TaskBody(body)
    assert isinstance(storage.create(Key("", "queue", task), record, dead_letter=dead_letter), Written)


def pass_by(storage: SQLiteStorage, commits: int, *, name: str = "passing") -> None:
    """So many commits, which leave records that do not expire."""
    for number in range(commits):
        put(storage, f"{name} {number}", FIRST)


def tasks(path: Path, table: str = "records") -> set[str]:
    with raw_connection(path) as connection:
        rows = connection.execute(f"SELECT task FROM {table}").fetchall()  # noqa: S608 - words of this file
    return {task for (task,) in rows if not task.startswith("passing")}
