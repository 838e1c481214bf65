"""Which tasks are due, which the limits allow, and which names are taken."""

from __future__ import annotations

import pytest

from taskhandler.devqueue import ApiError
from taskhandler.devqueue.backoff import RetryPolicy
from taskhandler.devqueue.queues import Queue, Queues, RateLimits, Settled
from taskhandler.devqueue.task import Answer, QueuedTask, Target

NAME = "projects/p/locations/l/queues/q"
OK, FAILED = Answer(200), Answer(500)


def make(task_id: str = "t", due: float = 0.0) -> QueuedTask:
    return QueuedTask(f"{NAME}/tasks/{task_id}", Target("http://x"), due=due, created=0.0)


def with_tasks(count: int, limits: RateLimits = RateLimits()) -> Queue:  # noqa: B008 - frozen
    queue = Queue(NAME, limits)
    for number in range(count):
        queue.add(make(f"t{number}"), 0.0)
    return queue


def taken(queue: Queue, now: float) -> list[str]:
    return [took[0].id for took in iter(lambda: queue.take(now), None)]


def test_tasks_are_taken_when_due_earliest_first():
    queue = Queue(NAME)
    for task_id, due in (("late", 9.0), ("second", 2.0), ("first", 1.0)):
        queue.add(make(task_id, due), 0.0)
    assert queue.ready_at(0.0) == 1.0
    assert taken(queue, 0.5) == []
    assert taken(queue, 3.0) == ["first", "second"]
    assert queue.ready_at(3.0) == 9.0


def test_deliveries_after_a_burst_keep_to_the_rate():
    queue = with_tasks(20, RateLimits(max_dispatches_per_second=5))
    assert len(taken(queue, 100.0)) == 10
    assert queue.ready_at(100.0) == pytest.approx(100.2)
    assert len(taken(queue, 101.0)) == 5
    assert len(taken(queue, 999.0)) == 5


def test_a_clock_that_is_set_back_adds_no_tokens_to_the_bucket():
    queue = with_tasks(20, RateLimits(max_dispatches_per_second=5))
    assert len(taken(queue, 100.0)) == 10
    assert taken(queue, 50.0) == []


def test_a_queue_at_its_max_concurrent_dispatches_returns_no_task():
    queue = with_tasks(3, RateLimits(max_concurrent_dispatches=2))
    first = queue.take(1.0)
    assert first is not None
    assert taken(queue, 1.0) == ["t1"]
    assert queue.ready_at(1.0) is None
    queue.settle(*first, OK, 2.0)
    assert taken(queue, 2.0) == ["t2"]


def test_a_paused_queue_returns_no_task():
    queue = with_tasks(1)
    queue.paused = True
    assert taken(queue, 1.0) == []
    assert queue.due_at() is None


def test_a_failed_task_is_due_again_after_its_backoff():
    queue = with_tasks(1)
    queue.retry = RetryPolicy(min_backoff=10)
    took = queue.take(1.0)
    assert took is not None
    assert queue.settle(*took, FAILED, 5.0) is Settled.RETRYING
    assert queue.ready_at(5.0) == 15.0


def test_a_tasks_own_retry_policy_replaces_the_queues():
    queue = Queue(NAME, retry=RetryPolicy(min_backoff=10))
    task = make()
    task.retry = RetryPolicy(min_backoff=2)
    queue.add(task, 0.0)
    queue.settle(*queue.take(1.0) or pytest.fail("nothing due"), FAILED, 5.0)
    assert task.due == 7.0


def test_an_exhausted_task_is_deleted():
    queue = with_tasks(1)
    queue.retry = RetryPolicy(max_attempts=1)
    took = queue.take(1.0)
    assert took is not None
    assert queue.settle(*took, FAILED, 2.0) is Settled.EXHAUSTED
    with pytest.raises(ApiError, match="no longer exists"):
        queue.find("t0", 3.0)


def test_a_running_task_that_is_forced_runs_twice():
    queue = with_tasks(1, RateLimits(max_concurrent_dispatches=1))
    task, first = queue.take(1.0) or pytest.fail("nothing due")
    second = queue.force(task, 1.5)
    assert (first.number, second.number, queue.running) == (0, 1, 2)
    assert queue.settle(task, second, OK, 2.0) is Settled.COMPLETED
    assert queue.settle(task, first, FAILED, 3.0) is Settled.GONE


def test_a_forced_task_is_not_taken_again_when_it_is_due():
    queue = Queue(NAME)
    task = make(due=10.0)
    queue.add(task, 0.0)
    queue.force(task, 1.0)
    assert queue.take(11.0) is None


def test_a_delivery_of_a_deleted_task_is_not_retried():
    queue = with_tasks(1)
    took = queue.take(1.0)
    assert took is not None
    queue.delete("t0", 2.0)
    assert queue.settle(*took, FAILED, 3.0) is Settled.GONE
    assert queue.due_at() is None


def test_a_purge_deletes_all_tasks():
    queue = with_tasks(3)
    queue.purge(1.0)
    assert (queue.tasks, queue.due_at(), queue.purged_at) == ({}, None, 1.0)


def test_a_task_name_in_use_is_refused():
    queue = with_tasks(1)
    with pytest.raises(ApiError, match="Requested entity already exists"):
        queue.add(make("t0"), 1.0)


def test_a_task_name_is_free_again_after_its_tombstone_ttl():
    queue = Queue(NAME, tombstone_ttl=60.0)
    queue.add(make(), 0.0)
    queue.delete("t", 10.0)
    with pytest.raises(ApiError, match="existed too recently"):
        queue.add(make(), 69.9)
    queue.add(make(), 70.0)


def test_a_task_name_that_was_never_used_is_not_found():
    with pytest.raises(ApiError, match=r"Requested entity was not found\."):
        Queue(NAME).find("t", 0.0)


def test_a_deleted_queues_name_is_refused_for_a_week():
    queues = Queues()
    queues.create(NAME, RateLimits(), RetryPolicy(), 0.0)
    with pytest.raises(ApiError, match="Queue already exists"):
        queues.create(NAME, RateLimits(), RetryPolicy(), 0.0)
    queues.delete(NAME, 0.0)
    with pytest.raises(ApiError, match="FAILED_PRECONDITION"):
        queues.create(NAME, RateLimits(), RetryPolicy(), 7 * 86400.0 - 1)
    queues.create(NAME, RateLimits(), RetryPolicy(), 7 * 86400.0)


def test_a_missing_queue_is_not_found():
    with pytest.raises(ApiError, match=r"Queue does not exist\."):
        Queues().find(NAME)
    with pytest.raises(ApiError, match=r"Requested entity was not found\."):
        Queues().delete(NAME, 0.0)
