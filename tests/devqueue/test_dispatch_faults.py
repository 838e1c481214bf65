"""Faults of deliveries, as a receiver sees them."""

from __future__ import annotations

import json
import threading
import urllib.request
from queue import SimpleQueue
from typing import Any

import pytest
from google.cloud import tasks_v2

from taskhandler.devqueue import LocalQueue

from . import decoded_tokens
from .sample_tasks import EMAIL, create
from .target import PATIENCE_SECONDS, Reply, Seen, Target

Client = tasks_v2.CloudTasksClient
AUDIENCE = "https://shop.example/tasks"
OIDC: dict[str, Any] = {"oidc_token": {"service_account_email": EMAIL, "audience": AUDIENCE}}


def kinds(queue: LocalQueue) -> list[Any]:
    return [attempt["kind"] for attempt in queue.attempts()]


def test_a_duplicate_is_sent_after_completion_with_the_same_headers(
    queue: LocalQueue, client: Client, quick: str, target: Target
):
    queue.faults(duplicate=1.0)
    create(client, quick, target, **OIDC)
    assert queue.wait(PATIENCE_SECONDS)
    first, second = target.seen
    assert (first.headers, first.body) == (second.headers, second.body)
    assert kinds(queue) == ["delivery", "duplicate"]


def test_a_late_duplicate_is_sent_late_after_seconds_later(
    queue: LocalQueue, client: Client, quick: str, target: Target
):
    queue.faults(late_duplicate=1.0, late_after=0.3)
    create(client, quick, target)
    assert queue.wait(PATIENCE_SECONDS)
    first, second = queue.attempts()
    assert second["kind"] == "late_duplicate"
    # the wait and the two times are measured by different clocks, which may differ by a little
    assert float(str(second["sent"])) - float(str(first["ended"])) > 0.29
    assert target.seen[0].headers == target.seen[1].headers


def test_wait_does_not_wait_for_a_late_duplicate_beyond_its_timeout(
    queue: LocalQueue, client: Client, quick: str, target: Target
):
    queue.faults(late_duplicate=1.0, late_after=600)
    create(client, quick, target)
    assert queue.wait(PATIENCE_SECONDS)
    assert kinds(queue) == ["delivery"]


def test_concurrent_deliveries_run_at_the_same_time(
    queue: LocalQueue, client: Client, quick: str, target: Target
):
    queue.faults(concurrent=1.0)
    both = threading.Barrier(2)
    target.answering = lambda _: Reply(200 if both.wait(PATIENCE_SECONDS) >= 0 else 500)
    create(client, quick, target, **OIDC)
    assert queue.wait(PATIENCE_SECONDS)
    first, second = target.seen
    assert first.headers == second.headers
    assert sorted(kinds(queue)) == ["concurrent", "delivery"]


def test_a_delivery_whose_reply_is_dropped_is_retried(
    queue: LocalQueue, client: Client, quick: str, target: Target
):
    queue.faults(drop_reply=1.0, attempts=[0])
    create(client, quick, target)
    assert queue.wait(PATIENCE_SECONDS)
    assert target.seen[1].task_header("TaskPreviousResponse") == "504"
    assert target.seen[1].task_header("TaskExecutionCount") == "0"
    dropped, kept = queue.attempts()
    assert (dropped["status"], dropped["error"], kept["error"]) == (200, "reply dropped", None)


def test_an_early_deadline_leaves_the_handler_running(
    queue: LocalQueue, client: Client, quick: str, target: Target
):
    # on a slow machine deliveries may be given up before they arrive: look at the first that arrives
    queue.faults(deadline=1.0, deadline_after=0.1)
    another_came, ended = threading.Event(), SimpleQueue[tuple[int, bool]]()

    def lasting(seen: Seen) -> Reply:
        if seen.number == 0:
            ended.put((number_of(seen), another_came.wait(PATIENCE_SECONDS)))
            return Reply()
        queue.faults()
        another_came.set()
        return Reply()

    target.answering = lasting
    create(client, quick, target)
    number, ran_on = ended.get(timeout=PATIENCE_SECONDS)
    assert ran_on
    assert queue.wait(PATIENCE_SECONDS)
    attempts = {attempt["number"]: attempt for attempt in queue.attempts()}
    assert attempts[number]["error"] == "no response within 0.1 s"
    later = [seen for seen in target.seen if number_of(seen) > number]
    assert {seen.task_header("TaskPreviousResponse") for seen in later} == {"504"}


