"""The words of steering and what the errors carry."""

from __future__ import annotations

import pickle
from decimal import Decimal
from fractions import Fraction

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
)


@pytest.mark.parametrize("error", [ConfigError, EnqueueError, LedgerError, Steering, UsageError])
def test_every_error_is_caught_by_the_root(error: type[Exception]):
    assert issubclass(error, TaskHandlerError)


def test_an_interruption_passes_an_except_exception():
    assert not issubclass(Interrupted, Exception)
    assert Interrupted("draining").why == str(Interrupted("draining")) == "draining"


def test_a_wrong_setting_is_named_with_its_value_and_how_to_mend_it():
    error = ConfigError("LEASE", -1, "too short", remedy="Write 30")
    assert str(error) == "LEASE = -1: too short. Write 30"
    assert (error.key, error.value, error.problem, error.remedy) == ("LEASE", -1, "too short", "Write 30")


def test_a_missing_setting_is_said_to_be_missing():
    assert str(ConfigError("LEASE", None, "it is needed")) == "LEASE is not set: it is needed"


@pytest.mark.parametrize("word", [Retry, RateLimited])
@pytest.mark.parametrize("after", [None, 0, 0.5, 30, 10**9, Fraction(1, 2)])
def test_a_word_says_when_to_come_back(word: type[Retry | RateLimited], after: float | None):
    error = word("later", after=after)
    assert (error.reason, error.after, str(error)) == ("later", after, "later")
    assert isinstance(error, Steering)


@pytest.mark.parametrize("word", [Retry, RateLimited])
@pytest.mark.parametrize(
    "after", [-1, -0.001, float("nan"), float("inf"), -float("inf"), "30", [], 1j, Decimal("NaN")]
)
def test_a_time_that_cannot_be_is_refused(word: type[Retry | RateLimited], after: float):
    with pytest.raises(UsageError, match=rf"^{word.__name__}\(after=.*\): seconds from 0 up are wanted$"):
        word(after=after)


@pytest.mark.parametrize("word", [Retry, RateLimited, Reject])
def test_a_reason_may_be_left_out(word: type[Retry | RateLimited | Reject]):
    assert (word().reason, str(word())) == ("", "")


class NoMoney(Reject):
    """Somebody's own word, which says nothing to ours."""

    def __init__(self, order: int) -> None:
        self.order = order


class Busy(Retry):
    """The same."""

    def __init__(self) -> None:
        self.line = 5


def test_a_users_own_word_of_steering_need_not_know_ours():
    assert NoMoney(5).reason == ""
    assert (Busy().reason, Busy().after) == ("", None)


def test_a_word_of_steering_comes_back_from_another_process_as_it_was():
    error = pickle.loads(pickle.dumps(Retry("later", after=5)))  # noqa: S301 - our own bytes
    assert (error.reason, error.after) == ("later", 5)
