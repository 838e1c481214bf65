"""The queue as tests hold it."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import threading
import urllib.request
from http.client import HTTPException

import pytest
from google.cloud import tasks_v2

from taskhandler.devqueue import ApiError, LocalQueue
from taskhandler.errors import UsageError

from .making import EMAIL, create
from .reading import claims_of, header_of
from .target import PATIENCE_SECONDS, Reply, Target


def threads() -> set[threading.Thread]:
    """The threads of local queues; other tests of this process may have theirs."""
    return {thread for thread in threading.enumerate() if thread.name.startswith("local-queue")}


def seed_of(http: str) -> object:
    """The seed of the queue that answers there; None if there is none, since others may have got the port."""
    try:
        with urllib.request.urlopen(f"{http}/_/stats", timeout=PATIENCE_SECONDS) as answer:  # noqa: S310 - our own http URL
            return json.load(answer)["seed"]
    except (OSError, ValueError, KeyError, HTTPException):
        return None


def test_a_closed_queue_leaves_no_thread_and_no_listener():
    before = threads()
    with LocalQueue(seed=7_000_001) as queue:
        queue.client().create_queue(parent="projects/p/locations/l", queue=tasks_v2.Queue(name=QUEUE))
        assert threads() > before
        http = queue.http
        assert seed_of(http) == 7_000_001
    assert threads() == before
    assert seed_of(http) != 7_000_001


def test_a_queue_can_be_closed_while_a_delivery_is_under_way(target: Target):
    running, release = threading.Event(), threading.Event()

    def lasting(_: object) -> Reply:
        running.set()
        release.wait(PATIENCE_SECONDS)
        return Reply()

    target.answering = lasting
    with LocalQueue(seed=0) as queue:
        create(queue.client(), queue.create_queue("q"), target)
        assert running.wait(PATIENCE_SECONDS)
    release.set()


def test_closing_twice_is_closing_once():
    before = threads()
    queue = LocalQueue(seed=0)
    queue.close()
    queue.start()
    queue.close()
    queue.close()
    assert threads() == before


def test_two_queues_know_nothing_of_each_other(target: Target):
    with LocalQueue(seed=0) as one, LocalQueue(seed=0) as two:
        assert one.address != two.address
        one.create_queue(QUEUE)
        two.create_queue(QUEUE)
        create(one.client(), QUEUE, target, "t")
        create(two.client(), QUEUE, target, "t")
        assert one.wait(PATIENCE_SECONDS)
        assert two.wait(PATIENCE_SECONDS)
    assert len(target.seen) == 2


def test_a_port_that_is_taken_is_said_and_nothing_is_left_running():
    before = threads()
    with LocalQueue(seed=0) as queue:
        taken = int(queue.address.rpartition(":")[2]), int(queue.http.rpartition(":")[2])
        with pytest.raises(RuntimeError, match=str(taken[0])):
            LocalQueue(port=taken[0]).start()
        with pytest.raises(OSError, match="in use"):
            LocalQueue(http_port=taken[1]).start()
    assert threads() == before


def test_a_short_name_is_put_under_a_local_project(queue: LocalQueue):
    assert queue.create_queue("q") == "projects/local/locations/local/queues/q"


def test_a_queue_with_a_malformed_name_is_not_created(queue: LocalQueue):
    with pytest.raises(ApiError, match="Queue name must be formatted"):
        queue.create_queue("not_a_queue")


@pytest.mark.parametrize(
    ("option", "value", "problem"),
    [
        ("max_attempt", 1, "unknown queue option 'max_attempt'; did you mean 'max_attempts'?"),
        ("colour", 1, "unknown queue option 'colour'; choose from max_dispatches_per_second, "),
        ("max_attempts", -2, "max_attempts=-2: must be an integer from -1 to 2147483647"),
        ("max_doublings", 0.5, "max_doublings=0.5: must be an integer from 0 to 2147483647"),
        ("min_backoff", -0.1, "min_backoff=-0.1: must be seconds from 0 to 315576000000"),
        (
            "max_retry_duration",
            float("inf"),
            "max_retry_duration=inf: must be seconds from 0 to 315576000000",
        ),
        (
            "max_dispatches_per_second",
            0,
            "max_dispatches_per_second=0: must be a number from 0.0001 to 1000000",
        ),
        (
            "max_concurrent_dispatches",
            0,
            "max_concurrent_dispatches=0: must be an integer from 1 to 2147483647",
        ),
    ],
)
def test_a_queue_with_an_option_that_is_misspelt_or_out_of_range_is_not_created(
    queue: LocalQueue, option: str, value: float, problem: str
):
    with pytest.raises(UsageError, match=f"^{re.escape(problem)}"):
        queue.create_queue("q", **{option: value})
    assert queue.stats()["queues"] == {}


def test_in_process_a_rate_above_the_apis_is_allowed(queue: LocalQueue, client: tasks_v2.CloudTasksClient):
    name = queue.create_queue("q", max_dispatches_per_second=10_000)
    assert client.get_queue(name=name).rate_limits.max_dispatches_per_second == 10_000


def test_a_token_is_minted_for_anybody(queue: LocalQueue):
    claims = claims_of(queue.token(email=EMAIL, audience="a", hd="shop.example", sub=...))
    assert (claims["email"], claims["aud"], claims["hd"], "sub" in claims) == (
        EMAIL,
        "a",
        "shop.example",
        False,
    )


def test_a_rotation_changes_the_key(queue: LocalQueue):
    kid = queue.rotate()
    assert header_of(queue.token(email=EMAIL, audience="a"))["kid"] == kid


def test_a_seed_repeats_the_ids_of_unnamed_tasks(target: Target):
    names = []
    for seed in (1, 1, 2):
        with LocalQueue(seed=seed) as queue:
            names.append(create(queue.client(), queue.create_queue("q"), target))
    assert names[0] == names[1] != names[2]


def test_without_a_seed_every_run_is_another():
    seeds = {LocalQueue()._seed for _ in range(3)}  # noqa: SLF001 - nothing is started to ask it
    assert len(seeds) == 3


def test_importing_the_package_does_not_import_the_queue():
    code = "import sys, taskhandler; sys.exit('taskhandler.devqueue' in sys.modules or 'grpc' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


QUEUE = "projects/p/locations/l/queues/q"