def number_of(seen: Seen) -> int:
    return int(seen.task_header("TaskRetryCount") or -1)


def test_faults_limited_to_a_prefix_affect_no_other_deliveries(
    queue: LocalQueue, client: Client, quick: str, target: Target
):
    queue.faults(duplicate=1.0, prefix="order-")
    create(client, quick, target, "order-1")
    create(client, quick, target, "invoice-1")
    assert queue.wait(PATIENCE_SECONDS)
    assert sorted(str(seen.task_header("TaskName")) for seen in target.seen) == [
        "invoice-1",
        "order-1",
        "order-1",
    ]


def test_the_same_seed_gives_the_same_deliveries(target: Target):
    runs = []
    for _ in range(2):
        with LocalQueue(seed=5) as queue:
            queue.faults(duplicate=0.3, drop_reply=0.3)
            name = queue.create_queue("seeded", min_backoff=0.01, max_backoff=0.02)
            client = queue.client()
            for number in range(20):
                create(client, name, target, f"t{number}")
            assert queue.wait(PATIENCE_SECONDS)
            runs.append(sorted((str(a["task"]), str(a["kind"]), str(a["number"])) for a in queue.attempts()))
    assert runs[0] == runs[1]
    assert len(runs[0]) > 20


def test_a_delivery_carries_a_token_that_the_served_certificates_verify(
    queue: LocalQueue, client: Client, quick: str, target: Target
):
    create(client, quick, target, **OIDC)
    assert queue.wait(PATIENCE_SECONDS)
    decoded = claims(queue, target.seen[0])
    assert (decoded["email"], decoded["iss"]) == (EMAIL, "https://accounts.google.com")


def test_the_default_audience_is_the_whole_url(queue: LocalQueue, client: Client, quick: str, target: Target):
    create(client, quick, target, url=target.url + "?a=1", oidc_token={"service_account_email": EMAIL})
    assert queue.wait(PATIENCE_SECONDS)
    assert claims(queue, target.seen[0], target.url + "?a=1")["aud"] == target.url + "?a=1"


@pytest.mark.parametrize("fault", ["expired", "wrong_aud", "future", "unknown_key", "bad_signature"])
def test_a_faulty_token_is_refused_and_the_next_attempt_has_a_valid_one(
    fault: str, queue: LocalQueue, client: Client, quick: str, target: Target
):
    queue.faults(token=fault, attempts=[0])
    target.answer(401)
    create(client, quick, target, **OIDC)
    assert queue.wait(PATIENCE_SECONDS)
    spoilt, good = target.seen
    with pytest.raises(ValueError, match=r"."):
        claims(queue, spoilt)
    assert claims(queue, good)["email"] == EMAIL


def test_a_delivery_with_the_token_fault_none_has_no_authorization(
    queue: LocalQueue, client: Client, quick: str, target: Target
):
    queue.faults(token="none")
    create(client, quick, target, **OIDC)
    assert queue.wait(PATIENCE_SECONDS)
    assert "authorization" not in target.seen[0].headers


def claims(queue: LocalQueue, seen: Seen, audience: str = AUDIENCE) -> dict[str, Any]:
    with urllib.request.urlopen(queue.certs_url) as answer:  # noqa: S310 - our own http URL
        certs = json.load(answer)
    token = seen.headers["authorization"].removeprefix("Bearer ")
    return decoded_tokens.verified(token, certs, audience)
