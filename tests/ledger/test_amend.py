"""The optimistic loop: which operation is asked for, and what is made of the answer."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from taskhandler.ledger.amend import MOST_REREADS, Create, Done, Pending, Read, Replace, Unread, begin, resume
from taskhandler.ledger.storage import Disputed, Stale, Unavailable, Unknown, Written
from taskhandler.lifecycle.record import Record, Snapshot, State
from taskhandler.lifecycle.rules import Claim, Settle
from taskhandler.lifecycle.verdict import (
    AlreadyEnded,
    Completed,
    Fenced,
    InFlight,
    Refused,
    Run,
    Settled,
    Undecided,
)

CLAIM = Claim(lease_id="mine", digest="d", handler="h", lease=30.0, retention=900.0)
SETTLE = Settle("mine", Completed("1"))
OURS = Record(
    state=State.RUNNING,
    attempt=1,
    fence=1,
    lease_id="mine",
    lease=30.0,
    digest="d",
    retention=900.0,
    handler="h",
)
ENDED = replace(OURS, state=State.COMPLETED, result="1")
FIRST = Pending(CLAIM, Create(OURS), Run())


def pending(at: Pending | Done) -> Pending:
    assert isinstance(at, Pending)
    return at


def test_a_first_delivery_creates_without_reading():
    at = begin(CLAIM, None)
    assert at == FIRST
    assert resume(pending(at), Written(5)) == Done(Run(), Snapshot(OURS, 5))


def test_a_holder_replaces_its_own_last_write_without_reading():
    at = begin(SETTLE, Snapshot(OURS, 5))
    assert at == Pending(SETTLE, Replace(ENDED, 5), Settled(State.COMPLETED))
    assert resume(pending(at), Written(6)) == Done(Settled(State.COMPLETED), Snapshot(ENDED, 6))


def test_an_amendment_without_a_believed_record_reads_first():
    at = begin(CLAIM, Unread())
    assert at == Pending(CLAIM, Read())
    assert resume(pending(at), None) == FIRST


def test_a_rule_that_writes_nothing_is_done_at_once():
    seen = Snapshot(replace(OURS, lease_id="theirs"), 5, age=10.0)
    assert begin(CLAIM, seen) == Done(InFlight(20.0), seen)
    assert resume(pending(begin(CLAIM, Unread())), seen) == Done(InFlight(20.0), seen)
    assert begin(SETTLE, None) == Done(Fenced(None), None)


@pytest.mark.parametrize("answer", [Stale(), Unknown("timeout")])
def test_a_stale_or_unknown_write_is_followed_by_a_read(answer: Stale | Unknown):
    at = resume(FIRST, answer)
    assert at == Pending(CLAIM, Read(), rereads=1)
    ended = Snapshot(ENDED, 6)
    assert resume(pending(at), ended) == Done(AlreadyEnded(State.COMPLETED, on_dead_called=False), ended)


def test_a_write_whose_reply_was_lost_is_recognised_as_its_own():
    at = resume(FIRST, Unknown("timeout"))
    assert resume(pending(at), Snapshot(OURS, 5)) == Done(Run(), Snapshot(OURS, 5))


def test_a_write_that_was_not_applied_is_sent_again():
    at = resume(pending(resume(FIRST, Unknown("timeout"))), None)
    assert at == replace(FIRST, rereads=1)


def test_an_unavailable_storage_leaves_it_undecided():
    assert resume(FIRST, Unavailable("down")) == Done(Undecided("down"))
    assert resume(pending(begin(CLAIM, Unread())), Unavailable("down")) == Done(Undecided("down"))


def test_a_write_that_the_storage_refuses_is_not_tried_again():
    assert resume(FIRST, Refused("too large")) == Done(Refused("too large"))


@pytest.mark.parametrize(
    ("answer", "why"),
    [(Stale(), "the record kept changing while it was being updated"), (Unknown("timeout"), "timeout")],
)
def test_the_amend_loop_ends_undecided_after_its_last_round(answer: Stale | Unknown, why: str):
    at = pending(begin(CLAIM, None))
    for _ in range(MOST_REREADS):
        at = pending(resume(pending(resume(at, answer)), None))
    assert at == replace(FIRST, rereads=MOST_REREADS)
    assert resume(at, answer) == Done(Undecided(why))
    assert resume(at, Written(5)) == Done(Run(), Snapshot(OURS, 5))


def test_an_amendment_is_given_up_after_eight_rereads():
    assert MOST_REREADS == 8


@pytest.mark.parametrize(
    "at", [Pending(CLAIM, Read()), Pending(CLAIM, Read(), Run()), Pending(CLAIM, Create(OURS))]
)
def test_a_storage_that_answers_written_to_a_read_is_a_type_error(at: Pending):
    with pytest.raises(TypeError, match=r"^a storage answered Written to a Read$"):
        resume(at, Written(5))


@pytest.mark.parametrize(
    ("otherwise", "verdict"),
    [(Refused("no such order"), Refused("no such order")), (Unavailable("busy"), Undecided("busy"))],
)
def test_a_disputed_write_failed_for_the_other_reason_if_the_record_has_not_changed(
    otherwise: Refused | Unavailable, verdict: Refused | Undecided
):
    reading = resume(pending(begin(SETTLE, Snapshot(OURS, 5))), Disputed(otherwise))
    assert pending(reading).op == Read()
    assert resume(pending(reading), Snapshot(OURS, 5)) == Done(verdict)


@pytest.mark.parametrize("seen", [None, Snapshot(replace(OURS, lease_id="theirs"), 6), Snapshot(ENDED, 6)])
def test_a_disputed_write_was_stale_if_the_record_has_changed(seen: Snapshot | None):
    reading = resume(pending(begin(SETTLE, Snapshot(OURS, 5))), Disputed(Refused("no such order")))
    assert resume(pending(reading), seen) == begin(SETTLE, seen)


def test_a_disputed_write_is_forgotten_when_the_next_write_begins():
    reading = resume(pending(begin(SETTLE, Snapshot(OURS, 5))), Disputed(Refused("no such order")))
    writing = resume(pending(reading), Snapshot(OURS, 6))
    assert writing == Pending(SETTLE, Replace(ENDED, 6), Settled(State.COMPLETED), rereads=1)


def test_a_disputed_write_to_a_record_that_keeps_changing_is_given_up():
    at = begin(SETTLE, Snapshot(OURS, 0))
    for version in range(1, MOST_REREADS + 1):
        reading = resume(pending(at), Disputed(Refused("no such order")))
        at = resume(pending(reading), Snapshot(OURS, version))
    assert resume(pending(at), Disputed(Refused("no"))) == Done(
        Undecided("the record kept changing while it was being updated")
    )
