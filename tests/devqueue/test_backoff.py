"""Retry intervals as documented, and when a task is exhausted."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from taskhandler.devqueue.backoff import RetryPolicy, is_exhausted, retry_delay, retry_interval

policies = st.builds(
    RetryPolicy,
    min_backoff=st.floats(0, 1000),
    max_backoff=st.floats(1000, 10**9),
    max_doublings=st.integers(0, 10**6),
)


def test_the_retry_interval_grows_as_in_googles_example():
    policy = RetryPolicy(min_backoff=10, max_backoff=300, max_doublings=3)
    assert [retry_interval(policy, n) for n in range(1, 9)] == [10, 20, 40, 80, 160, 240, 300, 300]


def test_the_retry_interval_without_doublings_grows_linearly():
    policy = RetryPolicy(min_backoff=10, max_backoff=45, max_doublings=0)
    assert [retry_interval(policy, n) for n in range(1, 7)] == [10, 20, 30, 40, 45, 45]


def test_the_default_retry_policy_is_that_of_the_real_service():
    policy = RetryPolicy()
    assert [retry_interval(policy, n) for n in (1, 2, 3, 100)] == [0.1, 0.2, 0.4, 3600]


@given(policies, st.integers(1, 10**6))
def test_every_retry_interval_is_between_min_and_max_backoff(policy: RetryPolicy, failures: int):
    assert policy.min_backoff <= retry_interval(policy, failures) <= policy.max_backoff


@given(policies, st.integers(1, 10**6))
def test_the_retry_interval_never_shrinks(policy: RetryPolicy, failures: int):
    assert retry_interval(policy, failures) <= retry_interval(policy, failures + 1)


@pytest.mark.parametrize("status", [429, 503])
def test_retry_after_lengthens_the_delay_after_429_and_503(status: int):
    assert retry_delay(RetryPolicy(), 1, status=status, retry_after="7") == 7


def test_a_retry_after_shorter_than_the_interval_is_ignored():
    assert retry_delay(RetryPolicy(min_backoff=10), 1, status=503, retry_after="7") == 10


@pytest.mark.parametrize("status", [None, 404, 500])
def test_retry_after_is_ignored_after_other_statuses(status: int | None):
    assert retry_delay(RetryPolicy(), 1, status=status, retry_after="7") == 0.1


@pytest.mark.parametrize("hint", [None, "", "soon", "-1", "1.5", "Wed, 21 Oct 2026 07:28:00 GMT", "9" * 400])
def test_a_retry_after_that_is_not_seconds_is_ignored(hint: str | None):
    assert retry_delay(RetryPolicy(), 1, status=503, retry_after=hint) == 0.1


def test_a_retry_after_of_more_than_31_days_is_cut_to_31_days():
    assert retry_delay(RetryPolicy(), 1, status=503, retry_after="99999999999") == 31 * 86400


BOTH_LIMITS = RetryPolicy(max_attempts=3, max_retry_duration=60)


@pytest.mark.parametrize(("attempts", "elapsed"), [(3, 60), (9, 99)])
def test_a_task_that_has_reached_both_limits_is_exhausted(attempts: int, elapsed: float):
    assert is_exhausted(BOTH_LIMITS, attempts=attempts, elapsed=elapsed)


@pytest.mark.parametrize(("attempts", "elapsed"), [(2, 0), (3, 0), (2, 60), (3, 59)])
def test_a_task_that_has_reached_one_of_two_limits_is_not_exhausted(attempts: int, elapsed: float):
    assert not is_exhausted(BOTH_LIMITS, attempts=attempts, elapsed=elapsed)


def test_a_task_without_a_max_duration_is_exhausted_by_its_attempts():
    assert is_exhausted(RetryPolicy(max_attempts=3), attempts=3, elapsed=0)


def test_a_task_with_unlimited_attempts_is_exhausted_by_its_duration():
    policy = RetryPolicy(max_attempts=-1, max_retry_duration=60)
    assert not is_exhausted(policy, attempts=10**6, elapsed=59)
    assert is_exhausted(policy, attempts=1, elapsed=60)


def test_a_task_without_limits_is_never_exhausted():
    assert not is_exhausted(RetryPolicy(max_attempts=-1), attempts=10**6, elapsed=10**9)
