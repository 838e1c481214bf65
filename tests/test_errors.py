"""The words of steering and what the errors carry."""

from __future__ import annotations

import pickle
from datetime import timedelta
from decimal import Decimal
from fractions import Fraction
from typing import Any

import pytest

from taskhandler.errors import (
    ConfigError,
    EnqueueError,
    Interrupted,
    LedgerError,
    RateLimited,
    Reject,
    Retry,
    Steering,
    TaskHandlerError,
    UsageError,
    retry_after,
)


@pytest.mark.parametrize("error", [ConfigError, EnqueueError, LedgerError, Steering, UsageError])
def test_every_error_is_caught_by_the_root(error: type[Exception]):
    assert issubclass(error, TaskHandlerError)


def test_an_interruption_passes_an_except_exception():
    assert not issubclass(Interrupted, Exception)
    assert Interrupted("draining").why == str(Interrupted("draining")) == "draining"


def test_a_config_error_names_the_setting_its_value_and_the_remedy():
    error = ConfigError("LEASE", -1, "too short", remedy="Write 30")
    assert str(error) == "LEASE = -1: too short. Write 30"
    assert (error.key, error.value, error.problem, error.remedy) == ("LEASE", -1, "too short", "Write 30")


def test_a_missing_setting_is_named_as_missing():
    assert str(ConfigError("LEASE", None, "it is needed")) == "LEASE is not set: it is needed"


@pytest.mark.parametrize("word", [Retry, RateLimited])
@pytest.mark.parametrize("after", [None, 0, 0.5, 30, 10**9, Fraction(1, 2), Decimal("1.5")])
def test_retry_and_rate_limited_carry_their_delay(word: type[Retry | RateLimited], after: float | None):
    error = word("later", after=after)
    assert (error.reason, error.after, str(error)) == ("later", after, "later")
    assert isinstance(error, Steering)


@pytest.mark.parametrize("word", [Retry, RateLimited])
@pytest.mark.parametrize(
    "after",
    [
        -1,
        -0.001,
        float("nan"),
        float("inf"),
        -float("inf"),
        "30",
        [],
        1j,
        True,
        Decimal("NaN"),
        timedelta(-1),
    ],
)
def test_an_impossible_value_of_after_is_refused(word: type[Retry | RateLimited], after: float):
    with pytest.raises(UsageError) as refused:
        word(after=after)
    problem = "must be seconds (a number) or a timedelta, from 0 to 1000000000"
    assert str(refused.value) == f"{word.__name__}(after={after!r}): {problem}"


@pytest.mark.parametrize("word", [Retry, RateLimited])
def test_after_may_be_a_timedelta(word: type[Retry | RateLimited]):
    assert word(after=timedelta(minutes=1)).after == 60.0


@pytest.mark.parametrize("word", [Retry, RateLimited])
@pytest.mark.parametrize("seconds", [30, 0.5, timedelta(seconds=30), -1])
def test_a_duration_in_the_place_of_the_reason_is_refused_with_a_hint(
    word: type[Retry | RateLimited], seconds: object
):
    with pytest.raises(UsageError) as refused:
        word(seconds)  # type: ignore[arg-type]  # what is being tried
    said = f"{word.__name__}({seconds!r}): the reason comes first. Write after={seconds!r}"
    assert str(refused.value) == said


@pytest.mark.parametrize("word", [Retry, RateLimited, Reject])
@pytest.mark.parametrize("reason", [b"no", None, ["4000-secret"], True])
def test_a_reason_that_is_not_text_is_refused(word: type[Retry | RateLimited | Reject], reason: Any):  # noqa: ANN401 - what is being tried
    with pytest.raises(UsageError) as refused:
        word(reason)
    said = f"{word.__name__}: the reason must be a string or an error, not of type {type(reason).__name__}"
    assert str(refused.value) == said


def test_a_number_as_the_reason_of_reject_is_refused():
    with pytest.raises(UsageError, match="the reason must be a string or an error, not of type int"):
        Reject(30)  # type: ignore[arg-type]  # what is being tried


@pytest.mark.parametrize(
    ("after", "seconds"),
    [(None, None), (30, 30.0), (timedelta(minutes=1), 60.0), ("30", None), (-1, None), (float("nan"), None)],
)
def test_after_that_a_subclass_sets_is_read_alike(after: Any, seconds: float | None):  # noqa: ANN401 - what is being tried
    busy = Busy()
    busy.after = after
    assert retry_after(busy) == seconds


@pytest.mark.parametrize("word", [Retry, RateLimited, Reject])
def test_an_exception_may_be_given_as_the_reason(word: type[Retry | RateLimited | Reject]):
    assert str(word(LookupError("no order")).reason) == "no order"  # type: ignore[arg-type]  # users do


@pytest.mark.parametrize("word", [Retry, RateLimited, Reject])
def test_a_reason_may_be_left_out(word: type[Retry | RateLimited | Reject]):
    assert (word().reason, str(word())) == ("", "")


class NoMoney(Reject):
    """A subclass that does not call our constructor."""

    def __init__(self, order: int) -> None:
        self.order = order


class Busy(Retry):
    """The same."""

    def __init__(self) -> None:
        self.line = 5


def test_a_subclass_of_retry_need_not_call_our_constructor():
    assert NoMoney(5).reason == ""
    assert (Busy().reason, Busy().after) == ("", None)


def test_a_steering_error_survives_pickling():
    error = pickle.loads(pickle.dumps(Retry("later", after=5)))  # noqa: S301 - our own bytes
    assert (error.reason, error.after) == ("later", 5)


def test_a_configuration_error_shows_no_password_and_no_value_of_a_query():
    error = ConfigError(
        "TASKHANDLER_LEDGER", "postgres://us:secret@host/?key=secret", "there is no such ledger"
    )
    assert "secret" not in str(error)
    assert "postgres://us:***@host/?key=***" in str(error)
