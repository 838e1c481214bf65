"""A ledger complains once a minute of each thing, not once for every delivery."""

from __future__ import annotations

import logging

import pytest

from taskhandler.ledger.complaints import EVERY, Complaints
from tests.ledger.filed import Hands


@pytest.fixture
def complaints(hands: Hands) -> Complaints:
    """Complaints by the clock of `hands`."""
    return Complaints(clock=lambda: hands.boot)


def test_a_complaint_is_an_error_in_the_log(complaints: Complaints, caplog: pytest.LogCaptureFixture):
    complaints.make("disk", "The disk is 100% full.")
    assert caplog.record_tuples == [("taskhandler.ledger", logging.ERROR, "The disk is 100% full.")]


def test_the_same_is_not_said_again_within_a_minute(
    complaints: Complaints, hands: Hands, caplog: pytest.LogCaptureFixture
):
    for step in (0, 1, EVERY - 2):
        hands.boot += step
        complaints.make("disk", f"It is full, {step}.")
    assert caplog.messages == ["It is full, 0."]
    hands.boot += 1
    complaints.make("disk", "It is still full.")
    assert caplog.messages == ["It is full, 0.", "It is still full."]


def test_something_else_is_said_at_once(complaints: Complaints, caplog: pytest.LogCaptureFixture):
    complaints.make("disk", "It is full.")
    complaints.make("row", "It is spoilt.")
    assert caplog.messages == ["It is full.", "It is spoilt."]
