"""Configurations of queues, through the real client."""

from __future__ import annotations

from typing import Any

import pytest
from google.api_core.exceptions import GoogleAPICallError, InvalidArgument
from google.cloud import tasks_v2

from taskhandler.devqueue import LocalQueue

Client = tasks_v2.CloudTasksClient
PARENT = "projects/p/locations/l"
NAME = f"{PARENT}/queues/q"


def create(client: Client, **config: Any) -> tasks_v2.Queue:  # noqa: ANN401 - fields of Queue
    return client.create_queue(parent=PARENT, queue=tasks_v2.Queue(name=NAME, **config))


def test_a_queue_without_a_config_has_the_real_services_defaults(client: Client):
    queue = create(client)
    limits, retry = queue.rate_limits, queue.retry_config
    assert (limits.max_dispatches_per_second, limits.max_concurrent_dispatches) == (500, 1000)
    assert limits.max_burst_size == 100
    assert (retry.max_attempts, retry.max_doublings) == (100, 16)
    assert (retry.min_backoff.total_seconds(), retry.max_backoff.total_seconds()) == (0.1, 3600)
    assert retry.max_retry_duration.total_seconds() == 0
    assert queue.state == tasks_v2.Queue.State.RUNNING


@pytest.mark.parametrize(
    ("config", "text"),
    [
        ({"rate_limits": {"max_dispatches_per_second": -1}}, "maxDispatchesPerSecond cannot be negative."),
        ({"rate_limits": {"max_dispatches_per_second": 501}}, "must be less than or equal to 500."),
        ({"rate_limits": {"max_concurrent_dispatches": -1}}, "maxConcurrentDispatches cannot be negative."),
        ({"rate_limits": {"max_concurrent_dispatches": 5001}}, "must be less than or equal to 5000."),
        ({"retry_config": {"max_attempts": -2}}, "maxAttempts must be greater or equal to -1."),
        ({"retry_config": {"max_doublings": -1}}, "maxDoublings cannot be negative."),
        ({"retry_config": {"min_backoff": {"seconds": -1}}}, "minBackoff cannot be negative."),
        ({"retry_config": {"max_backoff": {"seconds": -1}}}, "maxBackoff cannot be negative."),
        (
            {"retry_config": {"min_backoff": {"seconds": 9}, "max_backoff": {"seconds": 5}}},
            "minBackoff must be less than or equal to RetryConfig.maxBackoff.",
        ),
    ],
)
def test_a_config_out_of_range_is_refused_with_the_recorded_error(
    client: Client, config: dict[str, Any], text: str
):
    with pytest.raises(InvalidArgument) as refused:
        create(client, **config)
    assert refused.value.message.endswith(text)


@pytest.mark.parametrize("field", ["http_target", "app_engine_routing_override"])
def test_a_queue_field_that_is_not_supported_is_unimplemented(client: Client, field: str):
    with pytest.raises(GoogleAPICallError, match=f"does not support Queue.{field}"):
        create(client, **{field: {}})


def test_an_update_of_one_field_changes_it_alone_and_accepts_zero(client: Client):
    create(client, retry_config={"max_attempts": 7, "max_doublings": 5})
    queue = client.update_queue(
        queue=tasks_v2.Queue(name=NAME, retry_config={"max_doublings": 0}),
        update_mask={"paths": ["retry_config.max_doublings"]},
    )
    assert (queue.retry_config.max_attempts, queue.retry_config.max_doublings) == (7, 0)


def test_an_update_of_a_group_resets_its_other_fields(client: Client):
    create(client, retry_config={"max_attempts": 7}, rate_limits={"max_dispatches_per_second": 5})
    queue = client.update_queue(
        queue=tasks_v2.Queue(name=NAME, retry_config={"max_doublings": 3}),
        update_mask={"paths": ["retry_config"]},
    )
    assert (queue.retry_config.max_attempts, queue.retry_config.max_doublings) == (100, 3)
    assert queue.rate_limits.max_dispatches_per_second == 5


def test_an_update_without_a_mask_changes_everything(client: Client):
    create(client, retry_config={"max_attempts": 7})
    queue = client.update_queue(queue=tasks_v2.Queue(name=NAME, rate_limits={"max_concurrent_dispatches": 3}))
    assert (queue.retry_config.max_attempts, queue.rate_limits.max_concurrent_dispatches) == (100, 3)


def test_an_update_of_an_unknown_field_is_refused(client: Client):
    create(client)
    with pytest.raises(InvalidArgument, match="'name' cannot be updated"):
        client.update_queue(queue=tasks_v2.Queue(name=NAME), update_mask={"paths": ["name"]})


def test_an_update_creates_a_queue_that_does_not_exist(client: Client):
    queue = client.update_queue(queue=tasks_v2.Queue(name=NAME, retry_config={"max_attempts": -1}))
    assert client.get_queue(name=NAME) == queue
    assert queue.retry_config.max_attempts == -1


def test_a_queue_created_in_process_is_returned_by_the_api(queue: LocalQueue, client: Client):
    queue.create_queue(NAME, min_backoff=0.25, max_dispatches_per_second=5)
    shown = client.get_queue(name=NAME)
    assert shown.retry_config.min_backoff.total_seconds() == 0.25
    assert (shown.rate_limits.max_dispatches_per_second, shown.rate_limits.max_burst_size) == (5, 10)
