"""Resource names of queues and tasks."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from taskhandler.devqueue import ApiError
from taskhandler.devqueue.names import check_location, check_queue, short_id, split_task

QUEUE = "projects/example.com:shop-1/locations/europe-west1/queues/orders"


@given(st.from_regex(r"[A-Za-z0-9_-]{1,500}", fullmatch=True))
def test_a_name_is_split_into_queue_and_task(task_id: str):
    assert split_task(f"{QUEUE}/tasks/{task_id}") == (QUEUE, task_id)


@pytest.mark.parametrize("task_id", ["", "a b", "ä", "a/b", "a\n", "x" * 501])
def test_a_task_id_with_other_characters_or_too_many_is_refused(task_id: str):
    with pytest.raises(ApiError, match=r"(?s)Task ID .* can contain only letters"):
        split_task(f"{QUEUE}/tasks/{task_id}")


@pytest.mark.parametrize("name", ["", "t", QUEUE, "queues/q/tasks/t", f"{QUEUE}x/y/tasks/t"])
def test_a_task_name_that_is_not_full_is_refused(name: str):
    with pytest.raises(ApiError, match="Task name must be formatted"):
        split_task(name)


@pytest.mark.parametrize("name", ["", "orders", QUEUE + "_1", QUEUE + "\n", QUEUE + "x" * 95])
def test_a_queue_name_that_is_not_full_is_refused(name: str):
    with pytest.raises(ApiError, match="Queue name must be formatted"):
        check_queue(name)


def test_a_location_name_that_is_not_full_is_refused():
    assert check_location("projects/p/locations/l") == "projects/p/locations/l"
    with pytest.raises(ApiError, match="Permission denied on resource project not-a-valid-parent"):
        check_location("not-a-valid-parent")


def test_the_short_id_is_the_last_segment_of_a_name():
    assert short_id(QUEUE) == "orders"
