"""Uses a ledger whose file and folder it may only read, then is let in again. Prints what it answered.

Argument: a folder of nobody else's. Run by root, it is nobody for the while.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

from taskhandler.ledger.opening import open_storage
from taskhandler.ledger.storage import Key, Storage
from taskhandler.lifecycle.record import Record, State

NOBODY = 65534
RECORD = Record(state=State.RUNNING, attempt=1, fence=1, lease_id="x", lease=30.0, digest="d", retention=60.0)


def tell(storage: Storage, task: str) -> None:
    key = Key("namespace", "queue", task)
    answer = storage.create(key, RECORD)
    sys.stdout.write(f"{type(answer).__name__} {type(storage.read(key)).__name__}\n")


def main(folder: Path) -> None:
    file = folder / "ledger.db"
    storage = open_storage(f"sqlite://{file}")
    tell(storage, "before")
    storage.close()
    file.chmod(0o444)
    folder.chmod(0o555)
    root = os.geteuid() == 0
    if root:
        os.seteuid(NOBODY)
    tell(storage, "forbidden")
    if root:
        os.seteuid(0)
    folder.chmod(0o755)
    file.chmod(0o644)
    tell(storage, "after")
    storage.close()


if __name__ == "__main__":
    main(Path(sys.argv[1]))
