"""One local queue for all tests of a process, and services that are stopped however a test ends."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from google.cloud import tasks_v2

from taskhandler.devqueue import LocalQueue
from tests.serving.service import THREADS, Service

Serve = Callable[..., Service]


@pytest.fixture(scope="session")
def queue() -> Iterator[LocalQueue]:
    with LocalQueue() as queue:
        yield queue


@pytest.fixture(scope="session")
def client(queue: LocalQueue) -> tasks_v2.CloudTasksClient:
    return queue.client()


@pytest.fixture
def serve(queue: LocalQueue, client: tasks_v2.CloudTasksClient, tmp_path: Path) -> Iterator[Serve]:
    """Starts a service, of two workers with threads unless its options say otherwise.

    Its queue ends before it does: tasks that are left would be delivered to the next service on its port.
    """
    with ExitStack() as stack:

        def start(*options: str, **settings: str) -> Service:
            usual = ("--workers", "2", *(options or (*THREADS, "--preload")))
            service = stack.enter_context(Service(tmp_path, queue, *usual, **settings))
            stack.callback(client.delete_queue, name=service.queue_name)
            return service

        yield start
        queue.faults()
