"""Ledgers that nobody uses do not keep their files open, however many there are."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from taskhandler.ledger.opening import open_storage
from taskhandler.ledger.sqlite.idle import MOST_IDLE_LEDGERS, IdleLedgers
from taskhandler.ledger.storage import Key, Written
from taskhandler.lifecycle.record import Snapshot
from tests.ledger.programs.start import output_of
from tests.ledger.samples import FIRST
from tests.open_files import count_open_files

KEY = Key("project/location", "queue", "task-1")
FILES_OF_A_CONNECTION = 3
"""The file, its -wal and its -shm; the last is shared by the connections of a process."""


class Ledger:
    """Counts how often what is idle of it was closed."""

    def __init__(self) -> None:
        self.closed = 0

    def close_idle(self) -> None:
        self.closed += 1


def test_idle_connections_of_the_least_recently_used_ledger_are_closed():
    idle, ledgers = IdleLedgers(most=2), [Ledger() for _ in range(3)]
    for number in (0, 1, 0, 0, 2):
        idle.mark_used(ledgers[number])
    assert [ledger.closed for ledger in ledgers] == [0, 1, 0]
    idle.mark_used(ledgers[1])
    assert [ledger.closed for ledger in ledgers] == [1, 1, 0]


def test_a_collected_ledger_is_not_kept_alive_and_is_soon_forgotten():
    idle, kept = IdleLedgers(most=2), Ledger()
    idle.mark_used(kept)
    for _ in range(5):
        idle.mark_used(Ledger())
        idle.mark_used(kept)
    assert kept.closed == 0


def test_a_hundred_ledgers_work_with_few_open_files(tmp_path: Path):
    storages = [open_storage(f"sqlite://{tmp_path}/{number}.db") for number in range(100)]
    for _ in range(2):
        for number, storage in enumerate(storages):
            key = Key("n", "q", str(number))
            assert isinstance(storage.create(key, FIRST), Written) or isinstance(storage.read(key), Snapshot)
        assert 0 < count_open_files(tmp_path) <= MOST_IDLE_LEDGERS * 2 * FILES_OF_A_CONNECTION
    for storage in storages:
        storage.close()
    assert count_open_files(tmp_path) == 0


def test_many_threads_can_use_more_ledgers_than_keep_connections(tmp_path: Path):
    storages = [open_storage(f"sqlite://{tmp_path}/{number}.db") for number in range(2 * MOST_IDLE_LEDGERS)]
    barrier = threading.Barrier(8)

    def use(thread: int) -> list[bool]:
        barrier.wait()
        keys = [Key("n", str(thread), str(turn)) for turn in range(2)]
        written = [isinstance(storage.create(key, FIRST), Written) for key in keys for storage in storages]
        return written + [isinstance(storage.read(key), Snapshot) for key in keys for storage in storages]

    with ThreadPoolExecutor(8) as threads:
        assert all(all(done) for done in threads.map(use, range(8)))
    for storage in storages:
        storage.close()


def test_a_child_forked_while_other_threads_write_is_not_held_up(tmp_path: Path):
    assert output_of("forking", f"sqlite://{tmp_path}/ledger.db", 4, 5) == "5 children, 4 threads"
