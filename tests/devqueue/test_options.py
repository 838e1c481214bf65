"""Options: names that are misspelt and values out of range are refused in one bounded line."""

from __future__ import annotations

from typing import Annotated, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from taskhandler.devqueue.options import between, option_types, read_number, read_options
from taskhandler.errors import UsageError

Percentage = Annotated[float, between(0, 100, "a percentage")]
Count = Annotated[int, between(1, 9, "an integer")]


class Options:
    share: Percentage
    count: Count


TYPES = option_types(Options)
JSON: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda children: st.lists(children, max_size=3) | st.dictionaries(st.text(), children, max_size=3),
)


def problem_of(chosen: dict[str, Any]) -> str:
    with pytest.raises(UsageError) as refused:
        read_options("option", chosen, TYPES)
    return str(refused.value)


def test_options_within_their_ranges_are_converted_to_their_types():
    assert read_options("option", {"share": 100, "count": 1}, TYPES) == {"share": 100.0, "count": 1}


@given(value=JSON.filter(lambda value: not isinstance(value, int | float) or isinstance(value, bool)))
def test_a_value_of_another_type_is_refused_in_one_bounded_line(value: Any):  # noqa: ANN401 - JSON
    problem = problem_of({"count": value})
    assert problem.isprintable()
    assert len(problem) <= len("count=: must be an integer from 1 to 9") + 100


@given(name=st.text().filter(lambda name: name not in TYPES))
def test_an_unknown_name_is_refused_in_one_bounded_line(name: str):
    problem = problem_of({name: 1})
    assert problem.isprintable()
    assert len(problem) <= len("unknown option ; choose from share, count") + 100


def test_a_misspelt_name_is_refused_with_the_name_that_is_like_it():
    assert problem_of({"chare": 1}) == "unknown option 'chare'; did you mean 'share'?"


def test_a_name_like_no_other_is_refused_with_all_names():
    assert problem_of({"x" * 10_000: 1}).endswith("xxx'; choose from share, count")


def test_a_value_out_of_range_is_refused_with_the_range():
    assert problem_of({"count": 10}) == "count=10: must be an integer from 1 to 9"


def test_a_value_that_is_text_is_not_read_as_a_number():
    assert problem_of({"count": "5"}) == "count='5': must be an integer from 1 to 9"


def test_a_value_nested_too_deeply_is_refused():
    nested: Any = 1
    for _ in range(10_000):
        nested = [nested]
    assert problem_of({"count": nested}) == "count=[[[[[[[...]]]]]]]: must be an integer from 1 to 9"


@pytest.mark.parametrize("text", ["", " 5", "5_0", "٣", "0x5", "five", "nan", "-1", "101", "9" * 5000])
def test_a_text_that_is_not_a_number_in_range_is_refused(text: str):
    with pytest.raises(UsageError, match=r"^share=.*: must be a percentage from 0 to 100$"):
        read_number("share", text, Percentage)


@pytest.mark.parametrize("text", ["5", "5.0", "5e0"])
def test_a_text_that_is_a_number_in_range_is_read(text: str):
    assert read_number("share", text, Percentage) == 5.0
