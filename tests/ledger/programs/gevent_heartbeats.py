"""Forks while a greenlet sends heartbeats, which the fork copies; its exit status says who sent them."""

from __future__ import annotations

import importlib
from typing import Any

gevent: Any = importlib.import_module("gevent")  # not every environment of the tests has it
importlib.import_module("gevent.monkey").patch_all()

import os  # noqa: E402 - patched first
import sys  # noqa: E402 - the same
import time  # noqa: E402 - the same

from taskhandler.ledger.heartbeat_scheduler import Heartbeats  # noqa: E402 - the same
from tests.ledger.programs.forked_heartbeats import TIMEOUT_SECONDS, Lease, lives  # noqa: E402 - the same

INTERVALS = 50
"""Of a lease, in which the child would send a heartbeat of its parent's lease if it did."""


def main() -> int:
    heartbeats = Heartbeats(clock=time.monotonic, idle=0.05)
    parents = Lease()
    heartbeats.watch(parents)
    if not parents.extended.wait(TIMEOUT_SECONDS):
        return 1
    child = os.fork()
    if not child:
        parents.extended.clear()
        gevent.sleep(INTERVALS * Lease.interval)
        alone = not parents.extended.is_set()
        os._exit(0 if alone and lives(heartbeats) else 2)
    status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    parents.extended.clear()
    return status or (0 if parents.extended.wait(TIMEOUT_SECONDS) else 3)


if __name__ == "__main__":
    sys.exit(main())
