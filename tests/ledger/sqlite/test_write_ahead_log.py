"""The write-ahead log stays short, whatever readers do to keep it."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from msgspec.structs import replace

from taskhandler.ledger.sqlite.storage import SQLiteStorage
from taskhandler.ledger.sqlite.write_ahead_log import KEPT_BYTES, LONG_BYTES, RETRY_GROWTH_BYTES
from taskhandler.ledger.storage import Key, Written
from tests.ledger.samples import FIRST
from tests.ledger.sqlite.local_storage import Clocks, open_local, raw_connection

MEBIBYTE = 2**20
LARGE = replace(FIRST, result="x" * (MEBIBYTE // 4))


@pytest.fixture
def storage(path: Path) -> Iterator[SQLiteStorage]:
    storage = open_local(path, Clocks().clock(), synchronous="NORMAL")
    yield storage
    storage.close()


def write(storage: SQLiteStorage, number: int) -> int:
    """A quarter of a mebibyte; the size of the log after it."""
    assert isinstance(storage.create(Key("", "queue", str(number)), LARGE), Written)
    return Path(f"{storage.database.path}-wal").stat().st_size


def test_without_readers_the_log_is_as_long_as_between_two_checkpoints(storage: SQLiteStorage):
    assert max(write(storage, number) for number in range(100)) < KEPT_BYTES + MEBIBYTE


def test_a_log_that_a_reader_made_long_is_cut_when_the_reader_has_gone(storage: SQLiteStorage, path: Path):
    with raw_connection(path) as reader:
        reader.execute("BEGIN")
        reader.execute("SELECT count(*) FROM records").fetchall()
        sizes = [write(storage, number) for number in range(100)]
        assert max(sizes) > LONG_BYTES
        reader.execute("COMMIT")
    later = [write(storage, number) for number in range(100, 100 + 4 * (RETRY_GROWTH_BYTES // MEBIBYTE) + 4)]
    assert later[-1] <= KEPT_BYTES + MEBIBYTE


def test_readers_that_overlap_without_a_break_do_not_make_the_log_grow(storage: SQLiteStorage, path: Path):
    stop = threading.Event()
    with ThreadPoolExecutor(4) as threads:
        for _ in range(4):
            threads.submit(read_on, path, stop)
        try:
            sizes = [write(storage, number) for number in range(400)]
        finally:
            stop.set()
    assert max(sizes) < 3 * LONG_BYTES  # without a cut, it has all 400 writes in the end: 6 times as much


def read_on(path: Path, stop: threading.Event) -> None:
    with raw_connection(path) as reader:
        while not stop.is_set():
            reader.execute("BEGIN")
            reader.execute("SELECT count(*) FROM records").fetchall()
            stop.wait(0.002)
            reader.execute("COMMIT")
