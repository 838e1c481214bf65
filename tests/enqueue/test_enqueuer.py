"""Tasks are created by the real client, in the local queue."""

from __future__ import annotations

import logging
import socket
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from typing import Any

import pytest
from google.cloud import tasks_v2
from msgspec import Struct
from pydantic import BaseModel

from taskhandler.config.settings import Settings, read_settings
from taskhandler.devqueue import LocalQueue
from taskhandler.enqueue.enqueuer import TIMEOUT_SECONDS, Enqueuer
from taskhandler.errors import ConfigError, EnqueueError, UsageError
from taskhandler.handlers.handler import Handler
from taskhandler.handlers.options import options_of
from taskhandler.task import CURRENT
from taskhandler.task_ref import TaskRef
from tests.test_task import a_task

QUEUE = "projects/shop/locations/here/queues/orders"
NOW = datetime.fromtimestamp(time.time(), timezone.utc)  # the queue has the same clock
URL = "https://shop.run.app/tasks/charge"
SETTINGS = {
    "GCP_PROJECT_ID": "shop",
    "GCP_LOCATION_ID": "here",
    "GCP_TASK_QUEUE_ID": "orders",
    "TASK_TARGET_URL": "https://shop.run.app/tasks/",
    "TASK_SERVICE_ACCOUNT_EMAIL": "queue@shop.example",
}


def settings_of(**more: object) -> Settings:
    return read_settings({**SETTINGS, **more}, {}, instance="/", debug=True)


def handler_of(annotation: object = Any, **options: object) -> Handler[Any, Any]:
    def charge(payload: object) -> object:
        return payload

    charge.__annotations__["payload"] = annotation
    return Handler(charge, name="charge", options=options_of("charge", options))


def enqueuer_with(settings: Settings, *, timeout: float = TIMEOUT_SECONDS) -> Enqueuer:
    return Enqueuer(settings, now=lambda: NOW, clock=time.monotonic, timeout=timeout)


class Desk:
    """An enqueuer, and the queue that it puts tasks into, which delivers nothing."""

    def __init__(self, queue: LocalQueue) -> None:
        self.queue = queue
        self.client = queue.client()
        queue.create_queue(QUEUE)
        self.client.pause_queue(name=QUEUE)

    def refer(self, payload: object = None, **more: Any) -> TaskRef:  # noqa: ANN401 - settings and arguments
        arguments = {"name": more.pop("name", None), "delay": more.pop("delay", None)}
        handler = handler_of(more.pop("annotation", Any), **more.pop("options", {}))
        settings = settings_of(CLOUD_TASKS_EMULATOR_HOST=self.queue.address, **more)
        return enqueuer_with(settings).enqueue(handler, payload, url=URL, **arguments)

    def enqueue(self, payload: object = None, **more: Any) -> str:  # noqa: ANN401 - the same
        return self.refer(payload, **more).name

    def task(self, payload: object = None, **more: Any) -> tasks_v2.Task:  # noqa: ANN401 - settings and arguments
        name = self.enqueue(payload, **more)
        return self.client.get_task({"name": name, "response_view": tasks_v2.Task.View.FULL})


@pytest.fixture(scope="module")
def desk() -> Iterator[Desk]:
    with LocalQueue(seed=0) as queue:
        yield Desk(queue)


def test_a_task_goes_to_its_handlers_url(desk: Desk):
    task = desk.task({"order": 5})
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
def test_a_payload_is_sent_as_json(desk: Desk, payload: object, body: bytes):
    request = desk.task(payload).http_request
    assert (request.body, request.headers["Content-Type"]) == (body, "application/json")


@pytest.mark.parametrize("raw", [b"\xff\x00", bytearray(b"\xff\x00"), memoryview(b"\xff\x00")])
def test_bytes_are_sent_as_they_are(desk: Desk, raw: bytes):
    request = desk.task(raw, annotation=bytes).http_request
    assert (request.body, request.headers["Content-Type"]) == (b"\xff\x00", "application/octet-stream")


