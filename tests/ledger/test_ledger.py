"""Amendments carried out: how long is tried, and what is written beside a record."""

from __future__ import annotations

from typing import Any

import pytest
from msgspec.structs import replace

from taskhandler.ledger.amend import Unread
from taskhandler.ledger.ledger import FIRST_PAUSE_SECONDS, SLOW_SECONDS, Ledger
from taskhandler.ledger.storage import Disputed, Key, Stale, TaskBody, Unavailable
from taskhandler.lifecycle.record import State
from taskhandler.lifecycle.rules import Claim, Heartbeat, KeepConflict, Settle
from taskhandler.lifecycle.verdict import (
    Completed,
    Disposition,
    Drained,
    Exhausted,
    Failed,
    Refused,
    Rejected,
    Run,
    Settled,
    Undecided,
)
from tests.ledger.scripted_storage import (
    Clock,
    Response,
    ScriptedStorage,
    down,
    lost_reply,
    lost_write,
    normally,
)

KEY = Key("", "q", "t1")
CLAIM = Claim(lease_id="mine", digest="d", handler="h", lease=30.0, retention=900.0)
BODY = TaskBody(b"body", "text/plain")


def a_ledger(*script: Response) -> tuple[Ledger, ScriptedStorage, Clock]:
    clock = Clock()
    storage = ScriptedStorage(clock, *script)
    return Ledger(storage, clock=clock, pause=clock.pause, chance=lambda: 1.0), storage, clock


def test_a_ledger_without_faults_is_called_once_without_a_pause():
    ledger, storage, clock = a_ledger()
    assert ledger.amend(KEY, CLAIM, None, timeout=3.0).verdict == Run()
    assert (storage.calls, clock.pauses) == (["create"], [])


def test_a_ledger_that_is_down_is_asked_again_after_growing_pauses():
    ledger, storage, clock = a_ledger(down, down, down)
    assert ledger.amend(KEY, CLAIM, Unread(), timeout=3.0).verdict == Run()
    assert (storage.calls, clock.pauses) == (["read"] * 4 + ["create"], [0.05, 0.1, 0.2])


def test_a_record_that_this_version_cannot_read_is_not_asked_for_again():
    unreadable = Unavailable("its lease is negative", is_lasting=True)
    ledger, storage, clock = a_ledger(lambda _: unreadable)
    assert ledger.amend(KEY, CLAIM, Unread(), timeout=3.0).verdict == Undecided(unreadable.why)
    assert (storage.calls, clock.pauses) == (["read"], [])


@pytest.mark.parametrize("timeout", [0.0, 0.04, FIRST_PAUSE_SECONDS, 0.0501, 0.4, 1.0, 3.0, 5.0, 10.0])
def test_a_ledger_that_stays_down_is_given_up_in_time(timeout: float):
    ledger, storage, clock = a_ledger(*[down] * 100)
    begun = clock()
    assert ledger.amend(KEY, CLAIM, None, timeout=timeout).verdict == Undecided("down")
    assert clock() - begun <= timeout
    assert len(storage.calls) == len(clock.pauses) + 1
    assert clock.pauses == [FIRST_PAUSE_SECONDS * 2**number for number in range(len(clock.pauses))]
    assert clock() - begun + FIRST_PAUSE_SECONDS * 2 ** len(clock.pauses) >= timeout


def test_a_ledger_that_fails_slowly_is_not_called_after_the_time_out():
    clock_of: list[Clock] = []

    def slowly_down(act: Any) -> object:  # noqa: ANN401 - a response
        clock_of[0].now += 2.0
        return down(act)

    ledger, storage, clock = a_ledger(*[slowly_down] * 10)
    clock_of.append(clock)
    assert ledger.amend(KEY, CLAIM, None, timeout=3.0).verdict == Undecided("down")
    assert (storage.calls, clock.pauses) == (["create", "create"], [0.05])


def test_an_unknown_write_after_the_time_out_stays_undecided():
    ledger, storage, _ = a_ledger(lost_write)
    assert ledger.amend(KEY, CLAIM, None, timeout=0.0).verdict == Undecided("the ledger took too long")
    assert storage.calls == ["create"]


def slow(clock: Clock, response: Response = normally) -> Response:
    """A response that takes four seconds."""

    def slowly(act: Any) -> object:  # noqa: ANN401 - a response
        clock.now += 4.0
        return response(act)

    return slowly


def test_a_storage_that_answers_slowly_is_called_again_after_the_time_out():
    ledger, storage, clock = a_ledger()
    storage.script.extend([slow(clock, lambda _: Stale()), slow(clock), slow(clock)])
    assert ledger.amend(KEY, CLAIM, None, timeout=0.0).verdict == Run()
    assert storage.calls == ["create", "read", "create"]


def test_a_storage_that_answers_slowly_is_given_up_within_25_seconds():
    ledger, storage, clock = a_ledger()
    storage.script.extend([slow(clock, lambda _: Stale()), slow(clock)] * 10)
    begun = clock()
    assert ledger.amend(KEY, CLAIM, None, timeout=5.0).verdict == Undecided("the ledger took too long")
    assert clock() - begun <= SLOW_SECONDS + 4.0


def test_a_slow_storage_that_goes_down_is_given_up_within_the_time_out_and_one_call():
    ledger, storage, clock = a_ledger()
    storage.script.extend([slow(clock), *[slow(clock, down)] * 10])
    begun = clock()
    assert ledger.amend(KEY, CLAIM, Unread(), timeout=5.0).verdict == Undecided("down")
    assert clock() - begun < 10.0


