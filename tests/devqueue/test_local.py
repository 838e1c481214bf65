"""`LocalQueue` in a test's own process."""

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

from .decoded_tokens import claims_of, header_of
from .sample_tasks import EMAIL, create
from .target import PATIENCE_SECONDS, Reply, Target


def threads() -> set[threading.Thread]:
    """Return the threads of local queues; other tests of this process may have threads of their own."""
    return {thread for thread in threading.enumerate() if thread.name.startswith("local-queue")}


def seed_of(http: str) -> object:
    """Return the seed of the queue at the URL; None if there is none, since the port may be reused."""
    try:
        with urllib.request.urlopen(f"{http}/_/stats", timeout=PATIENCE_SECONDS) as answer:  # noqa: S310 - our own http URL
            return json.load(answer)["seed"]
    except (OSError, ValueError, KeyError, HTTPException):
        return None


def test_a_closed_local_queue_leaves_no_thread_and_no_listener():
    before = threads()
    with LocalQueue(seed=7_000_001) as queue:
        queue.client().create_queue(parent="projects/p/locations/l", queue=tasks_v2.Queue(name=QUEUE))
        assert threads() > before
        http = queue.http
        assert seed_of(http) == 7_000_001
    assert threads() == before
    assert seed_of(http) != 7_000_001


def test_a_local_queue_can_be_closed_while_a_delivery_runs(target: Target):
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


def test_closing_a_local_queue_twice_has_no_further_effect():
    before = threads()
    queue = LocalQueue(seed=0)
    queue.close()
    queue.start()
    queue.close()
    queue.close()
    assert threads() == before


def test_two_local_queues_share_no_tasks_and_no_queues(target: Target):
    with LocalQueue(seed=0) as one, LocalQueue(seed=0) as two:
        assert one.address != two.address
        one.create_queue(QUEUE)
        two.create_queue(QUEUE)
        create(one.client(), QUEUE, target, "t")
        create(two.client(), QUEUE, target, "t")
        assert one.wait(PATIENCE_SECONDS)
        assert two.wait(PATIENCE_SECONDS)
    assert len(target.seen) == 2


def test_start_on_a_taken_port_raises_and_leaves_no_thread():
    before = threads()
    with LocalQueue(seed=0) as queue:
        taken = int(queue.address.rpartition(":")[2]), int(queue.http.rpartition(":")[2])
        with pytest.raises(RuntimeError, match=str(taken[0])):
            LocalQueue(port=taken[0]).start()
        with pytest.raises(OSError, match="in use"):
            LocalQueue(http_port=taken[1]).start()
    assert threads() == before


def test_create_queue_puts_a_short_name_under_projects_local(queue: LocalQueue):
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


def test_create_queue_in_process_allows_rates_above_the_limit_of_the_api(
    queue: LocalQueue, client: tasks_v2.CloudTasksClient
):
    name = queue.create_queue("q", max_dispatches_per_second=10_000)
    assert client.get_queue(name=name).rate_limits.max_dispatches_per_second == 10_000


def test_a_token_has_the_given_account_audience_and_claims(queue: LocalQueue):
    claims = claims_of(queue.token(email=EMAIL, audience="a", hd="shop.example", sub=...))
    assert (claims["email"], claims["aud"], claims["hd"], "sub" in claims) == (
        EMAIL,
        "a",
        "shop.example",
        False,
    )


def test_a_token_made_after_a_rotation_names_the_new_key(queue: LocalQueue):
    kid = queue.rotate()
    assert header_of(queue.token(email=EMAIL, audience="a"))["kid"] == kid


def test_the_same_seed_gives_unnamed_tasks_the_same_ids(target: Target):
    names = []
    for seed in (1, 1, 2):
        with LocalQueue(seed=seed) as queue:
            names.append(create(queue.client(), queue.create_queue("q"), target))
    assert names[0] == names[1] != names[2]


def test_local_queues_without_a_seed_get_different_seeds():
    seeds = {LocalQueue()._seed for _ in range(3)}  # noqa: SLF001 - nothing is started to ask it
    assert len(seeds) == 3


def test_importing_the_package_does_not_import_the_queue():
    code = "import sys, taskhandler; sys.exit('taskhandler.devqueue' in sys.modules or 'grpc' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


QUEUE = "projects/p/locations/l/queues/q"
