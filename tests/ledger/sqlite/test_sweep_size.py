"""Tasks come and go, and the file stays as small as what is kept at once."""

from __future__ import annotations

from pathlib import Path

from msgspec.structs import replace

from taskhandler.ledger.sqlite.storage import SQLiteStorage
from taskhandler.ledger.sqlite.sweep import GRACE_NS, REST_NS, ROWS_PER_WRITE
from taskhandler.ledger.storage import Key, TaskBody, Written
from taskhandler.lifecycle.record import State
from tests.ledger.sqlite.local_storage import SECOND, Clocks, open_local
from tests.ledger.sqlite.sweeping import A_MINUTE, SHORT, tasks

TASKS, TENTHS = 20_000, 10


def run_task(storage: SQLiteStorage, number: int) -> None:
    """From its claim to its end; every tenth one dies."""
    key = Key("project/location", "queue", f"{number * 2654435761 % 2**32:08x}")
    claimed = storage.create(key, replace(SHORT, state=State.RUNNING))
    assert isinstance(claimed, Written)
    body = TaskBody(b"body %d" % number * 50) if number % 10 == 0 else None
    record = replace(SHORT, state=State.DEAD if body else State.COMPLETED)
    assert isinstance(storage.replace(key, record, claimed.version, dead_letter=body), Written)


def test_the_file_does_not_grow_with_the_number_of_tasks(path: Path, clocks: Clocks):
    storage = open_local(path, clocks.clock(), synchronous="NORMAL")
    sizes = []
    for number in range(TASKS):
        run_task(storage, number)
        clocks.boot += SECOND // 2
        if number % (TASKS // TENTHS) == 0:
            sizes.append(path.stat().st_size)
    storage.close()
    assert max(sizes[2:]) <= 1.25 * sizes[1]
    assert len(tasks(path)) <= 2 * (A_MINUTE + (GRACE_NS + REST_NS) // SECOND) + ROWS_PER_WRITE
