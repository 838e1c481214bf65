"""What the master process did before it forked does not disturb its workers."""

from __future__ import annotations

import pytest
from google.cloud import tasks_v2

from taskhandler.devqueue import LocalQueue
from tests.serving.conftest import Serve
from tests.serving.deliveries import create
from tests.serving.service import SYNC, THREADS


@pytest.mark.parametrize("loading", [(), ("--preload",)], ids=["", "preload"])
@pytest.mark.parametrize("kind", [SYNC, THREADS], ids=["sync", "gthread"])
def test_workers_forked_after_a_delivery_serve_deliveries(
    serve: Serve, client: tasks_v2.CloudTasksClient, kind: tuple[str, ...], loading: tuple[str, ...]
):
    service = serve(*kind, *loading, SERVING_AT_IMPORT="3")
    names = [f"t{number}" for number in range(20)]
    for number, name in enumerate(names):
        if number % 4:
            create(client, service, name, [["wait"]] if number == 1 else [])
        else:
            create(client, service, name, handler="parent")
    service.begun("t1")
    service.until(lambda: service.recorded("t1").heartbeats >= 3)
    service.open("t1")
    children = [f"{name}-child" for name in names[::4]]
    service.until(lambda: service.ended(*names, *children))
    assert all(len(service.effects("begun", name)) == 1 for name in (*names, *children))
    service.until(lambda: service.ended("early-0-child"))
    early = service.effects("begun", "early-0")
    assert len(early) == 1
    in_master = early[0].pid == service.gunicorn.pid
    assert in_master == ("--preload" in loading)
    assert service.stop() == 0
    assert "Traceback" not in service.log.read_text()


def test_forked_workers_fetch_a_new_key_of_the_issuer(serve: Serve, queue: LocalQueue):
    service = serve("--preload", *THREADS, SERVING_AT_IMPORT="1")
    client = queue.client()
    queue.rotate()
    create(client, service, "t")
    service.until(lambda: service.ended("t"))
