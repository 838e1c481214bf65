"""A task is cancelled on each real storage: before it comes, while it waits, while it runs, and too late."""

from __future__ import annotations

import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest
from msgspec.structs import replace

from taskhandler.errors import Interrupted
from taskhandler.ledger.amend import Done, Unread
from taskhandler.ledger.lease import Lease
from taskhandler.ledger.ledger import Ledger
from taskhandler.ledger.storage import Key, Listed, Page, Storage, TaskBody
from taskhandler.lifecycle.record import Record, Snapshot, State
from taskhandler.lifecycle.rules import Cancel, Claim, Reset
from taskhandler.lifecycle.verdict import (
    AlreadyEnded,
    Completed,
    Disposition,
    Failed,
    Fenced,
    Rejected,
    Run,
    Settled,
    Verdict,
)
from taskhandler.task import Task
from tests.ledger.samples import fresh_key
from tests.ledger.sqlite.local_storage import wait

DIGEST, OTHER_DIGEST = "5" * 64, "6" * 64
CANCEL = Cancel(nonce="cancel-1", reason="stock is gone", handler="charge-order", retention=900.0)
CANCELLED = AlreadyEnded(State.CANCELLED, on_dead_called=False)
CANCELLERS = 8


class Work:
    """One task in a storage: what its deliveries and those who cancel it do."""

    def __init__(self, storage: Storage) -> None:
        self.storage = storage
        self.key = fresh_key()
        self.ledger = Ledger(storage, clock=time.monotonic, pause=wait)

    def lease(self, lease_id: str = "lease-1", *, digest: str = DIGEST) -> Lease:
        claim = Claim(lease_id=lease_id, digest=digest, handler="charge-order", lease=30.0, retention=900.0)
        return Lease(self.ledger, self.key, claim, clock=time.monotonic)

    def running(self) -> Lease:
        lease = self.lease()
        assert lease.claim(None, body=TaskBody(b"{}")) == Run()
        return lease

    def cancel(self, *, nonce: str = "cancel-1", believed: Unread | None = None) -> Verdict:
        return self.amend(replace(CANCEL, nonce=nonce), believed).verdict

    def amend(self, rule: Cancel | Reset, believed: Unread | None = None) -> Done:
        return self.ledger.amend(self.key, rule, believed, timeout=5.0)

    @property
    def record(self) -> Record:
        seen = self.storage.read(self.key)
        assert isinstance(seen, Snapshot)
        return seen.record

    def listed(self) -> list[Key]:
        page = self.storage.list([Listed.CANCELLED], handler="charge-order")
        assert isinstance(page, Page)
        return [entry.key for entry in page.entries]


@pytest.fixture
def work(storage: Storage) -> Work:
    return Work(storage)


def task_of(lease: Lease) -> Task:
    """The task as the handler under this lease sees it."""
    return Task(
        id="t1",
        queue="queue",
        handler="charge-order",
        payload=None,
        attempt=1,
        retry_count=0,
        execution_count=0,
        eta=None,
        previous_response=None,
        retry_reason="",
        is_last_attempt=False,
        fence=1,
        caller="",
        headers={},
        _lease=lease,
        _is_draining=lambda: False,
    )


def test_a_task_cancelled_before_its_first_delivery_never_runs_whatever_its_body(work: Work):
    assert work.cancel() == Settled(State.CANCELLED)
    assert (work.record.state, work.record.reason) == (State.CANCELLED, "stock is gone")
    for digest in (DIGEST, OTHER_DIGEST):
        assert work.lease(digest=digest).claim(None, body=TaskBody(b"{}")) == CANCELLED
    assert work.listed() == [work.key]
    assert work.storage.dead_letter(work.key) is None


