"""The documented backoff and the end of all attempts."""

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


def test_the_example_of_the_documentation_holds():
    policy = RetryPolicy(min_backoff=10, max_backoff=300, max_doublings=3)
    assert [retry_interval(policy, n) for n in range(1, 9)] == [10, 20, 40, 80, 160, 240, 300, 300]


def test_without_doublings_the_backoff_grows_linearly_from_the_start():
    policy = RetryPolicy(min_backoff=10, max_backoff=45, max_doublings=0)
    assert [retry_interval(policy, n) for n in range(1, 7)] == [10, 20, 30, 40, 45, 45]


def test_the_defaults_are_the_real_ones():
    policy = RetryPolicy()
    assert [retry_interval(policy, n) for n in (1, 2, 3, 100)] == [0.1, 0.2, 0.4, 3600]


@given(policies, st.integers(1, 10**6))
def test_every_backoff_is_between_the_least_and_the_most(policy: RetryPolicy, failures: int):
    assert policy.min_backoff <= retry_interval(policy, failures) <= policy.max_backoff


@given(policies, st.integers(1, 10**6))
def test_the_backoff_never_shrinks(policy: RetryPolicy, failures: int):
    assert retry_interval(policy, failures) <= retry_interval(policy, failures + 1)


@pytest.mark.parametrize("status", [429, 503])
def test_retry_after_lengthens_the_wait_after_429_and_503(status: int):
    assert retry_delay(RetryPolicy(), 1, status=status, retry_after="7") == 7


def test_a_retry_after_shorter_than_the_backoff_changes_nothing():
    assert retry_delay(RetryPolicy(min_backoff=10), 1, status=503, retry_after="7") == 10


@pytest.mark.parametrize("status", [None, 404, 500])
def test_retry_after_means_nothing_with_any_other_answer(status: int | None):
    assert retry_delay(RetryPolicy(), 1, status=status, retry_after="7") == 0.1


@pytest.mark.parametrize("hint", [None, "", "soon", "-1", "1.5", "Wed, 21 Oct 2026 07:28:00 GMT", "9" * 400])
def test_a_retry_after_that_is_not_seconds_is_ignored(hint: str | None):
    assert retry_delay(RetryPolicy(), 1, status=503, retry_after=hint) == 0.1


def test_a_retry_after_keeps_a_task_no_longer_than_cloud_tasks_would():
    assert retry_delay(RetryPolicy(), 1, status=503, retry_after="99999999999") == 31 * 86400


@pytest.mark.parametrize(
    ("attempts", "elapsed", "spent"),
    [(2, 0, False), (3, 0, False), (2, 60, False), (3, 59, False), (3, 60, True), (9, 99, True)],
)
def test_both_limits_must_be_reached_where_both_are_set(attempts: int, elapsed: float, spent: bool):  # noqa: FBT001 - a table's column
    policy = RetryPolicy(max_attempts=3, max_retry_duration=60)
    assert is_exhausted(policy, attempts=attempts, elapsed=elapsed) is spent


def test_without_a_duration_the_attempts_decide():
    assert is_exhausted(RetryPolicy(max_attempts=3), attempts=3, elapsed=0)


def test_without_attempts_the_duration_decides():
    policy = RetryPolicy(max_attempts=-1, max_retry_duration=60)
    assert not is_exhausted(policy, attempts=10**6, elapsed=59)
    assert is_exhausted(policy, attempts=1, elapsed=60)


def test_without_both_a_task_is_tried_for_ever():
    assert not is_exhausted(RetryPolicy(max_attempts=-1), attempts=10**6, elapsed=10**9)
