"""What deliveries leave behind, and take of a worker, when there are many of them."""

from __future__ import annotations

import itertools
import threading
from concurrent.futures import ThreadPoolExecutor, as_completed

import pytest

from taskhandler import RateLimited, Reject, Retry, TaskBlueprint
from tests.web.local_app import app_with, deliver, outcome


@pytest.fixture
def tasks() -> TaskBlueprint:
    return TaskBlueprint("tasks", __name__)


def test_no_more_deliveries_than_a_share_of_the_threads_wait_for_the_holder(
    tasks: TaskBlueprint, caplog: pytest.LogCaptureFixture
) -> None:
    inside, leave = threading.Event(), threading.Event()

    @tasks.handler("slow")
    def slow() -> None:
        inside.set()
        assert leave.wait(20)

    app = app_with(tasks, TASKHANDLER_QUEUE_MAX_ATTEMPTS=2)
    with ThreadPoolExecutor(20) as pool:
        pool.submit(deliver, app, "slow")
        assert inside.wait(20)
        lasts = [pool.submit(deliver, app, "slow", retry=1) for _ in range(12)]
        sent_away = list(itertools.islice(as_completed(lasts, timeout=20), 10))
        assert [outcome(one.result()) for one in sent_away] == [(429, "in-flight")] * 10
        leave.set()
        waited = set(lasts) - set(sent_away)
        assert [outcome(one.result()) for one in waited] == [(200, "duplicate")] * 2
    assert "none follows if it fails" in caplog.text


@pytest.mark.parametrize("steer", [Retry("later"), RateLimited("slower"), Reject("never")])
def test_a_retry_instance_that_is_raised_again_and_again_keeps_no_delivery_alive(
    tasks: TaskBlueprint, steer: Exception
) -> None:
    @tasks.handler("steer")
    def handle(_: bytes) -> None:
        raise steer

    app = app_with(tasks)
    for number in range(3):
        deliver(app, "steer", b"x" * 100, task=f"t{number}")
        assert steer.__traceback__ is None