def test_a_task_carries_a_token_of_the_account_for_the_audience(desk: Desk):
    token = desk.task().http_request.oidc_token
    assert token.service_account_email == "queue@shop.example"
    assert token.audience == "https://shop.run.app/tasks"
    other = desk.task(TASKHANDLER_AUDIENCE="https://a,https://b").http_request.oidc_token
    assert other.audience == "https://a"


def test_a_task_carries_no_token_where_tokens_are_not_verified(desk: Desk):
    task = desk.task(TASKHANDLER_AUTH="none", TASK_SERVICE_ACCOUNT_EMAIL="")
    assert "oidc_token" not in task.http_request


def test_a_task_goes_to_the_queue_that_its_handler_names(desk: Desk):
    other = desk.queue.create_queue("projects/shop/locations/here/queues/slow")
    desk.client.pause_queue(name=other)
    assert desk.enqueue(options={"queue": "slow"}, GCP_TASK_QUEUE_ID="").startswith(f"{other}/tasks/")


@pytest.mark.parametrize("name", ["order-5", "A_b", "x" * 500])
def test_a_named_task_has_its_name(desk: Desk, name: str):
    assert desk.enqueue(name=name) == f"{QUEUE}/tasks/{name}"
    assert desk.client.get_task(name=f"{QUEUE}/tasks/{name}").name


def test_a_ref_says_whether_its_task_was_created_or_existed_already(
    desk: Desk, caplog: pytest.LogCaptureFixture
):
    name = f"{QUEUE}/tasks/twice"
    assert desk.refer({"n": 1}, name="twice") == TaskRef("twice", name, created=True)
    assert not caplog.records
    assert desk.refer({"n": 2}, name="twice") == TaskRef("twice", name, created=False)
    assert (
        desk.client.get_task({"name": name, "response_view": tasks_v2.Task.View.FULL}).http_request.body
        == b'{"n":1}'
    )


def test_a_task_name_that_exists_already_is_logged_with_the_handler(
    desk: Desk, caplog: pytest.LogCaptureFixture
):
    enqueuer = enqueuer_with(settings_of(CLOUD_TASKS_EMULATOR_HOST=desk.queue.address))
    for handler in (handler_of(), handler_of(), handler_of()):
        enqueuer.enqueue(handler, {}, url=URL, name="order-A7", delay=None)
    assert [(record.levelname, record.getMessage()) for record in caplog.records] == [
        ("WARNING", "task order-A7 for charge was not created: a task with this name exists, or did recently")
    ]


def test_a_task_name_that_was_deleted_a_short_time_ago_is_not_an_error(desk: Desk):
    name = desk.enqueue(name="gone")
    desk.client.delete_task(name=name)
    assert desk.enqueue(name="gone") == name


def test_a_handler_that_runs_again_enqueues_again_without_a_warning(
    desk: Desk, caplog: pytest.LogCaptureFixture
):
    enqueuer = enqueuer_with(settings_of(CLOUD_TASKS_EMULATOR_HOST=desk.queue.address))
    enqueuer.enqueue(handler_of(), {}, url=URL, name="child", delay=None)
    current = CURRENT.set(a_task())  # in its third attempt
    try:
        with caplog.at_level(logging.INFO, "taskhandler"):
            enqueuer.enqueue(handler_of(), {}, url=URL, name="child", delay=None)
    finally:
        CURRENT.reset(current)
    assert [record.levelname for record in caplog.records] == ["INFO"]


@pytest.mark.parametrize("name", ["", "a b", "a/b", "ü", "x" * 501, "a\n", 5])
def test_an_impossible_task_name_is_refused(desk: Desk, name: object):
    with pytest.raises(UsageError, match="must be 1 to 500 letters"):
        desk.enqueue(name=name)


@pytest.mark.parametrize("delay", [86400, 86400.0, timedelta(days=1)])
def test_a_delayed_task_is_due_after_its_delay(desk: Desk, delay: float | timedelta):
    assert desk.task(delay=delay).schedule_time == NOW + timedelta(days=1)


@pytest.mark.parametrize("delay", [None, 0, 0.0, timedelta(0)])
def test_a_task_without_delay_is_due_when_the_queue_says(desk: Desk, delay: float | timedelta | None):
    assert desk.task(delay=delay).schedule_time < NOW + timedelta(hours=1)


