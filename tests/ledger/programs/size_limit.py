"""Writes to a ledger until its files may not grow any more, then lets them grow again.

Argument: the ledger's URL. Prints the answers of each phase, one line for each.
"""

from __future__ import annotations

import os
import resource
import sys
from collections import Counter

from taskhandler.ledger.opening import open_storage
from taskhandler.ledger.storage import Key, Storage, TaskBody
from taskhandler.lifecycle.record import Record, State

LIMIT = 400_000
"""Bytes; a letter takes a tenth of it."""

RECORD = Record(state=State.RUNNING, attempt=1, fence=1, lease_id="x", lease=30.0, digest="d", retention=60.0)


def limit(size: int) -> None:
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, resource.RLIM_INFINITY))


def write(storage: Storage, phase: str) -> list[str]:
    words = []
    for number in range(20):
        answer = storage.create(
            Key("n", phase, str(number)), RECORD, dead_letter=TaskBody(os.urandom(LIMIT // 10))
        )
        words.append(type(answer).__name__)
        seen = storage.read(Key("n", phase, str(number)))
        words.append("there" if seen is not None else "absent")
    return [" ".join(pair) for pair in zip(words[::2], words[1::2], strict=True)]


def main(url: str) -> None:
    storage = open_storage(url)
    limit(LIMIT)
    limited = Counter(write(storage, "limited"))
    limit(resource.RLIM_INFINITY)
    unlimited = Counter(write(storage, "unlimited"))
    for phase in (limited, unlimited):
        sys.stdout.write(", ".join(sorted(phase)) + "\n")
    storage.close()


if __name__ == "__main__":
    main(sys.argv[1])
