"""A ledger complains once a minute of each thing, not once for every delivery."""

from __future__ import annotations

import logging

import pytest

from taskhandler.ledger.complaints import LINE_LIMIT, Complaints
from tests.ledger.filed import Hands


@pytest.fixture
def complaints(hands: Hands) -> Complaints:
    """Complaints by the clock of `hands`."""
    return Complaints(clock=lambda: hands.boot)


def test_a_complaint_is_an_error_in_the_log(complaints: Complaints, caplog: pytest.LogCaptureFixture):
    complaints.make("disk", "The disk is 100% full.")
    assert caplog.record_tuples == [("taskhandler.ledger", logging.ERROR, "The disk is 100% full.")]


def test_the_same_is_not_said_again_within_a_minute_and_then_with_how_often_it_was_not(
    complaints: Complaints, hands: Hands, caplog: pytest.LogCaptureFixture
):
    for seconds in (0, 1, 58):
        hands.boot += seconds * 10**9
        complaints.make("disk", f"It is full, {seconds}.")
    assert caplog.messages == ["It is full, 0."]
    hands.boot += 2 * 10**9
    complaints.make("disk", "It is still full.")
    assert caplog.messages == ["It is full, 0.", "It is still full. (2 more since the last such line.)"]


def test_a_complaint_is_one_printable_bounded_line(complaints: Complaints, caplog: pytest.LogCaptureFixture):
    complaints.make("row", "It is\nspoilt \x1b[2J" + "x" * 10_000)
    assert caplog.messages[0].startswith("It is spoilt ?[2Jx")
    assert len(caplog.messages[0]) == LINE_LIMIT


def test_something_else_is_said_at_once(complaints: Complaints, caplog: pytest.LogCaptureFixture):
    complaints.make("disk", "It is full.")
    complaints.make("row", "It is spoilt.")
    assert caplog.messages == ["It is full.", "It is spoilt."]
