"""The checker: an ordinary history is in order, and whatever must not be in one is seen."""

from __future__ import annotations

from typing import Any

import pytest

from tests.faults.checker import problems
from tests.faults.history import History
from tests.faults.journal import Event
from tests.faults.sample_histories import LEASE_SECONDS, answered, completed, history, ran, recorded, wrote


def ordinary(**about: Any) -> History:  # noqa: ANN401 - the fields of Want
    return history(completed(0), [answered(0.5)], recorded(), **about)


def says(found: History, sign: str) -> bool:
    return any(sign in problem for problem in problems(found))


def test_an_ordinary_history_has_no_problems():
    assert problems(ordinary(runs=(1, 1), statuses=(200,))) == []


def test_a_task_gone_from_its_queue_without_a_record_is_reported_as_lost():
    assert says(history([], [answered(0.5)], None), "LOST")


def test_a_task_that_its_queue_gave_up_on_is_reported_as_lost():
    found = history([*wrote("claim", 0), *ran(0.1)], [answered(0.5, 503)], recorded("waiting"))
    assert says(found, "LOST")


def test_a_completion_without_a_run_is_reported_as_lost():
    events = [event for event in completed(0) if event.what not in {"begun", "done"}]
    assert says(history(events, [answered(0.5)], recorded()), "LOST")


def test_a_task_still_in_its_queue_is_reported_as_not_ended():
    found = ordinary()
    found.left = frozenset("t")
    assert says(found, "L1")


def test_a_loss_that_the_scenario_expects_is_not_reported():
    found = history(wrote("claim", 0), [], recorded("running"), end="running")
    assert problems(found) == []


def test_any_of_several_expected_ends_is_accepted():
    assert problems(ordinary(end="dead or completed")) == []


def test_two_completions_of_a_task_are_reported():
    events = [*completed(0), *wrote("settle", 0.25, state="completed")]
    assert says(history(events, [answered(0.5)], recorded()), "S1")


def test_a_second_completion_after_a_reset_is_accepted():
    reset = Event(what="bench", task="t", said="reset", at=1)
    events = [*completed(0), reset, *completed(2, fence=2, attempt=2, lease_id="b")]
    assert not says(history(events, [answered(0.5), answered(2.5)], recorded(fence=2)), "S1")


def test_a_run_after_the_end_is_reported():
    assert says(history([*completed(0), *ran(1)], [answered(0.5)], recorded()), "S2")


def test_a_run_that_begins_after_a_take_over_is_reported():
    events = [*wrote("claim", 0), *completed(3, fence=2, attempt=2, lease_id="b", pid=2), *ran(4)]
    assert says(history(events, [answered(3.5)], recorded(fence=2)), "S2")


def test_a_late_run_of_a_worker_that_was_stopped_is_accepted():
    stop = Event(what="bench", said="SIGSTOP", pid=1, at=0.05)
    events = [*wrote("claim", 0), stop, *completed(3, fence=2, attempt=2, lease_id="b", pid=2), *ran(4)]
    assert not says(history(events, [answered(3.5)], recorded(fence=2)), "S2: attempt")


def test_two_runs_of_one_claim_are_reported():
    events = [*completed(0)[:4], *ran(0.15), *completed(0)[4:]]
    assert says(history(events, [answered(0.5)], recorded()), "S2")


def test_an_acknowledgement_before_the_end_is_reported():
    assert says(history(completed(0), [answered(0.1)], recorded()), "S3")


def test_a_write_on_the_lease_of_another_worker_is_reported():
    events = [*completed(0)[:5], *wrote("heartbeat", 0.15, pid=2), *completed(0)[5:]]
    assert says(history(events, [answered(0.5)], recorded()), "S4")


def test_a_write_after_the_end_is_reported():
    events = [*completed(0), *wrote("settle", 1, state="waiting")]
    assert says(history(events, [answered(0.5)], recorded("waiting")), "S5")


def test_a_take_over_of_a_live_lease_is_reported():
    events = [*wrote("claim", 0), *completed(LEASE_SECONDS - 0.2, fence=2, lease_id="b", pid=2)]
    assert says(history(events, [answered(3)], recorded(fence=2)), "S6")


def test_a_take_over_of_a_lapsed_lease_is_accepted():
    events = [*wrote("claim", 0), *completed(LEASE_SECONDS, fence=2, attempt=2, lease_id="b", pid=2)]
    assert problems(history(events, [answered(2)], recorded(fence=2, attempt=2))) == []


@pytest.mark.parametrize(("stops", "seen"), [((), True), (("SIGTERM",), False)])
def test_runs_beyond_the_limit_are_reported_unless_a_worker_was_stopped(
    stops: tuple[str, ...],
    seen: bool,  # noqa: FBT001 - a parameter of the test
):
    runs = [event for number in (1, 2) for event in ran(number, fence=number, attempt=number)]
    stopped = [Event(what="bench", said=stop) for stop in stops]
    found = history(
        [*stopped, *runs], [], recorded("dead", on_dead_called=True), handler="single", end="dead"
    )
    assert says(found, "S7") is seen


def test_a_fence_that_does_not_grow_is_reported():
    events = [*wrote("claim", 0), *completed(2, attempt=2, lease_id="b", pid=2)]
    assert says(history(events, [answered(2.5)], recorded()), "S12")


def test_a_death_without_a_call_of_on_dead_is_reported():
    events = [*wrote("claim", 0), *ran(0.1)[:1], *wrote("settle", 0.2, state="dead")]
    assert says(history(events, [], recorded("dead"), handler="single", end="dead"), "S15")


def test_a_rejected_or_dead_task_without_its_body_is_reported():
    found = history(wrote("settle", 0, state="rejected"), [], recorded("rejected"), end="rejected")
    assert says(found, "is not kept")
    found.dead_letters["t"] = b"{}"
    assert not says(found, "is not kept")


def test_a_conflict_without_its_body_is_reported():
    found = ordinary(others=(b"another",))
    assert says(found, "S13")
    found.dead_letters["t/1234"] = b"another"
    assert not says(found, "S13")


@pytest.mark.parametrize("status", [200, 404, 500])
def test_a_status_that_no_event_explains_is_reported(status: int):
    found = history(completed(0), [answered(0.5), answered(9, status)], recorded())
    assert says(found, "nobody can explain")


def test_a_delivery_without_an_answer_or_a_fault_is_reported():
    assert says(history(completed(0), [answered(0.5), answered(9, None)], recorded()), "for no reason")


def test_a_delivery_without_an_answer_from_a_killed_worker_is_accepted():
    killed = Event(what="bench", said="SIGKILL", at=8.5)
    assert problems(history([*completed(0), killed], [answered(0.5), answered(9, None)], recorded())) == []


@pytest.mark.parametrize(("outcome", "status"), [("unavailable", 503), ("retry", 503)])
def test_an_outcome_that_nothing_explains_is_reported(outcome: str, status: int):
    events = [*completed(0), Event(what="outcome", task="t", at=8.5, pid=1, said=outcome)]
    assert says(history(events, [answered(0.5), answered(9, status)], recorded()), "for no reason")


def test_more_runs_than_the_scenario_allows_are_reported():
    assert says(ordinary(runs=(2, 2)), "1 runs; from 2 to 2")


def test_other_answers_than_the_scenario_expects_are_reported():
    assert says(ordinary(statuses=(503, 200)), "is expected")


def test_a_problem_that_the_scenario_found_is_reported():
    found = ordinary()
    found.wrong.append("the moon is full")
    assert problems(found) == ["the moon is full"]
