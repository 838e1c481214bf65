"""Handlers that end their worker, and workers that end under their handler: the task is not held up."""

from __future__ import annotations

import http.client
import itertools
import os
import signal

import pytest
from google.cloud import tasks_v2

from taskhandler.lifecycle.record import Record, State
from tests.serving.conftest import Serve
from tests.serving.deliveries import begin, create, deliver, headers, redeliver
from tests.serving.service import SYNC, THREADS, TIMEOUT_SECONDS, Service

KINDS = pytest.mark.parametrize("kind", [SYNC, THREADS], ids=["sync", "gthread"])


def waiting(service: Service, task: str = "t") -> Record:
    """The record, which is free to be claimed within a second of its attempt's end."""
    service.begun(task)
    service.until(lambda: service.state(task) is State.WAITING)
    record = service.record(task)
    assert record is not None
    return record


def test_the_time_out_of_a_sync_worker_releases_the_task_at_once(serve: Serve):
    service = serve(*SYNC, "--timeout", "2", TASKHANDLER_LEASE="60")
    script = [["wait"]]
    first = begin(service, "t", script)
    record = waiting(service)  # long before its lease has lapsed
    assert (record.attempt, record.drained) == (1, 0)
    assert record.history == ("1 failed: SystemExit stopped the worker",)
    assert first.exception(TIMEOUT_SECONDS) is not None or first.result().status >= 500
    # The worker that is going answers 500 to a request that still reaches it.
    assert redeliver(service, "t", script).said == (200, "completed")
    assert "WORKER TIMEOUT" in service.log.read_text()


def test_a_time_out_is_charged_and_a_task_that_always_takes_too_long_dies(serve: Serve):
    service = serve(*SYNC, "--timeout", "1")
    retries = itertools.count()

    def dead() -> bool:
        # more than three deliveries, if a worker that is going answers one of them
        answer = begin(service, "t", [["wait"]] * 9, handler="mortal", retry=next(retries))
        assert answer.exception(TIMEOUT_SECONDS) is not None or answer.result().said != (200, "completed")
        return service.state("t") is State.DEAD

    service.until(dead)
    assert service.recorded("t").attempt == 3
    assert redeliver(service, "t", [["wait"]] * 9, handler="mortal").said == (200, "duplicate")
    assert len(service.effects("on_dead")) == 1


def test_a_sync_worker_stopped_at_once_does_not_charge_the_attempt(serve: Serve):
    service = serve(*SYNC, TASKHANDLER_LEASE="60")
    first = begin(service, "t", [["wait"]])
    os.kill(service.begun("t").pid, signal.SIGQUIT)
    record = waiting(service)
    assert (record.attempt, record.drained, record.history) == (1, 1, ("1 drained",))
    assert first.exception(TIMEOUT_SECONDS) is not None or first.result().status >= 500
    assert redeliver(service, "t", [["wait"]]).said == (200, "completed")


@pytest.mark.parametrize(
    ("kind", "act", "name"),
    [
        (SYNC, "leave 0", "SystemExit"),
        (SYNC, "interrupt", "KeyboardInterrupt"),
        (THREADS, "leave 1", "SystemExit"),
    ],
)
def test_a_handler_that_ends_its_worker_releases_the_task_at_once(
    serve: Serve, client: tasks_v2.CloudTasksClient, kind: tuple[str, ...], act: str, name: str
):
    service = serve(*kind, TASKHANDLER_LEASE="60")
    create(client, service, "t", [[act]])
    service.until(lambda: service.state("t") is State.COMPLETED)
    record = service.recorded("t")
    assert record.attempt == 2
    assert record.history == (f"1 failed: {name} stopped the worker",)
    assert len(service.effects("begun", "t")) == 2
    assert service.answers("t")[0] in {None, 500}


@KINDS
def test_an_endless_recursion_in_a_handler_is_a_failure(serve: Serve, kind: tuple[str, ...]):
    service = serve(*kind)
    assert deliver(service, "t", [["recurse"]]).said == (503, "retry")
    record = service.recorded("t")
    assert record.state is State.WAITING
    assert record.reason.startswith("RecursionError")
    assert deliver(service, "t", [["recurse"]], retry=1).said == (200, "completed")


def test_an_error_in_a_thread_of_the_handler_does_not_fail_the_attempt(serve: Serve):
    service = serve()
    assert deliver(service, "t", [["thread boom"]]).said == (200, "completed")
    assert "ConnectionError: boom" in service.log.read_text()


@KINDS
def test_a_client_that_hangs_up_does_not_stop_its_task(serve: Serve, kind: tuple[str, ...]):
    service = serve(*kind)
    connection = http.client.HTTPConnection("127.0.0.1", service.port, timeout=TIMEOUT_SECONDS)
    connection.request("POST", "/tasks/play", b'[["wait"]]', headers(service, "t"))
    service.begun("t")
    connection.close()
    service.open("t")
    service.until(lambda: service.state("t") is State.COMPLETED)
    assert deliver(service, "t", [["wait"]], retry=1).said == (200, "duplicate")
