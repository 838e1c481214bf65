"""Does the file of a SQLite ledger stay small? Many tasks with a short retention, one after the other.

    python -m benchmarks.sqlite_size [--tasks 100000] [--retention 300] [--rate 20] [--synchronous normal]

A task is created, completed, and sometimes rejected with a body, straight through the storage. Its clock is
handed in: it goes on by as much as so many tasks a second take, so the time that passes is not waited for.
Printed are the size of the file and its log after each tenth, and how long the writes took. Ends with
status 1 if the file has grown in the second half.
"""

from __future__ import annotations

import argparse
import itertools
import os
import sys
import tempfile
import time
from array import array
from pathlib import Path

from msgspec.structs import replace

from benchmarks.ledgers import RECORD, fresh_key
from taskhandler.ledger.bootclock import ServerClock
from taskhandler.ledger.sqlite.file import Database, prepare
from taskhandler.ledger.sqlite.storage import SQLiteStorage
from taskhandler.ledger.storage import TaskBody, Written
from taskhandler.lifecycle.record import State

TENTHS, MEBIBYTE, SECOND_NS = 10, 2**20, 10**9
GROWTH = 1.1
"""What a file may have grown by: pages are not always equally full."""

REJECTED_EVERY = 100
BODY_BYTES = 10_000


class Clock:
    """A machine's clock that goes on by hand."""

    def __init__(self) -> None:
        self.boot_ns = 1000 * SECOND_NS

    def server_clock(self) -> ServerClock:
        """The clock as a storage takes it."""
        return ServerClock(lambda: self.boot_ns, "boot", lambda: self.boot_ns / SECOND_NS)


def main() -> int:
    """Measure and print; 1 if the file grows."""
    asked = _parser().parse_args()
    clock, times = Clock(), array("d")
    with tempfile.TemporaryDirectory(dir=".") as folder:
        path = Path(folder).resolve() / "ledger.db"
        prepare(str(path), wait=lambda _: None)
        storage = SQLiteStorage(
            Database(str(path), asked.synchronous.upper()),
            clock=clock.server_clock(),
            chance=itertools.count(1).__next__,
            wait=lambda _: None,
        )
        sizes = []
        begun = time.perf_counter()
        for tenth in range(1, TENTHS + 1):
            for number in range(asked.tasks // TENTHS):
                _run(storage, number, asked.retention, times)
                clock.boot_ns += SECOND_NS // asked.rate
            sizes.append(path.stat().st_size)
            print(f"{tenth * 10:3} %   {_shown(path)}", flush=True)
        seconds = time.perf_counter() - begun
        storage.close()
    ordered = sorted(times)
    shown = [ordered[int(share * (len(ordered) - 1))] * 1e3 for share in (0.5, 0.999, 1.0)]
    print(f"{asked.tasks} tasks in {seconds:.0f} s; kept at once: {asked.retention * asked.rate}")
    print(f"a write: median {shown[0]:.3f} ms, 99.9 % {shown[1]:.2f} ms, longest {shown[2]:.1f} ms")
    return int(sizes[-1] > GROWTH * sizes[TENTHS // 2 - 1])


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.sqlite_size", description=__doc__)
    parser.add_argument("--tasks", type=int, default=100_000, help="(default: %(default)s)")
    parser.add_argument("--retention", type=int, default=300, help="seconds (default: %(default)s)")
    parser.add_argument("--rate", type=int, default=20, help="tasks a second (default: %(default)s)")
    parser.add_argument("--synchronous", choices=("normal", "full"), default="normal")
    return parser


def _run(storage: SQLiteStorage, number: int, retention: int, times: array[float]) -> None:
    """One task, from its claim to its end."""
    key, record = fresh_key(), replace(RECORD, retention=float(retention))
    begun = time.perf_counter()
    claimed = storage.create(key, record)
    between = time.perf_counter()
    assert isinstance(claimed, Written)
    is_rejected = number % REJECTED_EVERY == 0
    end = replace(record, state=State.REJECTED if is_rejected else State.COMPLETED)
    body = TaskBody(os.urandom(BODY_BYTES)) if is_rejected else None
    settling = time.perf_counter()
    assert isinstance(storage.replace(key, end, claimed.version, dead_letter=body), Written)
    times.append(between - begun)
    times.append(time.perf_counter() - settling)


def _shown(path: Path) -> str:
    sizes = [part.stat().st_size / MEBIBYTE for part in (path, Path(f"{path}-wal"))]
    return f"file {sizes[0]:6.1f} MiB   log {sizes[1]:6.1f} MiB"


if __name__ == "__main__":
    sys.exit(main())
