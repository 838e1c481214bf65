"""The name and the options of a handler."""

from __future__ import annotations

import functools
from collections.abc import Callable
from datetime import timedelta
from decimal import Decimal

import pytest

from taskhandler.errors import UsageError
from taskhandler.handlers.options import Options, check_options, choose_name


def double(number: int) -> int:
    return 2 * number


@pytest.mark.parametrize("name", ["charge-order", "a", "7up", "A_b-C", "x" * 100])
def test_a_name_that_can_be_part_of_a_url_is_kept(name: str):
    assert choose_name(name, double) == name


def test_the_name_of_a_handler_is_its_functions_by_default():
    assert choose_name(None, double) == "double"


@pytest.mark.parametrize(
    "name", ["", "-a", "_a", "a/b", "a b", "a.b", "é", "a\n", "x" * 101, "%2F", "..", 5, b"a", ["a"]]
)
def test_a_name_that_cannot_be_part_of_a_url_is_refused(name: object):
    with pytest.raises(UsageError, match=r"the name of a handler, .*, must be up to 100 letters"):
        choose_name(name, double)


@pytest.mark.parametrize("function", [lambda: 1, functools.partial(double, 1)])
def test_a_handler_of_a_function_without_a_name_must_be_given_one(function: Callable[[], int]):
    with pytest.raises(UsageError, match=r"the name of a handler, .*, must be up to 100 letters"):
        choose_name(None, function)
    assert choose_name("one", function) == "one"


def test_options_that_are_not_given_have_their_defaults():
    assert check_options("h", {}) == Options()


@pytest.mark.parametrize(
    ("option", "value"),
    [
        ("lease", 1),
        ("lease", 1800.0),
        ("lease", Decimal(30)),
        ("max_attempts", 1),
        ("max_attempts", 10**6),
        ("on_invalid", "retry"),
        ("queue", "orders-2"),
        ("queue", "q" * 100),
    ],
)
def test_a_valid_option_is_accepted(option: str, value: object):
    assert getattr(check_options("h", {option: value}), option) == value


def test_a_lease_may_be_a_timedelta():
    assert check_options("h", {"lease": timedelta(minutes=2)}).lease == 120.0


@pytest.mark.parametrize("accounts", ["a@b.c", ["a@b.c"], {"a@b.c"}, ("a@b.c", "a@b.c"), {"a@b.c": 1}.keys()])
def test_service_accounts_may_be_one_or_many(accounts: object):
    assert check_options("h", {"service_accounts": accounts}).service_accounts == frozenset({"a@b.c"})


@pytest.mark.parametrize(
    ("option", "values"),
    [
        (
            "lease",
            [0, 0.9, 1801, float("nan"), float("inf"), "30", True, [], timedelta(0), timedelta(hours=1)],
        ),
        ("max_attempts", [0, -1, 1.0, 1.5, "3", True, 10**6 + 1, []]),
        ("on_invalid", ["drop", None, True, [], {}]),
        ("queue", ["", "a/b", "a b", "q_1", "q" * 101, "q\n", 5, []]),
        ("service_accounts", ["", [], 5, [5], [""], [[]], "nobody", b"a@b.c", ["a@b.c", None], {}]),
    ],
)
def test_an_invalid_option_is_refused_with_the_handler_and_the_value(option: str, values: list[object]):
    for value in values:
        with pytest.raises(UsageError) as refused:
            check_options("charge", {option: value})
        assert str(refused.value).startswith(f"handler 'charge': {option}={value!r}: ")


@pytest.mark.parametrize(
    ("option", "meant"),
    [("max_attempt", "max_attempts"), ("Lease", "lease"), ("service_account", "service_accounts")],
)
def test_an_unknown_option_is_refused_with_a_guess(option: str, meant: str):
    with pytest.raises(UsageError) as refused:
        check_options("charge", {option: 1})
    assert str(refused.value) == f"handler 'charge': there is no option {option!r}. Did you mean {meant!r}?"


def test_an_unknown_option_unlike_any_other_is_refused_with_the_list_of_options():
    with pytest.raises(UsageError, match=r"no option 'colour'\. There are: lease, max_attempts, "):
        check_options("charge", {"colour": "red"})
