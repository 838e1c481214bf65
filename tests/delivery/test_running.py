"""What surrounds a handler while it runs."""

from __future__ import annotations

import time

import pytest

from taskhandler.delivery.running import Running
from taskhandler.ledger.heartbeat_scheduler import Heartbeats
from taskhandler.ledger.lease import Lease
from taskhandler.ledger.ledger import Ledger
from taskhandler.ledger.memory import MemoryStorage
from taskhandler.lifecycle.rules import Claim
from taskhandler.task import CURRENT
from tests.ledger.samples import fresh_key
from tests.test_task import a_task


def a_lease() -> Lease:
    claim = Claim(lease_id="l", digest="d", handler="h", lease=60.0, retention=60.0)
    ledger = Ledger(MemoryStorage(clock=time.monotonic_ns), clock=time.monotonic, pause=lambda _: None)
    return Lease(ledger, fresh_key(), claim, clock=time.monotonic)


def test_the_task_is_the_current_one_until_the_block_ends():
    task = a_task()
    with Running(Heartbeats(clock=time.monotonic), a_lease(), task):
        assert CURRENT.get() is task
    assert CURRENT.get(None) is None


@pytest.mark.parametrize("error", [ValueError(), SystemExit(1)])
def test_a_block_that_raises_leaves_no_task_and_no_heartbeat(error: BaseException):
    heartbeats = Heartbeats(clock=time.monotonic)
    with pytest.raises(type(error)), Running(heartbeats, a_lease(), a_task()):
        raise error
    assert CURRENT.get(None) is None
    heartbeats.rest_and_wait(5.0)  # it would wait for a lease that is still watched
    assert not heartbeats._senders._watched  # noqa: SLF001 - nothing else shows it


def test_the_heartbeats_begin_a_third_of_the_lease_later():
    lease = a_lease()
    with Running(Heartbeats(clock=lambda: 100.0), lease, a_task()):
        assert lease.due == 120.0
