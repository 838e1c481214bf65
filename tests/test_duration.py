"""Durations are read alike everywhere: seconds, or a timedelta."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from taskhandler.duration import must_be, seconds_of


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        (1, 1.0),
        (1.5, 1.5),
        (60, 60.0),
        (timedelta(seconds=1), 1.0),
        (timedelta(minutes=1), 60.0),
        (Fraction(3, 2), 1.5),
        (Decimal("1.5"), 1.5),
    ],
)
def test_seconds_and_timedeltas_are_durations(value: object, seconds: float):
    read = seconds_of(value, least=1, most=60)
    assert (read, type(read)) == (seconds, float)


@pytest.mark.parametrize(
    "value",
    [
        0.999,
        60.001,
        10**400,
        float("nan"),
        float("inf"),
        Decimal("NaN"),
        Decimal("sNaN"),
        Decimal("Infinity"),
        timedelta(0),
        timedelta(seconds=61),
        timedelta.max,
        True,
        "30",
        b"30",
        1j,
        None,
        [],
    ],
)
def test_what_is_not_a_duration_or_too_short_or_too_long_is_none(value: object):
    assert seconds_of(value, least=1, most=60) is None


@given(st.floats() | st.integers() | st.timedeltas() | st.decimals() | st.fractions() | st.text())
def test_whatever_is_asked_the_answer_is_within_the_bounds(value: object):
    seconds = seconds_of(value, least=0, most=100)
    assert seconds is None or 0 <= seconds <= 100


def test_there_is_one_sentence():
    said = "must be seconds (a number) or a timedelta, from 0.5 to 1000000000"
    assert must_be(least=0.5, most=10**9) == said
