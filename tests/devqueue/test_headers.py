"""The headers of deliveries, against recordings of the real service."""

from __future__ import annotations

from typing import Any

import pytest
from google.cloud import tasks_v2

from taskhandler.devqueue import LocalQueue
from taskhandler.devqueue.headers import build_headers
from taskhandler.devqueue.task import QueuedTask
from taskhandler.devqueue.task import Target as TaskTarget

from .sample_tasks import create
from .target import PATIENCE_SECONDS, Target

QUEUE = "projects/p/locations/l/queues/q"
# the connection's own; the recordings leave them out
OURS = {"host", "content-length", "connection"}


def headers(producers: dict[str, str], authorization: str | None = None) -> dict[str, str]:
    task = QueuedTask(f"{QUEUE}/tasks/t", TaskTarget("http://x", headers=producers), due=1.5, created=1.0)
    pairs = build_headers(QUEUE, task, task.begin(1.0), authorization)
    assert len({name.lower() for name, _ in pairs}) == len(pairs)
    return dict(pairs)


def test_a_retried_delivery_has_the_recorded_headers(
    queue: LocalQueue,
    client: tasks_v2.CloudTasksClient,
    quick: str,
    target: Target,
    dispatches: dict[str, Any],
):
    recorded = dispatches["dispatch/http"]["attempts"]
    target.answer(*(attempt["answered"] for attempt in recorded))
    create(client, quick, target, "order-7")
    assert queue.wait(PATIENCE_SECONDS)
    assert len(target.seen) == len(recorded)
    for seen, attempt in zip(target.seen, recorded, strict=True):
        eta = seen.task_header("TaskETA")
        fill = {"{queue}": "quick", "{task}": "order-7", "{eta}": eta}
        expected = {name.lower(): fill.get(value, value) for name, value in attempt["headers"].items()}
        assert {name: value for name, value in seen.headers.items() if name not in OURS} == expected


def test_the_eta_header_is_fractional_seconds_and_changes_with_every_retry(
    queue: LocalQueue, client: tasks_v2.CloudTasksClient, quick: str, target: Target
):
    target.answer(500)
    create(client, quick, target)
    assert queue.wait(PATIENCE_SECONDS)
    first, second = (seen.task_header("TaskETA") or "" for seen in target.seen)
    assert first.count(".") == second.count(".") == 1
    assert float(first) + 0.01 <= float(second)


def test_a_delivery_has_a_content_type_only_if_the_producer_set_one(
    queue: LocalQueue, client: tasks_v2.CloudTasksClient, quick: str, target: Target
):
    create(client, quick, target)
    assert queue.wait(PATIENCE_SECONDS)
    create(client, quick, target, headers={"content-type": "application/json"})
    assert queue.wait(PATIENCE_SECONDS)
    assert [seen.headers.get("content-type") for seen in target.seen] == [None, "application/json"]


@pytest.mark.parametrize(
    "name",
    ["Host", "content-length", "USER-AGENT", "X-Google-Id", "x-appengine-taskname", "X-CloudTasks-TaskName"],
)
def test_reserved_headers_of_a_producer_are_not_sent(name: str):
    made = headers({name: "forged"})
    assert "forged" not in made.values()
    assert made["X-CloudTasks-TaskName"] == "t"


@pytest.mark.parametrize("name", ["Connection", "transfer-encoding", "Upgrade"])
def test_hop_by_hop_headers_of_a_producer_are_not_sent(name: str):
    assert name not in headers({name: "chunked"})


def test_a_token_replaces_the_producers_own_authorization():
    assert headers({"authorization": "Basic x"}, "Bearer y")["Authorization"] == "Bearer y"
    assert headers({"authorization": "Basic x"})["authorization"] == "Basic x"
