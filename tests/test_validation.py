"""What users choose is checked alike everywhere: durations, numbers, choices, lists."""

from __future__ import annotations

import re
from datetime import timedelta
from decimal import Decimal
from fractions import Fraction
from typing import Annotated, Any, Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import Meta

from taskhandler.validation import Count, check, find_closest, is_number, seconds

Minute = Annotated[float, seconds(1, 60)]
Colour = Annotated[Literal["red", "green"], Meta(description="'red' or 'green'")]
Word = Annotated[str, Meta(pattern=r"\A[a-z]+\Z", description="a word")]
Words = Annotated[tuple[Word, ...], Meta(min_length=1, description="one or more words")]


@pytest.mark.parametrize(
    ("value", "read"),
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
def test_a_duration_may_be_a_number_of_seconds_or_a_timedelta(value: object, read: float):
    checked = check(value, Minute)
    assert (checked, type(checked)) == (read, float)


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
def test_a_duration_of_another_type_or_beyond_its_bounds_is_refused(value: object):
    with pytest.raises(ValueError, match=r"must be seconds \(a number\) or a timedelta, from 1 to 60\Z"):
        check(value, Minute)


@given(st.floats() | st.integers() | st.timedeltas() | st.decimals() | st.fractions() | st.text())
def test_a_duration_that_is_accepted_is_within_its_bounds(value: object):
    try:
        checked = check(value, Minute)
    except ValueError:
        return
    assert 1 <= checked <= 60


@pytest.mark.parametrize("value", [0.4, 10**9 + 1])
def test_the_bounds_of_a_duration_are_shown_in_full(value: float):
    with pytest.raises(ValueError, match=r"from 0\.5 to 1000000000\Z"):
        check(value, Annotated[float, seconds(0.5, 10**9)])


@pytest.mark.parametrize(
    ("value", "kind"),
    [(1, Count), (10**400, Count), ("red", Colour), ("word", Word), (1, Count | None), (None, Count | None)],
)
def test_a_value_that_fits_is_returned_as_it_is(value: object, kind: Any):  # noqa: ANN401 - a type
    assert check(value, kind) == value


@pytest.mark.parametrize("words", [["a", "b"], ("a", "b")])
def test_a_list_becomes_a_tuple(words: object):
    assert check(words, Words) == ("a", "b")


@pytest.mark.parametrize(
    ("value", "kind", "problem"),
    [
        (0, Count, "must be an integer of at least 1"),
        (0, Count | None, "must be an integer of at least 1"),
        (None, Count, "must be an integer of at least 1"),
        (8.0, Count, "must be an integer of at least 1"),
        (True, Count, "must be an integer of at least 1"),
        ("8", Count, "must be an integer of at least 1"),
        ("blue", Colour, "must be 'red' or 'green'"),
        ("word\n", Word, "must be a word"),
        ((), Words, "must be one or more words"),
        ("ab", Words, "must be one or more words"),
        (b"ab", Words, "must be one or more words"),
        ({"a": 1}, Words, "must be one or more words"),
        (["a", "B", 5], Words, "must be one or more words; 'B' is not one"),
        ({"a", 5}, Words, "must be one or more words; 5 is not one"),
    ],
)
def test_a_value_that_does_not_fit_is_refused_with_what_it_must_be(value: object, kind: Any, problem: str):  # noqa: ANN401 - a type
    with pytest.raises(ValueError, match=re.escape(problem) + r"\Z"):
        check(value, kind)


def test_a_value_that_holds_itself_is_refused():
    endless: list[object] = []
    endless.append(endless)
    with pytest.raises(ValueError, match="must be one or more words"):
        check(endless, Words)


@pytest.mark.parametrize(("value", "expected"), [(1, True), (Decimal(1), True), (True, False), ("1", False)])
def test_true_is_not_a_number(value: object, expected: bool):  # noqa: FBT001 - a parameter of the test
    assert is_number(value) is expected


@pytest.mark.parametrize(
    ("name", "meant"),
    [("leese", "lease"), ("retries", "retry"), ("colour", None), ("lease" * 1000, None), ("", None)],
)
def test_a_misspelt_name_is_guessed_if_one_is_like_it(name: str, meant: str | None):
    assert find_closest(name, ["lease", "retry", "queue"]) == meant
