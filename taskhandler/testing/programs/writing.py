"""Creates records from several threads until it is killed, and prints each task once it is written.

Arguments: opener, URL, the number of threads.
"""

from __future__ import annotations

import itertools
import os
import sys
import threading

from taskhandler.ledger.storage import Key, Storage, Written
from taskhandler.lifecycle.record import Record, State
from taskhandler.testing.programs.start import resolve

RECORD = Record(state=State.RUNNING, attempt=1, fence=1, lease_id="x", lease=30.0, digest="d", retention=60.0)


def _write_on(storage: Storage, thread: int) -> None:
    for turn in itertools.count():
        task = f"{thread}-{turn}"
        if isinstance(storage.create(Key("namespace", "queue", task), RECORD), Written):
            os.write(1, f"{task}\n".encode())


def main(opener: str, url: str, threads: int) -> None:
    """Write without end."""
    storage = resolve(opener)(url)
    for thread in range(threads):
        threading.Thread(target=_write_on, args=(storage, thread)).start()


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], int(sys.argv[3]))
