"""What cannot be enqueued is an error that names its cause: arguments, settings, the queue, credentials."""

from __future__ import annotations

import socket
from collections.abc import Callable
from datetime import timedelta

import pytest

from taskhandler.enqueue.enqueuer import TIMEOUT_SECONDS
from taskhandler.errors import ConfigError, EnqueueError, UsageError
from taskhandler.task_ref import TaskRef
from tests.enqueue.local_enqueuer import (
    NOW,
    SETTINGS,
    URL,
    LocalEnqueuer,
    enqueuer_with,
    handler_of,
    settings_of,
)


@pytest.mark.parametrize("name", ["", "a b", "a/b", "ü", "x" * 501, "a\n", 5])
def test_an_impossible_task_name_is_refused(local: LocalEnqueuer, name: object):
    with pytest.raises(UsageError, match="must be 1 to 500 letters"):
        local.enqueue(name=name)


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
def test_an_impossible_delay_is_refused(local: LocalEnqueuer, delay: object):
    with pytest.raises(UsageError, match=r"must be seconds .* from 0 to 2592000; .* 30 days"):
        local.enqueue(delay=delay)


def test_a_payload_that_the_handler_could_not_read_is_refused_with_the_handlers_name(local: LocalEnqueuer):
    with pytest.raises(UsageError, match=r"^<Handler 'charge'>: the handler takes dict and could not read"):
        local.enqueue([], annotation=dict)


@pytest.mark.parametrize("key", sorted(SETTINGS.keys() - {"TASK_TARGET_URL"}))
def test_a_missing_setting_is_named(local: LocalEnqueuer, key: str):
    given = {"TASKHANDLER_AUDIENCE": "a", "TASKHANDLER_SERVICE_ACCOUNTS": "a@b.c"}
    with pytest.raises(ConfigError) as missing:
        local.enqueue(**given, **{key: ""})
    assert str(missing.value).startswith(f"{key} is not set: tasks cannot be created without it. Set it ")


def test_a_task_that_the_queue_refuses_is_an_error_with_its_cause(local: LocalEnqueuer):
    with pytest.raises(
        EnqueueError, match=r"creating a task in projects/shop/.*/queues/none failed"
    ) as refused:
        local.enqueue(options={"queue": "none"})
    assert refused.value.__cause__ is not None
    with pytest.raises(EnqueueError):
        local.enqueue(b"x" * (1 << 20), annotation=bytes)  # the task is more than its body


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
