"""Workers and whole services that are killed: what they held is taken over, and ends."""

from __future__ import annotations

import os
import signal
import time
from pathlib import Path

from google.cloud import tasks_v2

from taskhandler.lifecycle.record import State
from tests.serving.conftest import Serve
from tests.serving.deliveries import create


def test_a_task_of_a_killed_worker_is_taken_over_and_completed(
    serve: Serve, client: tasks_v2.CloudTasksClient
):
    service = serve()
    before = time.monotonic()
    create(client, service, "t", [["wait"]])
    first = service.begun("t")
    os.kill(first.pid, signal.SIGKILL)
    service.until(lambda: service.ended("t"))
    record = service.recorded("t")
    assert (record.state, record.attempt, record.history) == (State.COMPLETED, 2, ("1 lost",))
    second = service.begun("t", 2)
    assert second.pid != first.pid
    assert second.at - before > 1  # no sooner than the lease lapses
    service.until(lambda: service.answers("t")[-1] == 200)
    assert set(service.answers("t")[:-1]) <= {None, 429}


def test_a_service_that_is_killed_and_started_again_leaves_nothing_stuck(
    serve: Serve, client: tasks_v2.CloudTasksClient
):
    service = serve()
    names = [f"t{number}" for number in range(12)]
    for number, name in enumerate(names):
        create(client, service, name, [["wait"]] if number < 5 else [])
    for name in names[:5]:
        service.begun(name)
    service.kill()
    service.start()
    service.until(lambda: service.ended(*names))
    for name in names:
        record = service.recorded(name)
        assert record.state is State.COMPLETED
        # One that had done its work, but not yet said so, when it was killed has done it again.
        assert 1 <= len(service.effects("done", name)) <= record.attempt
        assert len(service.effects("begun", name)) <= record.attempt <= 2


def test_workers_whose_master_is_killed_finish_their_tasks(serve: Serve, client: tasks_v2.CloudTasksClient):
    service = serve()
    create(client, service, "t", [["last 2.5"]])
    holder = service.begun("t").pid
    service.gunicorn.kill()
    service.gunicorn.wait()
    service.until(lambda: service.ended("t"))
    service.until(lambda: not Path(f"/proc/{holder}").exists())
    record = service.recorded("t")
    assert (record.state, record.attempt) == (State.COMPLETED, 1)


def test_a_task_that_kills_every_worker_is_dead_after_its_attempts(
    serve: Serve, client: tasks_v2.CloudTasksClient
):
    service = serve()
    create(client, service, "t", [["exit"]] * 10, handler="mortal")
    service.until(lambda: service.effects("on_dead"))
    service.until(lambda: service.recorded("t").on_dead_called)
    record = service.recorded("t")
    assert (record.state, record.attempt) == (State.DEAD, 3)
    assert record.history == ("1 lost", "2 lost", "3 lost")
    assert [effect.detail for effect in service.effects("on_dead")] == ["None"]
    assert len({effect.pid for effect in service.effects("begun", "t")}) == 3
    create(client, service, "next")
    service.until(lambda: service.ended("next"))
    service.until(lambda: len(service.workers()) == 2)
    service.until(lambda: service.answers("t")[-1] is not None)
    assert service.answers("t")[-1] == 200
