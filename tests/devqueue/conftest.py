"""A running queue, and a target for its deliveries."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from google.cloud import tasks_v2

from taskhandler.devqueue import LocalQueue

from .target import Target

RECORDINGS = Path(__file__).parent.parent / "recordings"


@pytest.fixture
def queue() -> Iterator[LocalQueue]:
    with LocalQueue(seed=0) as running:
        yield running


@pytest.fixture
def client(queue: LocalQueue) -> tasks_v2.CloudTasksClient:
    return queue.client()


@pytest.fixture
def quick(queue: LocalQueue) -> str:
    """A queue that retries within milliseconds."""
    return queue.create_queue("quick", min_backoff=0.01, max_backoff=0.02)


@pytest.fixture
def target() -> Iterator[Target]:
    running = Target()
    yield running
    running.close()


@pytest.fixture
def dispatches() -> dict[str, Any]:
    """Deliveries recorded from the real service, by name."""
    return {each["name"]: each for each in json.loads((RECORDINGS / "dispatch.json").read_text())}


@pytest.fixture
def recorded_errors() -> dict[str, Any]:
    """Errors recorded from the real service, by name."""
    return {each["name"]: each for each in json.loads((RECORDINGS / "task-errors.json").read_text())}