BAD_DELAYS = [
    -1,
    float("nan"),
    float("inf"),
    30 * 86400 + 1,
    timedelta(days=31),
    timedelta(-1),
    "90",
    NOW,
    [],
]


@pytest.mark.parametrize("delay", BAD_DELAYS)
def test_an_impossible_delay_is_refused(desk: Desk, delay: object):
    with pytest.raises(UsageError, match=r"must be seconds .* from 0 to 2592000; .* 30 days"):
        desk.enqueue(delay=delay)


def test_a_payload_that_the_handler_could_not_read_is_refused_with_the_handlers_name(desk: Desk):
    with pytest.raises(UsageError, match=r"^<Handler 'charge'>: the handler takes dict and could not read"):
        desk.enqueue([], annotation=dict)


def test_a_payload_may_be_as_long_as_max_body_and_no_longer(desk: Desk):
    assert desk.enqueue("x" * 98, TASKHANDLER_MAX_BODY=100)
    with pytest.raises(UsageError, match="the payload has 101 bytes, at most 100 can be sent and read"):
        desk.enqueue("x" * 99, TASKHANDLER_MAX_BODY=100)


@pytest.mark.parametrize("key", sorted(SETTINGS.keys() - {"TASK_TARGET_URL"}))
def test_a_missing_setting_is_named(desk: Desk, key: str):
    given = {"TASKHANDLER_AUDIENCE": "a", "TASKHANDLER_SERVICE_ACCOUNTS": "a@b.c"}
    with pytest.raises(ConfigError) as missing:
        desk.enqueue(**given, **{key: ""})
    assert str(missing.value).startswith(f"{key} is not set: tasks cannot be created without it. Set it ")


def test_a_task_that_the_queue_refuses_is_an_error_with_its_cause(desk: Desk):
    with pytest.raises(
        EnqueueError, match=r"creating a task in projects/shop/.*/queues/none failed"
    ) as refused:
        desk.enqueue(options={"queue": "none"})
    assert refused.value.__cause__ is not None
    with pytest.raises(EnqueueError):
        desk.enqueue(b"x" * (1 << 20), annotation=bytes)  # the task is more than its body


def enqueuer_at(address: str) -> Callable[[], TaskRef]:
    enqueuer = enqueuer_with(settings_of(CLOUD_TASKS_EMULATOR_HOST=address), timeout=0.5)
    return lambda: enqueuer.enqueue(handler_of(), None, url=URL, name=None, delay=None)


def test_a_queue_that_does_not_exist_is_an_error():
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))  # and does not listen: no other queue gets the port meanwhile
        with pytest.raises(EnqueueError):
            enqueuer_at(f"127.0.0.1:{silent.getsockname()[1]}")()


def test_a_queue_that_does_not_answer_is_an_error_after_the_time_out():
    with socket.create_server(("127.0.0.1", 0)) as silent, pytest.raises(EnqueueError):
        enqueuer_at(f"127.0.0.1:{silent.getsockname()[1]}")()
    assert TIMEOUT_SECONDS == 10.0


def test_missing_credentials_are_an_error(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("GOOGLE_APPLICATION_CREDENTIALS", "/nowhere.json")
    with pytest.raises(EnqueueError, match=r"nowhere\.json"):
        enqueuer_at("")()


def test_the_client_is_made_once(desk: Desk):
    enqueuer = enqueuer_with(settings_of(CLOUD_TASKS_EMULATOR_HOST=desk.queue.address))
    names = {str(enqueuer.enqueue(handler_of(), n, url=URL, name=None, delay=None)) for n in range(3)}
    assert len(names) == 3
    assert enqueuer._the_client() is enqueuer._the_client()  # noqa: SLF001 - nothing else shows it


def test_an_enqueuer_that_was_closed_makes_a_new_client(desk: Desk):
    enqueuer = enqueuer_with(settings_of(CLOUD_TASKS_EMULATOR_HOST=desk.queue.address))
    enqueuer.close()
    for number in range(2):
        assert enqueuer.enqueue(handler_of(), number, url=URL, name=None, delay=None).created
        enqueuer.close()
        enqueuer.close()
        assert enqueuer._client is None  # noqa: SLF001 - nothing else shows it
