"""Tests of `taskhandler.outcome`."""

from __future__ import annotations

from taskhandler.outcome import STATUS, Outcome


def test_every_outcome_has_a_status_and_none_is_a_redirect():
    assert set(STATUS) == set(Outcome)
    assert not [status for status in STATUS.values() if 300 <= status < 400]
