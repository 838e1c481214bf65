"""Tasks are created by the real client, in the local queue."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from datetime import timedelta

import pytest
from google.cloud import tasks_v2
from msgspec import Struct
from pydantic import BaseModel

from taskhandler.errors import UsageError
from taskhandler.task import CURRENT
from taskhandler.task_ref import TaskRef
from tests.enqueue.local_enqueuer import (
    NOW,
    QUEUE,
    URL,
    LocalEnqueuer,
    enqueuer_with,
    handler_of,
    settings_of,
)
from tests.test_task import a_task


def test_a_task_goes_to_its_handlers_url(local: LocalEnqueuer):
    task = local.task({"order": 5})
    assert task.name.startswith(f"{QUEUE}/tasks/")
    assert task.http_request.url == URL
    assert task.http_request.http_method == tasks_v2.HttpMethod.POST


@dataclass
class Order:
    id: str
    cents: int = 5


class Line(Struct):
    id: str


class Model(BaseModel):
    id: str


@pytest.mark.parametrize(
    ("payload", "body"),
    [
        (None, b"null"),
        ({"a": [1, None, "ü"]}, '{"a":[1,null,"ü"]}'.encode()),
        ([], b"[]"),
        ("text", b'"text"'),
        (Order("o1"), b'{"id":"o1","cents":5}'),
        (Line("l1"), b'{"id":"l1"}'),
        (Model(id="m1"), b'{"id":"m1"}'),
    ],
)
def test_a_payload_is_sent_as_json(local: LocalEnqueuer, payload: object, body: bytes):
    request = local.task(payload).http_request
    assert (request.body, request.headers["Content-Type"]) == (body, "application/json")


@pytest.mark.parametrize("raw", [b"\xff\x00", bytearray(b"\xff\x00"), memoryview(b"\xff\x00")])
def test_bytes_are_sent_as_they_are(local: LocalEnqueuer, raw: bytes):
    request = local.task(raw, annotation=bytes).http_request
    assert (request.body, request.headers["Content-Type"]) == (b"\xff\x00", "application/octet-stream")


def test_a_task_carries_a_token_of_the_account_for_the_audience(local: LocalEnqueuer):
    token = local.task().http_request.oidc_token
    assert token.service_account_email == "queue@shop.example"
    assert token.audience == "https://shop.run.app/tasks"
    other = local.task(TASKHANDLER_AUDIENCE="https://a,https://b").http_request.oidc_token
    assert other.audience == "https://a"


def test_a_task_carries_no_token_where_tokens_are_not_verified(local: LocalEnqueuer):
    task = local.task(TASKHANDLER_AUTH="none", TASK_SERVICE_ACCOUNT_EMAIL="")
    assert "oidc_token" not in task.http_request


def test_a_task_goes_to_the_queue_that_its_handler_names(local: LocalEnqueuer):
    other = local.queue.create_queue("projects/shop/locations/here/queues/slow")
    local.client.pause_queue(name=other)
    assert local.enqueue(options={"queue": "slow"}, GCP_TASK_QUEUE_ID="").startswith(f"{other}/tasks/")


@pytest.mark.parametrize("name", ["order-5", "A_b", "x" * 500])
def test_a_named_task_has_its_name(local: LocalEnqueuer, name: str):
    assert local.enqueue(name=name) == f"{QUEUE}/tasks/{name}"
    assert local.client.get_task(name=f"{QUEUE}/tasks/{name}").name


def test_a_ref_says_whether_its_task_was_created_or_existed_already(
    local: LocalEnqueuer, caplog: pytest.LogCaptureFixture
):
    name = f"{QUEUE}/tasks/twice"
    assert local.refer({"n": 1}, name="twice") == TaskRef("twice", name, created=True)
    assert not caplog.records
    assert local.refer({"n": 2}, name="twice") == TaskRef("twice", name, created=False)
    assert (
        local.client.get_task({"name": name, "response_view": tasks_v2.Task.View.FULL}).http_request.body
        == b'{"n":1}'
    )


def test_a_task_name_that_exists_already_is_logged_with_the_handler(
    local: LocalEnqueuer, caplog: pytest.LogCaptureFixture
):
    enqueuer = enqueuer_with(settings_of(CLOUD_TASKS_EMULATOR_HOST=local.queue.address))
    for handler in (handler_of(), handler_of(), handler_of()):
        enqueuer.enqueue(handler, {}, url=URL, name="order-A7", delay=None)
    assert [(record.levelname, record.getMessage()) for record in caplog.records] == [
        ("WARNING", "task order-A7 for charge was not created: a task with this name exists, or did recently")
    ]


def test_a_task_name_that_was_deleted_a_short_time_ago_is_not_an_error(local: LocalEnqueuer):
    name = local.enqueue(name="gone")
    local.client.delete_task(name=name)
    assert local.enqueue(name="gone") == name


def test_a_handler_that_runs_again_enqueues_again_without_a_warning(
    local: LocalEnqueuer, caplog: pytest.LogCaptureFixture
):
    enqueuer = enqueuer_with(settings_of(CLOUD_TASKS_EMULATOR_HOST=local.queue.address))
    enqueuer.enqueue(handler_of(), {}, url=URL, name="child", delay=None)
    current = CURRENT.set(a_task())  # in its third attempt
    try:
        with caplog.at_level(logging.INFO, "taskhandler"):
            enqueuer.enqueue(handler_of(), {}, url=URL, name="child", delay=None)
    finally:
        CURRENT.reset(current)
    assert [record.levelname for record in caplog.records] == ["INFO"]


@pytest.mark.parametrize("delay", [86400, 86400.0, timedelta(days=1)])
def test_a_delayed_task_is_due_after_its_delay(local: LocalEnqueuer, delay: float | timedelta):
    assert local.task(delay=delay).schedule_time == NOW + timedelta(days=1)


@pytest.mark.parametrize("delay", [None, 0, 0.0, timedelta(0)])
def test_a_task_without_delay_is_due_when_the_queue_says(
    local: LocalEnqueuer, delay: float | timedelta | None
):
    assert local.task(delay=delay).schedule_time < NOW + timedelta(hours=1)


def test_a_payload_may_be_as_long_as_max_body_and_no_longer(local: LocalEnqueuer):
    assert local.enqueue("x" * 98, TASKHANDLER_MAX_BODY=100)
    with pytest.raises(UsageError, match="the payload has 101 bytes; at most 100 can be sent and read"):
        local.enqueue("x" * 99, TASKHANDLER_MAX_BODY=100)


def test_the_client_is_made_once(local: LocalEnqueuer):
    enqueuer = enqueuer_with(settings_of(CLOUD_TASKS_EMULATOR_HOST=local.queue.address))
    names = {str(enqueuer.enqueue(handler_of(), n, url=URL, name=None, delay=None)) for n in range(3)}
    assert len(names) == 3
    assert enqueuer._ensure_client() is enqueuer._ensure_client()  # noqa: SLF001 - nothing else shows it


def test_an_enqueuer_that_was_closed_makes_a_new_client(local: LocalEnqueuer):
    enqueuer = enqueuer_with(settings_of(CLOUD_TASKS_EMULATOR_HOST=local.queue.address))
    enqueuer.close()
    for number in range(2):
        assert enqueuer.enqueue(handler_of(), number, url=URL, name=None, delay=None).created
        enqueuer.close()
        enqueuer.close()
        assert enqueuer._client is None  # noqa: SLF001 - nothing else shows it
