"""A lease as its holder has it: until when, whose turn it is, and how it is lost."""

from __future__ import annotations

import pytest

from taskhandler.ledger.amend import Unread
from taskhandler.ledger.lease import Lease
from taskhandler.ledger.storage import TaskBody
from taskhandler.lifecycle.record import State
from taskhandler.lifecycle.rules import Cancel, Reset
from taskhandler.lifecycle.verdict import (
    Completed,
    Failed,
    Fenced,
    InFlight,
    Rejected,
    Run,
    Settled,
    Undecided,
)
from tests.ledger.scripted_storage import KEY, LocalLedger, Response, down, lost_reply, lost_write


def test_a_claimed_lease_lasts_as_long_as_the_claim_says():
    local = LocalLedger()
    lease = local.lease()
    assert (lease.remaining(), lease.snapshot, lease.fenced, lease.interval) == (0.0, None, False, 10.0)
    assert lease.claim(None) == Run()
    assert lease.remaining() == 30.0
    assert lease.snapshot is not None
    assert lease.snapshot.record == local.record
    local.clock.now += 29.0
    assert lease.remaining() == 1.0
    local.clock.now += 2.0
    assert lease.remaining() == 0.0


def test_a_lease_is_counted_from_before_its_claim_was_sent():
    local = LocalLedger()
    local.storage.script.append(local.slowly(2.0))
    lease = local.lease()
    assert lease.claim(None) == Run()
    assert lease.remaining() == 26.0


def test_a_lease_whose_claim_was_sent_repeatedly_is_counted_from_the_first_time():
    local = LocalLedger(down, down, lost_reply)
    lease = local.lease()
    begun = local.clock()
    assert lease.claim(None) == Run()
    assert local.clock() > begun
    assert lease.remaining() == begun + 30.0 - local.clock()


def test_a_lease_never_outlives_what_the_ledger_counts():
    local = LocalLedger()
    local.storage.script.append(local.slowly(2.0))
    mine = local.lease()
    mine.claim(None)
    local.clock.now += mine.remaining()
    assert mine.remaining() == 0.0
    assert isinstance(local.lease("other").claim(Unread()), InFlight)


def test_a_lease_that_another_delivery_holds_is_in_flight():
    local = LocalLedger()
    local.claimed("other")
    lease = local.lease()
    assert lease.claim(None) == InFlight(30.0)
    assert (lease.remaining(), lease.fenced) == (0.0, False)


def test_a_heartbeat_extends_the_lease_from_before_it_was_sent():
    local = LocalLedger()
    lease = local.claimed()
    local.clock.now += 10.0
    local.storage.script.append(local.slowly(1.0))
    assert lease.renew()
    assert lease.remaining() == 28.0
    assert (local.record.heartbeats, local.storage.calls) == (1, ["replace"])


@pytest.mark.parametrize("response", [lost_write, lost_reply])
def test_a_heartbeat_whose_reply_is_lost_does_not_fence(response: Response):
    local = LocalLedger()
    lease = local.claimed()
    local.storage.script.append(response)
    assert lease.renew()
    assert (lease.fenced, lease.remaining()) == (False, 30.0)
    assert lease.settle(Completed()) == Settled(State.COMPLETED)


def test_a_heartbeat_that_the_ledger_never_gets_leaves_the_lease_as_it_was():
    local = LocalLedger()
    lease = local.claimed()
    local.clock.now += 10.0
    lease.due = local.clock() + 10.0
    local.storage.script.extend([lost_reply, *[down] * 100])
    assert lease.renew()
    assert not lease.fenced
    assert 17.0 <= lease.remaining() < 20.0
    assert lease.due == local.clock() + 1.0
    local.storage.script.clear()
    assert lease.renew()
    assert lease.remaining() == 30.0


def test_a_heartbeat_does_not_keep_a_completion_waiting_for_long():
    local = LocalLedger()
    lease = local.claimed(lease=1800.0)
    local.storage.script.extend([down] * 100)
    begun = local.clock()
    lease.renew()
    assert local.clock() - begun <= 2.0


def test_a_heartbeat_of_a_short_lease_is_not_tried_past_the_next_one():
    local = LocalLedger()
    lease = local.claimed(lease=1.0)
    lease.due = local.clock() + 1 / 3
    local.storage.script.extend([down] * 100)
    begun = local.clock()
    lease.renew()
    assert local.clock() - begun <= 1 / 3
    assert lease.due == begun + 1 / 3


def test_a_heartbeat_in_doubt_is_cleared_up_by_the_next_one_however_slow_the_ledger_is():
    local = LocalLedger()
    lease = local.claimed()
    local.clock.now += 10.0
    local.storage.script.extend([local.slowly(2.2, lost_write), local.slowly(2.0), local.slowly(2.0)])
    assert lease.renew()
    assert local.storage.calls == ["replace"]
    assert lease.renew()
    assert local.storage.calls == ["replace", "read", "replace"]
    assert lease.remaining() == 30.0 - 8.0


def test_a_completion_after_a_heartbeat_in_doubt_takes_its_two_round_trips():
    local = LocalLedger()
    lease = local.claimed()
    local.storage.script.extend([local.slowly(2.2, lost_write), local.slowly(2.0), local.slowly(2.0)])
    assert lease.renew()
    assert lease.settle(Completed()) == Settled(State.COMPLETED)
    assert local.storage.calls == ["replace", "read", "replace"]


