"""Creates records from several threads until it is killed, and says each task once it is written.

Arguments: the ledger's URL, the number of threads.
"""

from __future__ import annotations

import itertools
import os
import sys
import threading

from taskhandler.ledger.opening import open_storage
from taskhandler.ledger.storage import Key, Storage, Written
from taskhandler.lifecycle.record import Record, State

RECORD = Record(state=State.RUNNING, attempt=1, fence=1, lease_id="x", lease=30.0, digest="d", retention=60.0)


def write_on(storage: Storage, thread: int) -> None:
    for turn in itertools.count():
        task = f"{thread}-{turn}"
        if isinstance(storage.create(Key("namespace", "queue", task), RECORD), Written):
            os.write(1, f"{task}\n".encode())


def main(url: str, threads: int) -> None:
    storage = open_storage(url)
    for thread in range(threads):
        threading.Thread(target=write_on, args=(storage, thread)).start()


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
