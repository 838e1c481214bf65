"""The acts of a holder take turns, and none waits for another for ever."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

import pytest

from taskhandler.ledger.storage import TaskBody
from taskhandler.lifecycle.record import State
from taskhandler.lifecycle.verdict import Completed, Failed, Run, Settled, Undecided
from tests.ledger.scripted_storage import (
    KEY,
    TIMEOUT_SECONDS,
    Gate,
    LocalLedger,
    down,
    lost_reply,
    lost_write,
)

T = TypeVar("T")


def beside(act: Callable[[], T]) -> Future[T]:
    """Run `act` in a thread of its own."""
    pool = ThreadPoolExecutor(1)
    try:
        return pool.submit(act)
    finally:
        pool.shutdown(wait=False)


def until(held: Callable[[], object]) -> None:
    """Wait until something holds."""
    for _ in range(6000):
        if held():
            return
        threading.Event().wait(0.01)
    pytest.fail("it does not hold in time")


def test_a_completion_waits_for_the_heartbeat_under_way():
    gate, local = Gate(replies=True), LocalLedger()
    lease = local.claimed()
    local.storage.script.append(gate)
    beating = beside(lease.renew)
    assert gate.reached()
    settling = beside(lambda: lease.settle(Completed("1"), writes=["w"]))
    other = beside(lambda: lease.renew())  # noqa: PLW0108 - another frame, as another thread of the handler's
    assert not threading.Event().wait(0.1)
    assert not settling.done()
    gate.open()
    assert beating.result(TIMEOUT_SECONDS)
    assert settling.result(TIMEOUT_SECONDS) == Settled(State.COMPLETED)
    assert other.result(TIMEOUT_SECONDS)
    assert local.storage.calls == ["replace", "replace"]
    assert (local.record.state, local.storage.writes) == (State.COMPLETED, ["w"])


def test_a_completion_goes_before_a_heartbeat_that_is_still_reading():
    gate, local = Gate(replies=True), LocalLedger()
    lease = local.claimed()
    local.storage.script.append(local.slowly(2.2, lost_write))
    assert lease.renew()
    local.storage.calls.clear()
    local.storage.script.append(gate)
    beating = beside(lease.renew)
    assert gate.reached()
    settling = beside(lambda: lease.settle(Completed("1")))
    until(lambda: lease._over)  # noqa: SLF001 - nothing else tells that the completion waits
    gate.open()
    assert beating.result(TIMEOUT_SECONDS)
    assert settling.result(TIMEOUT_SECONDS) == Settled(State.COMPLETED)
    assert local.storage.calls == ["read", "replace"]


def test_the_check_before_a_run_and_heartbeats_exclude_each_other():
    gate, local = Gate(replies=True), LocalLedger()
    lease = local.claimed()
    local.clock.now += 25.0
    local.storage.script.append(gate)
    beating = beside(lease.renew)
    assert gate.reached()
    starting = [beside(lease.ensure_live) for _ in range(4)]
    gate.open()
    assert beating.result(TIMEOUT_SECONDS)
    assert [each.result(TIMEOUT_SECONDS) for each in starting] == [Run()] * 4
    assert set(local.storage.calls) == {"replace"}
    assert lease.settle(Completed()) == Settled(State.COMPLETED)


def test_a_completion_waits_for_a_heartbeat_only_so_long():
    gate, local = Gate(), LocalLedger()
    lease = local.claimed()
    local.storage.script.append(gate)
    beating = beside(lease.renew)
    assert gate.reached()
    assert lease.settle(Completed()) == Undecided("a heartbeat is still under way")  # after five seconds
    gate.open()
    assert beating.result(TIMEOUT_SECONDS)


def test_a_completion_tries_for_five_seconds():
    local = LocalLedger()
    lease = local.claimed()
    local.storage.script.extend([down] * 100)
    begun = local.clock()
    assert lease.settle(Completed()) == Undecided("down")
    assert 2.5 < local.clock() - begun <= 5.0


def test_a_released_lease_leaves_the_record_waiting():
    local = LocalLedger()
    lease = local.claimed()
    lease.release(Failed("SystemExit stopped the worker", last=True), body=TaskBody(b"body"))
    assert (local.record.state, local.storage.dead_letter(KEY)) == (State.DEAD, TaskBody(b"body"))


def test_a_lease_is_released_before_the_worker_ends():
    def shortly(act: Callable[[], object]) -> object:
        threading.Event().wait(0.02)
        return act()

    local = LocalLedger()
    lease = local.claimed()
    local.storage.script.append(shortly)
    lease.release(Failed("no"))
    assert local.record.state is State.WAITING


def test_a_recorded_end_is_not_released():
    local = LocalLedger()
    lease = local.claimed()
    lease.settle(Completed("1"))
    lease.release(Failed("SystemExit stopped the worker"))
    assert local.record.state is State.COMPLETED


@pytest.mark.parametrize("what", ["the ledger", "a heartbeat"])
def test_a_lease_that_cannot_be_released_within_a_second_is_left_to_lapse(what: str):
    gate, local = Gate(), LocalLedger()
    lease = local.claimed()
    local.storage.script.append(gate)
    beating = beside(lease.renew) if what == "a heartbeat" else None
    assert beating is None or gate.reached()
    released = beside(lambda: lease.release(Failed("no")))
    released.result(timeout=1.0)
    assert local.record.state is State.RUNNING
    gate.open()
    assert beating is None or beating.result(TIMEOUT_SECONDS)


def test_a_lease_is_released_as_soon_as_the_ledger_answers_again():
    local = LocalLedger()
    lease = local.claimed()
    local.storage.script.extend([down, lost_reply])
    lease.release(Failed("no"))
    assert local.record.state is State.WAITING


class UnprintableError(Exception):
    def __str__(self) -> str:
        raise RuntimeError


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (OSError("the disk is gone"), "OSError: the disk is gone"),
        (RuntimeError("evil\nERROR forged \x1b[31m"), "RuntimeError: evil ERROR forged ?[31m"),
        (RuntimeError("z" * 100_000), f"RuntimeError: {'z' * 999}…"),
        (UnprintableError(), "UnprintableError: (it cannot be printed)"),
    ],
)
def test_a_storage_that_raises_while_a_lease_is_released_is_one_log_line(
    error: Exception, said: str, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
):
    def fail(_act: Callable[[], object]) -> object:
        raise error

    local = LocalLedger()
    lease = local.claimed()
    local.storage.script.append(fail)
    lease.release(Failed("no"))
    until(lambda: caplog.records)
    (record,) = caplog.records
    assert record.getMessage() == f"a lease cannot be released, and will lapse: {said}"
    assert record.exc_info is None
    assert lease.settle(Completed("1")) == Settled(State.COMPLETED)
    assert "Traceback" not in capfd.readouterr().err
