"""Forks while its heart beats: the child's own heart beats for the child's own lease; says so by its end."""

from __future__ import annotations

import os
import sys
import threading
import time

from taskhandler.ledger.heartbeat import Heartbeats

PATIENCE = 30.0


class Lease:
    """Says that it is beaten."""

    due = 0.0
    interval = 0.002

    def __init__(self) -> None:
        self.beaten = threading.Event()

    def renew(self) -> bool:
        self.beaten.set()
        return True


def lives(heartbeats: Heartbeats) -> bool:
    lease = Lease()
    heartbeats.watch(lease)
    return lease.beaten.wait(PATIENCE)


def main() -> int:
    heartbeats = Heartbeats(clock=time.monotonic)
    Heartbeats(clock=time.monotonic)  # gone before the fork, which need not mind
    parents = Lease()
    heartbeats.watch(parents)
    if not parents.beaten.wait(PATIENCE):
        return 1
    child = os.fork()
    if not child:
        parents.beaten.clear()
        alive = lives(heartbeats)
        os._exit(0 if alive and not parents.beaten.is_set() else 2)
    status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    return status or (0 if lives(heartbeats) else 3)


if __name__ == "__main__":
    sys.exit(main())
