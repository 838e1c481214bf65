"""Every recorded error of the real service, provoked through the real client."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from google.api_core.exceptions import GoogleAPICallError
from google.cloud import tasks_v2

from taskhandler.devqueue import LocalQueue

from .sample_tasks import http_task

QUEUE = "projects/local/locations/local/queues/recorded"
URL = "http://127.0.0.1:9/tasks"
Client = tasks_v2.CloudTasksClient


def create(client: Client, name: str = "", url: str = URL, parent: str = QUEUE) -> None:
    client.create_task(parent=parent, task=http_task(url, name=name))


def create_twice(client: Client) -> None:
    create(client, f"{QUEUE}/tasks/t")
    create(client, f"{QUEUE}/tasks/t")


def create_again(client: Client) -> None:
    create(client, f"{QUEUE}/tasks/t")
    client.delete_task(name=f"{QUEUE}/tasks/t")
    create(client, f"{QUEUE}/tasks/t")


def get_deleted(client: Client) -> None:
    create(client, f"{QUEUE}/tasks/t")
    client.delete_task(name=f"{QUEUE}/tasks/t")
    client.get_task(name=f"{QUEUE}/tasks/t")


STEPS: dict[str, Callable[[Client], object]] = {
    "task/create/already-exists": create_twice,
    "task/create/already-existed (tombstone)": create_again,
    "task/create/invalid-name": lambda client: create(client, f"{QUEUE}/tasks/not a valid id"),
    "task/create/invalid-url-empty": lambda client: create(client, url=""),
    "task/create/invalid-url-no-scheme": lambda client: create(client, url="shop.example/tasks"),
    "task/create/queue-mismatch": lambda client: create(client, f"{QUEUE}-other/tasks/t"),
    "task/create/queue-not-found": lambda client: create(client, parent=f"{QUEUE}-other"),
    "task/get/not-found": lambda client: client.get_task(name=f"{QUEUE}/tasks/never"),
    "task/get/recently-deleted": get_deleted,
}


@pytest.mark.parametrize("name", STEPS)
def test_an_api_error_has_the_recorded_code_and_text(
    name: str, queue: LocalQueue, client: Client, recorded_errors: dict[str, Any]
):
    queue.create_queue(QUEUE)
    client.pause_queue(name=QUEUE)
    with pytest.raises(GoogleAPICallError) as refused:
        STEPS[name](client)
    assert refused.value.grpc_status_code is not None
    assert refused.value.grpc_status_code.name == recorded_errors[name]["code"]
    assert refused.value.message == recorded_errors[name]["message"].replace("{queue_path}", QUEUE)


def test_every_recorded_error_is_tested(recorded_errors: dict[str, Any]):
    assert set(STEPS) == set(recorded_errors)
