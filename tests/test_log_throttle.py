"""Tests of `taskhandler.log_throttle`."""

from __future__ import annotations

from taskhandler.log_throttle import MOST_CAUSES, MOST_KINDS, LogThrottle, and_more


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


def test_a_cause_has_one_line_an_interval_and_the_next_line_counts_the_rest() -> None:
    clock = Clock()
    throttle = LogThrottle(seconds=10, clock=clock)
    assert throttle.count_left_out("down") == 0
    assert [throttle.count_left_out("down") for _ in range(5)] == [None] * 5
    clock.now = 10
    assert throttle.count_left_out("down") == 5
    assert throttle.count_left_out("down") is None


def test_another_cause_is_not_silenced() -> None:
    throttle = LogThrottle(seconds=10, clock=Clock())
    assert throttle.count_left_out("retry", "one reason") == 0
    assert throttle.count_left_out("retry", "another reason") == 0
    assert throttle.count_left_out("dead", "one reason") == 0
    assert throttle.count_left_out("retry", "one reason") is None


def test_ever_new_causes_of_one_kind_have_a_few_lines() -> None:
    clock = Clock()
    throttle = LogThrottle(seconds=10, clock=clock)
    lines = [throttle.count_left_out("retry", f"no such order {number}") for number in range(1000)]
    assert lines == [0] * (MOST_CAUSES + 1) + [None] * (999 - MOST_CAUSES)
    clock.now = 10
    assert throttle.count_left_out("retry", "no such order 1000") == 999 - MOST_CAUSES


def test_each_cause_counts_for_itself() -> None:
    clock = Clock()
    throttle = LogThrottle(seconds=10, clock=clock)
    for cause in ("a", "a", "a", "b"):
        throttle.count_left_out("retry", cause)
    clock.now = 10
    assert throttle.count_left_out("retry", "b") == 0
    assert throttle.count_left_out("retry", "a") == 2


def test_the_kinds_that_are_remembered_are_bounded() -> None:
    throttle = LogThrottle(seconds=10, clock=Clock())
    for number in range(MOST_KINDS + 1):
        throttle.count_left_out(number)
    assert throttle.count_left_out(0) == 0


def test_a_line_says_how_many_were_left_out_before_it_only_if_there_were_any() -> None:
    assert and_more(0) == ""
    assert and_more(3) == " (and 3 more before)"
