from __future__ import annotations

from taskhandler.auth.fetch_budget import TokenBucket


def test_a_burst_of_fetches_is_allowed_at_once_and_no_more():
    budget = TokenBucket(burst=3, seconds=60)
    assert [budget.take(0) for _ in range(5)] == [True, True, True, False, False]


def test_one_more_fetch_is_allowed_after_each_interval():
    budget = TokenBucket(burst=3, seconds=60)
    assert sum(budget.take(now) for now in range(600)) == 3 + 9
    assert not budget.take(599)
    assert budget.take(600)


def test_unused_fetches_are_saved_up_to_the_burst():
    budget = TokenBucket(burst=3, seconds=60)
    assert all(budget.take(0) for _ in range(3))
    assert [budget.take(120) for _ in range(3)] == [True, True, False]
    assert [budget.take(100_000) for _ in range(4)] == [True, True, True, False]


def test_a_refused_fetch_uses_up_nothing():
    budget = TokenBucket(burst=1, seconds=60)
    assert budget.take(0)
    assert not any(budget.take(59) for _ in range(100))
    assert budget.take(60)