def test_a_claim_reads_and_writes_however_slow_the_ledger_is():
    local = LocalLedger()
    local.storage.script.extend([local.slowly(2.0), local.slowly(2.0)])
    lease = local.lease()
    assert lease.claim(Unread()) == Run()
    assert (local.storage.calls, lease.remaining()) == (["read", "create"], 22.0)
    assert lease.ensure_live() == Run()


@pytest.mark.parametrize("response", [down, lost_write])
def test_a_claim_during_an_outage_is_given_up_within_ten_seconds(response: Response):
    local = LocalLedger()
    local.storage.script.extend([local.slowly(2.45, response)] * 10)
    begun = local.clock()
    assert isinstance(local.lease().claim(None), Undecided)
    assert local.clock() - begun < 10.0


@pytest.mark.parametrize("response", [down, lost_write])
def test_a_completion_during_an_outage_is_given_up_within_ten_seconds(response: Response):
    local = LocalLedger()
    lease = local.claimed()
    local.storage.script.extend([local.slowly(2.45, response)] * 10)
    begun = local.clock()
    assert isinstance(lease.settle(Completed()), Undecided)
    assert local.clock() - begun < 10.0


def taken_over(local: LocalLedger, lease: Lease) -> Lease:
    """A lease of another delivery, after this one has lapsed."""
    local.clock.now += 31.0
    assert lease.remaining() == 0.0
    return local.claimed("other")


def test_a_lease_that_was_taken_over_is_fenced_by_its_next_heartbeat():
    local = LocalLedger()
    lease = local.claimed()
    other = taken_over(local, lease)
    assert not lease.renew()
    assert (lease.fenced, lease.remaining()) == (True, 0.0)
    local.storage.calls.clear()
    assert not lease.renew()
    assert local.storage.calls == []
    assert other.settle(Completed()) == Settled(State.COMPLETED)
    assert lease.settle(Failed("no")) == Fenced(State.COMPLETED)
    assert not lease.cancelled
    assert local.record.state is State.COMPLETED


@pytest.mark.parametrize("act", ["heartbeat", "ensure_live", "settle"])
def test_a_lease_of_a_cancelled_task_is_lost_at_its_next_write(act: str):
    local = LocalLedger()
    lease = local.claimed(lease=1.0)
    cancel = Cancel(nonce="n", reason="gone", handler="h", retention=900.0)
    local.ledger.amend(KEY, cancel, Unread(), timeout=5.0)
    assert (lease.fenced, lease.cancelled) == (False, False)
    local.clock.now += 0.9
    if act == "heartbeat":
        assert not lease.renew()
    else:
        verdict = lease.settle(Completed()) if act == "settle" else lease.ensure_live()
        assert verdict == Fenced(State.CANCELLED)
    assert (lease.fenced, lease.cancelled, lease.remaining()) == (True, True, 0.0)
    assert local.record.state is State.CANCELLED


def test_a_lease_whose_record_was_reset_has_no_time_left():
    local = LocalLedger()
    lease = local.claimed()
    local.ledger.amend(KEY, Reset("operator"), Unread(), timeout=1.0)
    assert lease.remaining() == 30.0
    assert not lease.renew()
    assert lease.remaining() == 0.0


def test_a_fenced_holder_writes_nothing():
    local = LocalLedger()
    lease = local.claimed()
    taken_over(local, lease)
    before = local.record
    assert lease.settle(Completed("1")) == Fenced(None)
    assert lease.fenced
    assert local.record == before


def test_a_fresh_lease_is_live_without_a_call_to_the_ledger():
    local = LocalLedger()
    lease = local.claimed()
    local.clock.now += 10.0
    assert lease.ensure_live() == Run()
    assert local.storage.calls == []


@pytest.mark.parametrize("late", [10.1, 29.0, 31.0])
def test_a_lease_that_might_lapse_before_its_first_heartbeat_is_extended(late: float):
    local = LocalLedger()
    lease = local.claimed()
    local.clock.now += late
    assert lease.ensure_live() == Run()
    assert lease.remaining() == pytest.approx(30.0)
    assert local.storage.calls == ["replace"]


def test_a_lapsed_lease_that_was_taken_over_does_not_run():
    local = LocalLedger()
    lease = local.claimed()
    taken_over(local, lease)
    assert lease.ensure_live() == Fenced(None)


@pytest.mark.parametrize("late", [20.0, 31.0])
def test_a_lapsed_lease_that_cannot_be_extended_does_not_run(late: float):
    local = LocalLedger()
    lease = local.claimed()
    local.clock.now += late
    local.storage.script.extend([down] * 100)
    assert lease.ensure_live() == Undecided("down")


def test_a_lease_that_lapses_during_the_answer_does_not_run():
    local = LocalLedger()
    lease = local.claimed(lease=2.0)
    local.clock.now += 2.0
    local.storage.script.append(local.slowly(1.0))
    assert lease.ensure_live() == Undecided("the lease is shorter than the ledger takes to answer")


def test_a_lease_that_was_settled_is_not_extended():
    local = LocalLedger()
    lease = local.claimed()
    assert lease.settle(Rejected("no"), body=TaskBody(b"body")) == Settled(State.REJECTED)
    local.storage.calls.clear()
    assert lease.renew()
    assert local.storage.calls == []
    assert local.storage.dead_letter(KEY) == TaskBody(b"body")