@pytest.mark.parametrize("believed", [None, Unread()])
def test_a_task_that_waits_for_its_next_delivery_is_cancelled_at_once(work: Work, believed: Unread | None):
    work.running().settle(Failed("boom"))
    assert work.cancel(believed=believed) == Settled(State.CANCELLED)
    assert work.record.history == ("1 failed: boom", "1 cancelled: stock is gone")
    assert work.lease("lease-2").claim(Unread()) == CANCELLED


def test_the_heartbeat_of_a_cancelled_holder_stops_its_handler_at_the_next_checkpoint(work: Work):
    lease = work.running()
    task = task_of(lease)
    assert work.cancel() == Settled(State.CANCELLED)
    task.checkpoint()  # it does not know yet
    assert not lease.renew()
    with pytest.raises(Interrupted, match=r"^cancelled$"):
        task.checkpoint()


@pytest.mark.parametrize("disposition", [Completed('"r"'), Rejected("no"), Failed("boom", last=True)])
def test_a_cancelled_holder_can_write_nothing(work: Work, disposition: Disposition):
    lease = work.running()
    assert work.cancel() == Settled(State.CANCELLED)
    cancelled = work.record
    assert lease.settle(disposition, body=TaskBody(b"{}")) == Fenced(State.CANCELLED)
    assert work.record == cancelled
    assert work.storage.dead_letter(work.key) is None


@pytest.mark.parametrize("disposition", [Completed('"r"'), Rejected("no"), Failed("boom", last=True)])
def test_a_task_that_has_ended_is_not_cancelled(work: Work, disposition: Disposition):
    work.running().settle(disposition, body=TaskBody(b"{}"))
    ended = work.record
    assert work.cancel() == AlreadyEnded(ended.state, on_dead_called=False)
    assert work.record == ended


def test_a_cancelled_task_runs_again_after_a_reset_and_its_old_holder_stays_fenced(work: Work):
    old = work.running()
    work.cancel()
    assert work.amend(Reset("reset-1"), Unread()).verdict == Settled(State.WAITING)
    new = work.lease("lease-2")
    assert new.claim(Unread()) == Run()
    assert old.settle(Completed()) == Fenced(None)
    assert new.settle(Completed()) == Settled(State.COMPLETED)


def test_a_task_cancelled_before_its_first_delivery_runs_after_a_reset(work: Work):
    work.cancel()
    work.amend(Reset("reset-1"), Unread())
    assert work.lease().claim(Unread()) == Run()
    assert work.record.digest == DIGEST


@pytest.mark.parametrize("runs", [False, True])
def test_of_many_simultaneous_cancellations_one_is_written(work: Work, runs: bool):  # noqa: FBT001 - a parameter of the test
    if runs:
        work.running()
    gate = threading.Barrier(CANCELLERS)

    def racer(number: int) -> Verdict:
        gate.wait(timeout=30)
        return work.cancel(nonce=f"cancel-{number}")

    with ThreadPoolExecutor(CANCELLERS) as threads:
        verdicts = list(threads.map(racer, range(CANCELLERS)))
    winner = verdicts.index(Settled(State.CANCELLED))
    assert verdicts.count(CANCELLED) == CANCELLERS - 1
    assert work.record.lease_id == f"cancel-{winner}"
    assert len(work.record.history) == 1


def test_a_cancellation_and_a_completion_that_race_agree_on_one_winner(work: Work):
    lease = work.running()
    gate = threading.Barrier(2)

    def complete() -> Verdict:
        gate.wait(timeout=30)
        return lease.settle(Completed())

    def cancel() -> Verdict:
        gate.wait(timeout=30)
        return work.cancel(believed=Unread())

    with ThreadPoolExecutor(2) as threads:
        racers = [threads.submit(complete), threads.submit(cancel)]
        answers = tuple(racer.result(timeout=60) for racer in racers)
    completed = (Settled(State.COMPLETED), AlreadyEnded(State.COMPLETED, on_dead_called=False))
    cancelled = (Fenced(State.CANCELLED), Settled(State.CANCELLED))
    assert answers == (completed if work.record.state is State.COMPLETED else cancelled)
