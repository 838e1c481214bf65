"""Opens a ledger as several others do, creates what they create, and adds to what they add to.

Arguments: opener, URL, how many records. Prints how many of them it created itself.
"""

from __future__ import annotations

import sys
from collections.abc import Callable

from msgspec.structs import replace

from taskhandler.ledger.storage import Answer, Key, Stale, Storage, Unavailable, Unknown, Written
from taskhandler.lifecycle.record import Record, Snapshot, State
from taskhandler.testing.programs.start import resolve

TRIES = 50
SHARED = Key("namespace", "queue", "shared")
RECORD = Record(state=State.RUNNING, attempt=1, fence=1, lease_id="x", lease=30.0, digest="d", retention=60.0)


def insist(act: Callable[[], Answer]) -> bool:
    """Whether it was written; what the storage could not do is tried again."""
    answers = (act() for _ in range(TRIES))
    answer = next((answer for answer in answers if not isinstance(answer, Unavailable)), Unknown("too busy"))
    if not isinstance(answer, Written | Stale):
        raise TypeError(str(answer))
    return isinstance(answer, Written)


def _create(storage: Storage, task: str) -> bool:
    return insist(lambda: storage.create(Key("namespace", "queue", task), RECORD))


def _add_one(storage: Storage) -> bool:
    seen = storage.read(SHARED)
    if not isinstance(seen, Snapshot):
        return False
    more = replace(seen.record, heartbeats=seen.record.heartbeats + 1)
    return insist(lambda: storage.replace(SHARED, more, seen.version))


def main(opener: str, url: str, count: int) -> None:
    """Race."""
    storage = resolve(opener)(url)
    insist(lambda: storage.create(SHARED, RECORD))
    mine = 0
    for number in range(count):
        mine += _create(storage, str(number))
        while not _add_one(storage):
            pass
    sys.stdout.write(f"{mine}\n")
    storage.close()


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], int(sys.argv[3]))
