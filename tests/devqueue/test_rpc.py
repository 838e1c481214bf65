"""The calls on queues and lists of tasks, through the real client."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest
from google.api_core.exceptions import (
    AlreadyExists,
    FailedPrecondition,
    InvalidArgument,
    MethodNotImplemented,
    NotFound,
    PermissionDenied,
)
from google.cloud import tasks_v2

from taskhandler.devqueue import LocalQueue

from .sample_tasks import create
from .target import PATIENCE_SECONDS, Target

Client = tasks_v2.CloudTasksClient
PARENT = "projects/p/locations/l"
NAME = f"{PARENT}/queues/q"
STATE = tasks_v2.Queue.State


def test_a_queue_can_be_created_read_and_deleted(client: Client):
    made = client.create_queue(parent=PARENT, queue=tasks_v2.Queue(name=NAME))
    assert client.get_queue(name=NAME) == made
    client.delete_queue(name=NAME)
    with pytest.raises(NotFound, match="Queue does not exist"):
        client.get_queue(name=NAME)
    with pytest.raises(FailedPrecondition, match="existed too recently"):
        client.create_queue(parent=PARENT, queue=tasks_v2.Queue(name=NAME))


def test_the_state_of_a_queue_shows_whether_it_is_paused(client: Client):
    client.create_queue(parent=PARENT, queue=tasks_v2.Queue(name=NAME))
    assert client.pause_queue(name=NAME).state == STATE.PAUSED
    assert client.resume_queue(name=NAME).state == STATE.RUNNING


def test_a_purge_empties_the_queue(client: Client, queue: LocalQueue, target: Target):
    name = queue.create_queue("q")
    client.pause_queue(name=name)
    create(client, name, target, "t")
    assert client.purge_queue(name=name).purge_time.timestamp() > 0
    assert list(client.list_tasks(parent=name)) == []
    client.resume_queue(name=name)
    assert queue.wait(PATIENCE_SECONDS)
    assert target.seen == []


def test_tasks_are_listed_page_by_page(client: Client, queue: LocalQueue, target: Target):
    name = queue.create_queue("q")
    client.pause_queue(name=name)
    wanted = [create(client, name, target, f"t{number}") for number in range(7)]
    listed = client.list_tasks(request={"parent": name, "page_size": 3})
    assert [len(page.tasks) for page in listed.pages] == [3, 3, 1]
    assert [task.name for task in client.list_tasks(parent=name)] == wanted


def test_queues_are_listed_by_location(client: Client):
    names = [f"{PARENT}/queues/{queue_id}" for queue_id in "abc"]
    for name in [*names, "projects/p/locations/other/queues/d"]:
        client.create_queue(parent=name.partition("/queues/")[0], queue=tasks_v2.Queue(name=name))
    listed = client.list_queues(request={"parent": PARENT, "page_size": 2})
    assert [queue.name for queue in listed] == names


def test_list_queues_with_a_filter_is_unimplemented(client: Client):
    with pytest.raises(MethodNotImplemented, match="filter"):
        client.list_queues(request={"parent": PARENT, "filter": "state: PAUSED"})


def test_create_queue_refuses_a_name_outside_its_parent(client: Client):
    with pytest.raises(InvalidArgument, match=r"must begin with projects/p/locations/other\."):
        client.create_queue(parent="projects/p/locations/other", queue=tasks_v2.Queue(name=NAME))


def test_a_malformed_parent_is_refused_with_the_recorded_error(client: Client):
    with pytest.raises(PermissionDenied, match=r"Permission denied on resource project not-a-valid-parent\."):
        client.create_queue(parent="not-a-valid-parent", queue=tasks_v2.Queue(name=NAME))


def test_a_deleted_task_is_not_found(client: Client, queue: LocalQueue, target: Target):
    name = queue.create_queue("q")
    client.pause_queue(name=name)
    task = create(client, name, target, "t")
    client.delete_task(name=task)
    for call in (client.get_task, client.run_task, client.delete_task):
        with pytest.raises(NotFound, match="no longer exists"):
            call(name=task)


def test_tasks_of_two_queues_may_share_an_id(client: Client, queue: LocalQueue, target: Target):
    for name in (queue.create_queue("one"), queue.create_queue("two")):
        create(client, name, target, "same")
    assert queue.wait(PATIENCE_SECONDS)
    assert sorted(str(seen.task_header("QueueName")) for seen in target.seen) == ["one", "two"]


def test_an_unknown_rpc_method_is_unimplemented(client: Client):
    with pytest.raises(MethodNotImplemented):
        client.get_iam_policy(request={"resource": NAME})


def test_tasks_created_by_many_callers_at_once_are_all_in_the_queue(
    client: Client, queue: LocalQueue, target: Target
):
    name = queue.create_queue("q")
    with ThreadPoolExecutor(8) as pool:
        made = set(pool.map(lambda _: create(client, name, target), range(40)))
    assert queue.wait(PATIENCE_SECONDS)
    assert len(target.seen) == len(made) == 40


def test_one_of_many_callers_that_create_the_same_name_succeeds(
    client: Client, queue: LocalQueue, target: Target
):
    name = queue.create_queue("q")

    def won(_: int) -> bool:
        try:
            return bool(create(client, name, target, "same"))
        except AlreadyExists:
            return False

    with ThreadPoolExecutor(8) as pool:
        assert sum(pool.map(won, range(16))) == 1
    assert queue.wait(PATIENCE_SECONDS)
    assert len(target.seen) == 1
