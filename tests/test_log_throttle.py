"""Tests of `taskhandler.log_throttle`."""

from __future__ import annotations

import logging

import pytest

from taskhandler.log_throttle import (
    MOST_CAUSES,
    MOST_KINDS,
    SILENCE_SECONDS,
    VALUE_LIMIT,
    LogThrottle,
    ThrottledLog,
    and_more,
)


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


def test_a_cause_has_one_line_in_so_many_seconds_and_the_next_one_counts_the_rest() -> None:
    clock = Clock()
    throttle = LogThrottle(seconds=10, clock=clock)
    assert throttle.left_out("down") == 0
    assert [throttle.left_out("down") for _ in range(5)] == [None] * 5
    clock.now = 10
    assert throttle.left_out("down") == 5
    assert throttle.left_out("down") is None


def test_another_cause_is_not_silenced() -> None:
    throttle = LogThrottle(seconds=10, clock=Clock())
    assert throttle.left_out("retry", "one reason") == 0
    assert throttle.left_out("retry", "another reason") == 0
    assert throttle.left_out("dead", "one reason") == 0
    assert throttle.left_out("retry", "one reason") is None


def test_causes_without_end_have_a_few_lines_of_their_kind() -> None:
    clock = Clock()
    throttle = LogThrottle(seconds=10, clock=clock)
    lines = [throttle.left_out("retry", f"no such order {number}") for number in range(1000)]
    assert lines == [0] * (MOST_CAUSES + 1) + [None] * (999 - MOST_CAUSES)
    clock.now = 10
    assert throttle.left_out("retry", "no such order 1000") == 999 - MOST_CAUSES


def test_each_cause_counts_for_itself() -> None:
    clock = Clock()
    throttle = LogThrottle(seconds=10, clock=clock)
    for cause in ("a", "a", "a", "b"):
        throttle.left_out("retry", cause)
    clock.now = 10
    assert throttle.left_out("retry", "b") == 0
    assert throttle.left_out("retry", "a") == 2


def test_the_kinds_that_are_remembered_are_bounded() -> None:
    throttle = LogThrottle(seconds=10, clock=Clock())
    for number in range(MOST_KINDS + 1):
        throttle.left_out(number)
    assert throttle.left_out(0) == 0


def test_a_line_says_how_many_were_left_out_before_it_only_if_there_were_any() -> None:
    assert and_more(0) == ""
    assert and_more(3) == " (and 3 more before)"


def throttled(clock: Clock) -> ThrottledLog:
    return ThrottledLog(logging.getLogger("taskhandler.ledger"), clock=clock)


def test_a_throttled_log_writes_to_the_logger_at_the_level_that_is_asked_for(
    caplog: pytest.LogCaptureFixture,
) -> None:
    log = throttled(Clock())
    log.error("%s is out of use", "The disk at 100%")
    log.warning("%d of %d", 1, 2)
    log.log(logging.CRITICAL, "nothing works")
    name = "taskhandler.ledger"
    assert caplog.record_tuples == [
        (name, logging.ERROR, "The disk at 100% is out of use"),
        (name, logging.WARNING, "1 of 2"),
        (name, logging.CRITICAL, "nothing works"),
    ]


def test_a_throttled_log_repeats_a_line_after_the_silence_and_says_how_often_it_was_left_out(
    caplog: pytest.LogCaptureFixture,
) -> None:
    clock = Clock()
    log = throttled(clock)
    for clock.now in (0, 1, SILENCE_SECONDS - 1, SILENCE_SECONDS):
        log.error("%s is out of use", clock.now)
    assert caplog.messages == ["0 is out of use", f"{SILENCE_SECONDS} is out of use (and 2 more before)"]


def test_a_throttled_log_has_a_line_for_each_kind_and_each_cause(caplog: pytest.LogCaptureFixture) -> None:
    log = throttled(Clock())
    for kind, cause in (("disk", None), ("disk", None), ("row", 1), ("row", 2), ("row", 1)):
        log.error("%s %s", kind, cause, kind=kind, cause=cause)
    assert caplog.messages == ["disk None", "row 1", "row 2"]


def test_a_throttled_log_makes_each_value_one_printable_bounded_text(
    caplog: pytest.LogCaptureFixture,
) -> None:
    throttled(Clock()).error("a row: %s", "It is\nspoilt \x1b[2J" + "x" * 10_000)
    assert caplog.messages[0].startswith("a row: It is spoilt ?[2Jx")
    assert len(caplog.messages[0]) == len("a row: ") + VALUE_LIMIT


def test_a_throttled_log_has_one_traceback_for_each_type_of_error(caplog: pytest.LogCaptureFixture) -> None:
    log = throttled(Clock())
    for error in (ValueError("one"), ValueError("two"), KeyError("three")):
        log.traceback("%s failed", "a heartbeat", error=error)
    assert [(line.message, line.exc_info and line.exc_info[0]) for line in caplog.records] == [
        ("a heartbeat failed", ValueError),
        ("a heartbeat failed", KeyError),
    ]
