"""What does it buy that concurrent writers of a SQLite ledger share a commit? What do a page and memory cost?

    python -m benchmarks.ledgers

"alone" is the same statement on the same table with a commit for each, one writer at a time. Both are
measured in turns in one run, on the disk of the current folder; medians and the median of the ratios.
"""

from __future__ import annotations

import itertools
import tempfile
import threading
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median

from msgspec.structs import replace

from taskhandler.ledger.bootclock import Stamp
from taskhandler.ledger.opening import open_storage
from taskhandler.ledger.sqlite import rows
from taskhandler.ledger.sqlite.file import BUSY_SECONDS, Database, connect, prepare
from taskhandler.ledger.storage import Key, Listed, Page, Written
from taskhandler.lifecycle.record import Record, State

ROUNDS, COMMITS, OPERATIONS = 7, 960, 20_000
COMPLETED, DEAD, PAGE = 100_000, 500, 50
RECORD = Record(
    state=State.RUNNING,
    attempt=1,
    fence=1,
    lease_id="0123456789abcdef0123456789abcdef",
    lease=30.0,
    digest="0123456789abcdef" * 4,
    retention=3_024_000.0,
    handler="charge-order",
)
STAMP = Stamp("6f9619ff-8b86-d011-b42d-00cf4fc964ff", 1, 1_700_000_000.0)

_numbers = itertools.count()


def fresh_key() -> Key:
    """Make a key that is in no order with the one before, as the names of tasks are."""
    return Key("project/location", "queue", f"{next(_numbers) * 2654435761 % 2**32:08x}")


def per_second(write: Callable[[], None], threads: int) -> float:
    """Measure how many writes so many threads finish in a second."""

    def write_on() -> None:
        for _ in range(COMMITS // threads):
            write()

    writers = [threading.Thread(target=write_on) for _ in range(threads)]
    begun = time.perf_counter()
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()
    return COMMITS / (time.perf_counter() - begun)


def shared(folder: str, synchronous: str, threads: int) -> float:
    """Measure the ledger."""
    storage = open_storage(f"sqlite://{folder}/shared.db?synchronous={synchronous}")

    def write() -> None:
        assert isinstance(storage.create(fresh_key(), RECORD), Written)

    write()
    rate = per_second(write, threads)
    storage.close()
    return rate


def alone(folder: str, synchronous: str, threads: int) -> float:
    """Measure a commit for each."""
    path = f"{folder}/alone.db"
    prepare(path, wait=lambda _: None)
    connection = connect(Database(path, synchronous.upper()), busy=BUSY_SECONDS)
    turn = threading.Lock()

    def write() -> None:
        row = rows.encode_row(fresh_key(), RECORD, STAMP, version=1)
        with turn:
            assert connection.execute(rows.CREATE, row).rowcount == 1

    write()
    rate = per_second(write, threads)
    connection.close()
    return rate


def compare(synchronous: str, threads: int) -> None:
    """Measure both in turns and print."""
    ours, theirs = [], []
    for number in range(ROUNDS):
        with tempfile.TemporaryDirectory(dir=".") as folder:
            path = str(Path(folder).resolve())
            if number % 2:
                theirs.append(alone(path, synchronous, threads))
                ours.append(shared(path, synchronous, threads))
            else:
                ours.append(shared(path, synchronous, threads))
                theirs.append(alone(path, synchronous, threads))
    ratio = median(our / their for our, their in zip(ours, theirs, strict=True))
    print(
        f"{synchronous:7} {threads:3} threads   shared {median(ours):7.0f}/s   alone {median(theirs):7.0f}/s"
        f"   {ratio:5.2f} times"
    )


def pages() -> None:
    """Measure a page of 50 dead letters among completed records, and print the median."""
    with tempfile.TemporaryDirectory(dir=".") as folder:
        storage = open_storage(f"sqlite://{Path(folder).resolve()}/pages.db?synchronous=normal")
        for number in range(COMPLETED):
            state = State.COMPLETED if number % (COMPLETED // DEAD) else State.DEAD
            assert isinstance(storage.create(fresh_key(), replace(RECORD, state=state)), Written)
        times, after = [], None
        for _ in range(DEAD // PAGE * 10):
            begun = time.perf_counter()
            page = storage.list([Listed.DEAD], handler=RECORD.handler, after=after, limit=PAGE)
            times.append(time.perf_counter() - begun)
            assert isinstance(page, Page)
            assert len(page.entries) == PAGE
            after = page.after
        storage.close()
    print(
        f"a page of {PAGE} of {DEAD} dead letters among {COMPLETED} completed records: "
        f"median {median(times) * 1e3:.2f} ms, longest {max(times) * 1e3:.2f} ms    (budget 10 ms)"
    )


def memory() -> None:
    """Measure the CPU of each operation of the ledger in memory, and print."""
    storage = open_storage("memory://")
    keys = [fresh_key() for _ in range(OPERATIONS)]
    begun = time.process_time()
    versions = [
        written.version for key in keys if isinstance(written := storage.create(key, RECORD), Written)
    ]
    created = time.process_time()
    for key, version in zip(keys, versions, strict=True):
        storage.replace(key, RECORD, version)
    replaced = time.process_time()
    for key in keys:
        storage.read(key)
    read = time.process_time()
    times = {"create": created - begun, "replace": replaced - created, "read": read - replaced}
    print(
        "memory   " + "   ".join(f"{name} {time / OPERATIONS * 1e6:.2f} us" for name, time in times.items())
    )


def main() -> None:
    """Measure and print."""
    for synchronous in ("full", "normal"):
        for threads in (1, 8, 16):
            compare(synchronous, threads)
    pages()
    memory()


if __name__ == "__main__":
    main()
