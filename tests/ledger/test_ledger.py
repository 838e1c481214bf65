"""Amendments carried out: how long is tried, and what is written beside a record."""

from __future__ import annotations

from typing import Any

import pytest
from msgspec.structs import replace

from taskhandler.law import Arrive, Bury, Settle
from taskhandler.ledger.amend import Unseen
from taskhandler.ledger.ledger import FIRST_PAUSE, Ledger
from taskhandler.ledger.storage import Key, Letter, Stale
from taskhandler.record import State
from taskhandler.verdict import Completed, Drained, End, Failed, Rejected, Run, Settled, Spent, Undecided
from tests.ledger.moody import Clock, Mood, Moody, down, lost_reply, lost_write, well

KEY = Key("", "q", "t1")
ARRIVE = Arrive(lease_id="mine", digest="d", handler="h", lease=30.0, retention=900.0)
LETTER = Letter(b"body", "text/plain")


def a_ledger(*moods: Mood) -> tuple[Ledger, Moody, Clock]:
    clock = Clock()
    storage = Moody(clock, *moods)
    return Ledger(storage, clock=clock, pause=clock.pause), storage, clock


def test_a_ledger_that_is_well_is_asked_once_and_not_waited_for():
    ledger, storage, clock = a_ledger()
    assert ledger.amend(KEY, ARRIVE, None, patience=3.0).verdict == Run()
    assert (storage.calls, clock.pauses) == (["create"], [])


def test_a_ledger_that_is_down_is_asked_again_after_growing_pauses():
    ledger, storage, clock = a_ledger(down, down, down)
    assert ledger.amend(KEY, ARRIVE, Unseen(), patience=3.0).verdict == Run()
    assert (storage.calls, clock.pauses) == (["read"] * 4 + ["create"], [0.05, 0.1, 0.2])


@pytest.mark.parametrize("patience", [0.0, 0.04, FIRST_PAUSE, 0.0501, 0.4, 1.0, 3.0, 5.0, 10.0])
def test_a_ledger_that_stays_down_is_given_up_in_time(patience: float):
    ledger, storage, clock = a_ledger(*[down] * 100)
    begun = clock()
    assert ledger.amend(KEY, ARRIVE, None, patience=patience).verdict == Undecided("down")
    assert clock() - begun <= patience
    assert len(storage.calls) == len(clock.pauses) + 1
    assert clock.pauses == [FIRST_PAUSE * 2**number for number in range(len(clock.pauses))]
    assert clock() - begun + FIRST_PAUSE * 2 ** len(clock.pauses) >= patience


def test_a_ledger_that_takes_its_time_to_be_down_is_not_asked_past_the_patience():
    clock_of: list[Clock] = []

    def slowly_down(act: Any) -> object:  # noqa: ANN401 - a mood
        clock_of[0].now += 2.0
        return down(act)

    ledger, storage, clock = a_ledger(*[slowly_down] * 10)
    clock_of.append(clock)
    assert ledger.amend(KEY, ARRIVE, None, patience=3.0).verdict == Undecided("down")
    assert (storage.calls, clock.pauses) == (["create", "create"], [0.05])


@pytest.mark.parametrize("late", [lost_write, lambda _: Stale()])
def test_a_doubt_that_comes_too_late_stays_one(late: Mood):
    ledger, storage, _ = a_ledger(late)
    assert ledger.amend(KEY, ARRIVE, None, patience=0.0).verdict == Undecided("the ledger took too long")
    assert storage.calls == ["create"]


def test_an_answer_that_comes_late_is_one():
    ledger, _, _ = a_ledger()
    assert ledger.amend(KEY, ARRIVE, None, patience=0.0).verdict == Run()


def test_a_lost_reply_is_looked_after():
    ledger, storage, _ = a_ledger(lost_reply)
    done = ledger.amend(KEY, ARRIVE, None, patience=3.0)
    assert (done.verdict, storage.calls) == (Run(), ["create", "read"])
    assert done.found is not None
    assert done.found == storage.inner.read(KEY)


def test_a_lost_reply_of_a_ledger_that_went_down_stays_a_doubt():
    ledger, _, _ = a_ledger(lost_reply, *[down] * 100)
    assert ledger.amend(KEY, ARRIVE, None, patience=3.0).verdict == Undecided("down")


@pytest.mark.parametrize(
    ("end", "state", "kept"),
    [
        (Completed("1"), State.COMPLETED, None),
        (Failed("no"), State.WAITING, None),
        (Drained(), State.WAITING, None),
        (Failed("no", last=True), State.DEAD, LETTER),
        (Drained(last=True), State.DEAD, LETTER),
        (Rejected("never"), State.REJECTED, LETTER),
    ],
)
def test_a_body_is_kept_with_a_bad_end_only(end: End, state: State, kept: Letter | None):
    ledger, storage, _ = a_ledger()
    claimed = ledger.amend(KEY, ARRIVE, None, patience=3.0, letter=LETTER)
    assert storage.letter(KEY) is None
    settled = ledger.amend(KEY, Settle("mine", end), claimed.found, patience=3.0, letter=LETTER)
    assert settled.verdict == Settled(state)
    assert storage.letter(KEY) == kept


@pytest.mark.parametrize("end", [Completed("1"), Failed("no"), Failed("no", last=True), Rejected("never")])
def test_a_batch_commits_with_a_completion_only(end: End):
    ledger, storage, _ = a_ledger()
    claimed = ledger.amend(KEY, ARRIVE, None, patience=3.0, writes=["a", "b"])
    assert storage.writes == []
    ledger.amend(KEY, Settle("mine", end), claimed.found, patience=3.0, writes=["a", "b"])
    assert storage.writes == (["a", "b"] if isinstance(end, Completed) else [])


def test_a_conflicting_body_is_kept_with_its_first_record():
    ledger, storage, _ = a_ledger()
    bury = Bury(digest="e", handler="h", retention=900.0)
    assert ledger.amend(KEY, bury, None, patience=3.0, letter=LETTER).verdict == Settled(State.REJECTED)
    assert storage.letter(KEY) == LETTER


def test_the_body_of_a_task_whose_attempts_ran_out_is_kept():
    ledger, storage, _ = a_ledger()
    claimed = ledger.amend(KEY, ARRIVE, None, patience=3.0)
    ledger.amend(KEY, Settle("mine", Failed("no")), claimed.found, patience=3.0)
    again = replace(ARRIVE, lease_id="other", max_attempts=1)
    assert ledger.amend(KEY, again, Unseen(), patience=3.0, letter=LETTER).verdict == Spent()
    assert storage.letter(KEY) == LETTER


def test_who_believes_what_was_true_once_reads_and_goes_on():
    ledger, storage, _ = a_ledger(well, well)
    ledger.amend(KEY, ARRIVE, None, patience=3.0)
    assert ledger.amend(KEY, ARRIVE, None, patience=3.0).verdict == Run()
    assert storage.calls == ["create", "create", "read"]
