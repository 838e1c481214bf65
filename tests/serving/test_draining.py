"""SIGTERM: what is claimed is finished or given back, nothing new is claimed, and nothing is lost."""

from __future__ import annotations

import http.client
import os
import signal

import pytest
from google.cloud import tasks_v2

from taskhandler.lifecycle.record import State
from tests.serving.conftest import Serve
from tests.serving.deliveries import begin, create, deliver, post, redeliver
from tests.serving.service import SYNC, THREADS, TIMEOUT_SECONDS

KINDS = pytest.mark.parametrize("kind", [SYNC, THREADS], ids=["sync", "gthread"])
LOADING = pytest.mark.parametrize("loading", [(), ("--preload",)], ids=["", "preload"])


@KINDS
@LOADING
def test_claimed_work_is_finished_with_heartbeats_however_long_it_takes(
    serve: Serve, kind: tuple[str, ...], loading: tuple[str, ...]
):
    service = serve(*kind, *loading, "--graceful-timeout", "60")
    holder = begin(service, "t", [["wait"]])
    service.begun("t")
    service.gunicorn.terminate()
    before = service.recorded("t").heartbeats
    service.until(lambda: service.recorded("t").heartbeats >= before + 5)  # its lease is one second
    service.open("t")
    assert holder.result(TIMEOUT_SECONDS).said == (200, "completed")
    assert service.gunicorn.wait(TIMEOUT_SECONDS) == 0
    record = service.recorded("t")
    assert (record.state, record.attempt) == (State.COMPLETED, 1)


@KINDS
@LOADING
def test_a_handler_that_reaches_a_checkpoint_while_draining_releases_its_task(
    serve: Serve, kind: tuple[str, ...], loading: tuple[str, ...]
):
    service = serve(*kind, *loading, TASKHANDLER_LEASE="60")
    holder = begin(service, "t", [["check"]])
    service.begun("t")
    service.gunicorn.terminate()
    answer = holder.result(TIMEOUT_SECONDS)
    assert (answer.said, answer.retry_after) == ((503, "retry"), "1")
    assert service.gunicorn.wait(TIMEOUT_SECONDS) == 0
    record = service.recorded("t")
    assert (record.state, record.attempt, record.drained) == (State.WAITING, 1, 1)
    assert record.history == ("1 drained",)
    service.start()
    assert deliver(service, "t", [["check"]], retry=1).said == (200, "completed")


def test_a_delivery_on_a_kept_connection_to_a_draining_worker_is_answered_503(serve: Serve):
    service = serve(*THREADS, "--keep-alive", "30")
    kept = http.client.HTTPConnection("127.0.0.1", service.port, timeout=TIMEOUT_SECONDS)
    assert post(kept, service, "t1").said == (200, "completed")
    (worker,) = {effect.pid for effect in service.effects("begun", "t1")}
    os.kill(worker, signal.SIGTERM)
    answer = post(kept, service, "t2")
    kept.close()
    assert (answer.said, answer.retry_after) == ((503, "unavailable"), "1")
    assert service.record("t2") is None
    assert not service.effects("begun", "t2")
    assert deliver(service, "t2", retry=1).said == (200, "completed")


@KINDS
def test_a_restart_under_load_loses_no_task(
    serve: Serve, client: tasks_v2.CloudTasksClient, kind: tuple[str, ...]
):
    service = serve(*kind)
    names = [f"t{number}" for number in range(30)]
    for number, name in enumerate(names):
        create(client, service, name, [["last 0.1"]] if number % 10 else [["check"]])
    service.until(lambda: len(service.effects("begun")) >= 6)
    service.open("t0")
    assert service.stop() == 0
    service.start()
    for name in names:
        service.open(name)
    service.until(lambda: service.ended(*names))
    for name in names:
        record = service.recorded(name)
        assert record.state is State.COMPLETED
        service.until(lambda name=name: service.effects("task_completed", name))  # type: ignore[misc]  # bound at once
        assert len(service.effects("task_completed", name)) == 1
        assert record.attempt == 1 + record.drained


def test_workers_replaced_one_by_one_lose_no_task(serve: Serve, client: tasks_v2.CloudTasksClient):
    service = serve(*THREADS, "--max-requests", "5", "--max-requests-jitter", "2")  # at most 7 for each
    names = [f"t{number}" for number in range(30)]
    for name in names:
        create(client, service, name)
        service.until(lambda name=name: service.ended(name))  # type: ignore[misc]  # bound at once
    assert len({effect.pid for effect in service.effects("begun")}) > 3
    assert all(len(service.effects("done", name)) == 1 for name in names)


def test_a_handler_that_outlasts_the_graceful_time_out_is_taken_over(serve: Serve):
    service = serve(*THREADS, "--graceful-timeout", "1")
    holder = begin(service, "t", [["wait"]])
    service.begun("t")
    service.gunicorn.terminate()
    assert isinstance(holder.exception(TIMEOUT_SECONDS), http.client.HTTPException | OSError)
    service.gunicorn.wait(TIMEOUT_SECONDS)
    service.start()
    assert redeliver(service, "t", [["wait"]]).said == (200, "completed")
    record = service.recorded("t")
    assert (record.attempt, record.history) == (2, ("1 lost",))