def test_an_amendment_that_is_given_up_returns_the_record_that_it_read():
    ledger, storage, _ = a_ledger()
    ledger.amend(KEY, CLAIM, None, timeout=3.0)
    storage.calls.clear()
    given_up = ledger.amend(KEY, Heartbeat("mine"), Unread(), timeout=3.0, should_continue=lambda: False)
    assert (given_up.verdict, storage.calls) == (Undecided("the ledger took too long"), ["read"])
    assert given_up.snapshot == storage.inner.read(KEY)


def test_pauses_differ_by_chance_between_half_and_all_of_their_length():
    clock = Clock()
    budget = iter([0.0, 0.5, 1.0])
    storage = ScriptedStorage(clock, down, down, down)
    ledger = Ledger(storage, clock=clock, pause=clock.pause, chance=lambda: next(budget))
    assert ledger.amend(KEY, CLAIM, None, timeout=3.0).verdict == Run()
    assert clock.pauses == pytest.approx([0.025, 0.075, 0.2])


def test_pauses_between_calls_are_random_by_default():
    pauses = set()
    for _ in range(5):
        clock = Clock()
        Ledger(ScriptedStorage(clock, down), clock=clock, pause=clock.pause).amend(
            KEY, CLAIM, None, timeout=3.0
        )
        pauses.update(clock.pauses)
    assert len(pauses) > 1


def test_a_disputed_write_is_refused_if_the_record_has_not_changed():
    ledger, storage, _ = a_ledger()
    claimed = ledger.amend(KEY, CLAIM, None, timeout=3.0)
    storage.calls.clear()
    storage.script.append(lambda _: Disputed(Refused("no such order")))
    settle = Settle("mine", Completed("1"))
    assert ledger.amend(KEY, settle, claimed.snapshot, timeout=3.0).verdict == Refused("no such order")
    assert storage.calls == ["replace", "read"]


def test_an_answer_after_the_time_out_counts():
    ledger, _, _ = a_ledger()
    assert ledger.amend(KEY, CLAIM, None, timeout=0.0).verdict == Run()


def test_a_write_whose_reply_is_lost_is_read_back():
    ledger, storage, _ = a_ledger(lost_reply)
    done = ledger.amend(KEY, CLAIM, None, timeout=3.0)
    assert (done.verdict, storage.calls) == (Run(), ["create", "read"])
    assert done.snapshot is not None
    assert done.snapshot == storage.inner.read(KEY)


def test_a_lost_reply_of_a_ledger_that_goes_down_stays_undecided():
    ledger, _, _ = a_ledger(lost_reply, *[down] * 100)
    assert ledger.amend(KEY, CLAIM, None, timeout=3.0).verdict == Undecided("down")


@pytest.mark.parametrize(
    ("end", "state", "kept"),
    [
        (Completed("1"), State.COMPLETED, None),
        (Failed("no"), State.WAITING, None),
        (Drained(), State.WAITING, None),
        (Failed("no", last=True), State.DEAD, BODY),
        (Drained(last=True), State.DEAD, BODY),
        (Rejected("never"), State.REJECTED, BODY),
    ],
)
def test_a_body_is_kept_with_a_bad_end_only(end: Disposition, state: State, kept: TaskBody | None):
    ledger, storage, _ = a_ledger()
    claimed = ledger.amend(KEY, CLAIM, None, timeout=3.0, body=BODY)
    assert storage.dead_letter(KEY) is None
    settled = ledger.amend(KEY, Settle("mine", end), claimed.snapshot, timeout=3.0, body=BODY)
    assert settled.verdict == Settled(state)
    assert storage.dead_letter(KEY) == kept


@pytest.mark.parametrize("end", [Completed("1"), Failed("no"), Failed("no", last=True), Rejected("never")])
def test_a_batch_commits_with_a_completion_only(end: Disposition):
    ledger, storage, _ = a_ledger()
    claimed = ledger.amend(KEY, CLAIM, None, timeout=3.0, writes=["a", "b"])
    assert storage.writes == []
    ledger.amend(KEY, Settle("mine", end), claimed.snapshot, timeout=3.0, writes=["a", "b"])
    assert storage.writes == (["a", "b"] if isinstance(end, Completed) else [])


def test_a_conflicting_body_is_kept_with_its_first_record():
    ledger, storage, _ = a_ledger()
    keep_conflict = KeepConflict(digest="e", handler="h", retention=900.0)
    assert ledger.amend(KEY, keep_conflict, None, timeout=3.0, body=BODY).verdict == Settled(State.REJECTED)
    assert storage.dead_letter(KEY) == BODY


def test_the_body_of_a_task_whose_attempts_ran_out_is_kept():
    ledger, storage, _ = a_ledger()
    claimed = ledger.amend(KEY, CLAIM, None, timeout=3.0)
    ledger.amend(KEY, Settle("mine", Failed("no")), claimed.snapshot, timeout=3.0)
    again = replace(CLAIM, lease_id="other", max_attempts=1)
    assert ledger.amend(KEY, again, Unread(), timeout=3.0, body=BODY).verdict == Exhausted()
    assert storage.dead_letter(KEY) == BODY


def test_an_amendment_with_an_outdated_record_reads_and_goes_on():
    ledger, storage, _ = a_ledger(normally, normally)
    ledger.amend(KEY, CLAIM, None, timeout=3.0)
    assert ledger.amend(KEY, CLAIM, None, timeout=3.0).verdict == Run()
    assert storage.calls == ["create", "create", "read"]
