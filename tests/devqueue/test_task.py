"""The counts of a task's attempts, which its headers carry."""

from __future__ import annotations

import pytest

from taskhandler.devqueue.task import Answer, QueuedTask, Target


def counts_after(*statuses: int | None) -> tuple[int, int, int | None]:
    """Return number, execution count and previous response of the delivery after these answers."""
    task = QueuedTask("projects/p/locations/l/queues/q/tasks/t", Target("http://x"), due=1.0, created=1.0)
    for status in statuses:
        task.end(task.begin(1.0), Answer(status), 2.0)
    delivery = task.begin(3.0)
    return delivery.number, delivery.execution_count, delivery.previous


@pytest.mark.parametrize(
    ("statuses", "expected"),
    [
        ((), (0, 0, None)),
        ((503,), (1, 0, 503)),
        ((503, 404), (2, 1, 404)),
        ((503, 404, 429), (3, 2, 429)),
        ((503, 404, 429, 500), (4, 2, 500)),
        ((503, 404, 429, 500, 302), (5, 3, 302)),
        ((None,), (1, 0, 504)),
    ],
)
def test_the_counts_of_a_task_are_those_recorded_from_the_real_service(
    statuses: tuple[int | None, ...], expected: tuple[int, int, int | None]
):
    assert counts_after(*statuses) == expected


@pytest.mark.parametrize("status", [200, 204, 299])
def test_an_answer_of_2xx_completes_a_task(status: int):
    assert Answer(status).completes


@pytest.mark.parametrize("status", [None, 199, 300, 304, 404, 429, 503])
def test_an_answer_other_than_2xx_does_not_complete_a_task(status: int | None):
    assert not Answer(status).completes


def test_the_last_attempt_of_a_task_is_the_one_that_began_last():
    task = QueuedTask("projects/p/locations/l/queues/q/tasks/t", Target("http://x"), due=1.0, created=1.0)
    first, second = task.begin(1.0), task.begin(2.0)
    task.end(second, Answer(500), 3.0)
    task.end(first, Answer(200), 4.0)
    assert task.last is second
    assert task.last_answer == Answer(500)
