"""Tests of `taskhandler.throttled_log`."""

from __future__ import annotations

import logging

import pytest

from taskhandler.throttled_log import SILENCE_SECONDS, VALUE_LIMIT_CHARACTERS, ThrottledLog


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


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
    assert len(caplog.messages[0]) == len("a row: ") + VALUE_LIMIT_CHARACTERS


def test_a_throttled_log_has_one_traceback_for_each_type_of_error(caplog: pytest.LogCaptureFixture) -> None:
    log = throttled(Clock())
    for error in (ValueError("one"), ValueError("two"), KeyError("three")):
        log.traceback("%s failed", "a heartbeat", error=error)
    assert [(line.message, line.exc_info and line.exc_info[0]) for line in caplog.records] == [
        ("a heartbeat failed", ValueError),
        ("a heartbeat failed", KeyError),
    ]


def test_a_throttled_log_cleans_a_traceback_whose_message_could_forge_a_line(
    caplog: pytest.LogCaptureFixture,
) -> None:
    throttled(Clock()).traceback("it failed", error=ValueError("no\n2026 CRITICAL forged"))
    (line,) = caplog.records
    assert line.exc_info is None
    assert line.message.splitlines()[0] == "it failed"
    assert line.message.endswith("\nValueError: no 2026 CRITICAL forged")
