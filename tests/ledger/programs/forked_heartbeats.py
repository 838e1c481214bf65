"""Forks while heartbeats are sent: the child sends its own, for its own lease; its exit status says so."""

from __future__ import annotations

import os
import sys
import threading
import time

from taskhandler.ledger.heartbeat_scheduler import Heartbeats

TIMEOUT_SECONDS = 30.0


class Lease:
    """Shows whether it was extended."""

    due = 0.0
    interval = 0.002

    def __init__(self) -> None:
        self.extended = threading.Event()

    def renew(self) -> bool:
        self.extended.set()
        return True


def lives(heartbeats: Heartbeats) -> bool:
    lease = Lease()
    heartbeats.watch(lease)
    return lease.extended.wait(TIMEOUT_SECONDS)


def main() -> int:
    heartbeats = Heartbeats(clock=time.monotonic)
    Heartbeats(clock=time.monotonic)  # collected before the fork, which must not mind
    parents = Lease()
    heartbeats.watch(parents)
    if not parents.extended.wait(TIMEOUT_SECONDS):
        return 1
    child = os.fork()
    if not child:
        parents.extended.clear()
        alive = lives(heartbeats)
        os._exit(0 if alive and not parents.extended.is_set() else 2)
    status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    return status or (0 if lives(heartbeats) else 3)


if __name__ == "__main__":
    sys.exit(main())
