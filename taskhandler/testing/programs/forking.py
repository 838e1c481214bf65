"""Uses a ledger, forks children while so many threads go on using it, and has each child use it too.

Arguments: opener, URL, the number of threads, the number of children.
"""

from __future__ import annotations

import os
import sys
import threading

from taskhandler.ledger.storage import Key, Storage, TaskBody, Unavailable, Written
from taskhandler.lifecycle.record import Record, Snapshot, State
from taskhandler.testing.programs.start import resolve

RECORD = Record(state=State.RUNNING, attempt=1, fence=1, lease_id="x", lease=30.0, digest="d", retention=60.0)

TRIES = 10
"""Each of which may wait for some seconds."""


def _use(storage: Storage, task: str) -> None:
    key = Key("namespace", "queue", task)
    created = storage.create(key, RECORD, dead_letter=TaskBody(b"body"))
    for _ in range(TRIES):  # a client that takes long to be made on a busy machine
        if not isinstance(created, Unavailable):
            break
        created = storage.create(key, RECORD, dead_letter=TaskBody(b"body"))
    if not isinstance(created, Written):
        raise TypeError(f"{task}: {created}")
    replaced = storage.replace(key, RECORD, created.version)
    seen = storage.read(key)
    if (
        not isinstance(replaced, Written)
        or not isinstance(seen, Snapshot)
        or seen.version != replaced.version
    ):
        raise TypeError(f"{task}: {replaced}, then {seen}")


def _use_on(storage: Storage, name: str, stop: threading.Event, turns: list[int]) -> None:
    turn = 0
    while not stop.is_set():
        _use(storage, f"{name}-{turn}")
        turn += 1
    turns.append(turn)


def _fork(storage: Storage, number: int) -> int:
    child = os.fork()
    if child:
        return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    code = 1
    try:
        for turn in range(5):
            _use(storage, f"child-{number}-{turn}")
        storage.close()
        code = 0
    finally:
        os._exit(code)


def main(opener: str, url: str, threads: int, children: int) -> None:
    """Fork, and print how many children and threads succeeded."""
    storage = resolve(opener)(url)
    _use(storage, "before")
    stop, turns = threading.Event(), list[int]()
    users = [
        threading.Thread(target=_use_on, args=(storage, f"thread-{number}", stop, turns))
        for number in range(threads)
    ]
    for user in users:
        user.start()
    codes = [_fork(storage, number) for number in range(children)]
    stop.set()
    for user in users:
        user.join()
    _use(storage, "after")
    sys.stdout.write(f"{codes.count(0)} children, {len(turns)} threads\n")
    storage.close()


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4]))
