"""Opens a ledger as several others do, creates what they create, and adds to what they add to.

Arguments: the ledger's URL, how many records. Says how many of them it created itself.
"""

from __future__ import annotations

import sys
from collections.abc import Callable

from msgspec.structs import replace

from taskhandler.ledger.opening import open_storage
from taskhandler.ledger.storage import Answer, Key, Stale, Storage, Unavailable, Written
from taskhandler.lifecycle.record import Record, Snapshot, State

TRIES = 50
SHARED = Key("namespace", "queue", "shared")
RECORD = Record(state=State.RUNNING, attempt=1, fence=1, lease_id="x", lease=30.0, digest="d", retention=60.0)


def insisted(act: Callable[[], Answer]) -> bool:
    """Whether it was written; what is definitely not written for other reasons than that is tried again."""
    answers = (act() for _ in range(TRIES))
    answer = next(answer for answer in answers if not isinstance(answer, Unavailable))
    if not isinstance(answer, Written | Stale):
        raise TypeError(str(answer))
    return isinstance(answer, Written)


def created(storage: Storage, task: str) -> bool:
    return insisted(lambda: storage.create(Key("namespace", "queue", task), RECORD))


def added_one(storage: Storage) -> bool:
    seen = storage.read(SHARED)
    if not isinstance(seen, Snapshot):
        return False
    more = replace(seen.record, heartbeats=seen.record.heartbeats + 1)
    return insisted(lambda: storage.replace(SHARED, more, seen.version))


def main(url: str, count: int) -> None:
    storage = open_storage(url)
    insisted(lambda: storage.create(SHARED, RECORD))
    mine = 0
    for number in range(count):
        mine += created(storage, str(number))
        while not added_one(storage):
            pass
    sys.stdout.write(f"{mine}\n")
    storage.close()


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
