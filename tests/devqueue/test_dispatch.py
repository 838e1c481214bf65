"""Deliveries over real HTTP: retries, pauses, forced runs."""

from __future__ import annotations

import socket
import threading
import time

import pytest
from google.api_core.exceptions import NotFound
from google.cloud import tasks_v2

from taskhandler.devqueue import LocalQueue

from .sample_tasks import EMAIL, create, http_task
from .target import PATIENCE_SECONDS, Reply, Seen, Target

Client = tasks_v2.CloudTasksClient


def test_a_delivery_has_the_method_url_headers_and_body_of_its_task(
    queue: LocalQueue, client: Client, quick: str, target: Target
):
    create(client, quick, target, body=b"\x00body", headers={"X-Shop": "ä"})
    assert queue.wait(PATIENCE_SECONDS)
    (seen,) = target.seen
    assert (seen.method, seen.path, seen.body) == ("POST", "/tasks/run", b"\x00body")
    assert seen.headers["x-shop"].encode("latin-1").decode() == "ä"


@pytest.mark.parametrize("method", ["GET", "HEAD", "PUT", "DELETE", "PATCH", "OPTIONS"])
def test_a_delivery_can_have_any_method(
    method: str, queue: LocalQueue, client: Client, quick: str, target: Target
):
    create(client, quick, target, http_method=method, body=b"")
    assert queue.wait(PATIENCE_SECONDS)
    assert [seen.method for seen in target.seen] == [method]


def test_a_task_answered_2xx_is_no_longer_in_the_queue(
    queue: LocalQueue, client: Client, quick: str, target: Target
):
    name = create(client, quick, target, "t")
    assert queue.wait(PATIENCE_SECONDS)
    with pytest.raises(NotFound, match="no longer exists"):
        client.get_task(name=name)


def test_a_redirect_is_not_followed_and_the_task_is_retried(
    queue: LocalQueue, client: Client, quick: str, target: Target
):
    target.answering = lambda seen: Reply(302, {"Location": "/elsewhere"}) if seen.number == 0 else Reply()
    create(client, quick, target)
    assert queue.wait(PATIENCE_SECONDS)
    assert [seen.path for seen in target.seen] == ["/tasks/run", "/tasks/run"]
    assert target.seen[1].task_header("TaskExecutionCount") == "1"


def test_a_task_that_fails_max_attempts_times_is_deleted(queue: LocalQueue, client: Client, target: Target):
    name = queue.create_queue("brief", max_attempts=3, min_backoff=0.01)
    target.answering = lambda _: Reply(500)
    task = create(client, name, target, "t")
    assert queue.wait(PATIENCE_SECONDS)
    assert len(target.seen) == 3
    with pytest.raises(NotFound, match="no longer exists"):
        client.get_task(name=task)
    assert queue.stats()["sums"] == {"delivery": 3, "retrying": 2, "exhausted": 1}


def test_a_task_is_not_retried_before_the_retry_after_of_its_answer(
    queue: LocalQueue, client: Client, quick: str, target: Target
):
    target.answering = lambda _: Reply(503, {"Retry-After": "3600"})
    name = create(client, quick, target, "t")
    assert queue.wait(PATIENCE_SECONDS)
    task = client.get_task(name=name)
    waits = task.schedule_time - task.last_attempt.response_time
    assert 3599 < waits.total_seconds() < 3601


def test_a_refused_connection_counts_as_an_attempt_but_not_as_an_execution(queue: LocalQueue, client: Client):
    name = queue.create_queue("once", max_attempts=1)
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))  # bound but not listening, so that nothing else takes the port
        task = http_task(f"http://127.0.0.1:{silent.getsockname()[1]}/", name=f"{name}/tasks/t")
        client.create_task(parent=name, task=task)
        assert queue.wait(PATIENCE_SECONDS)
    (attempt,) = queue.attempts("t")
    assert attempt["status"] is None
    assert "no response: ConnectionRefusedError" in str(attempt["error"])


def test_a_task_is_delivered_at_its_schedule_time_and_not_before(
    queue: LocalQueue, client: Client, quick: str, target: Target
):
    soon = time.time() + 0.5
    schedule_time = {"seconds": int(soon), "nanos": int(soon % 1 * 1e9)}
    task = tasks_v2.Task(http_request={"url": target.url}, schedule_time=schedule_time)
    client.create_task(parent=quick, task=task)
    assert queue.wait(PATIENCE_SECONDS)
    assert float(str(queue.attempts()[0]["sent"])) >= soon - 1e-6
    assert float(target.seen[0].task_header("TaskETA") or 0) == pytest.approx(soon, abs=1e-5)


def test_a_paused_queue_delivers_nothing_until_it_is_resumed(
    queue: LocalQueue, client: Client, quick: str, target: Target
):
    client.pause_queue(name=quick)
    create(client, quick, target)
    assert queue.wait(PATIENCE_SECONDS)
    assert target.seen == []
    client.resume_queue(name=quick)
    assert queue.wait(PATIENCE_SECONDS)
    assert len(target.seen) == 1


def test_run_task_delivers_in_a_paused_queue(queue: LocalQueue, client: Client, quick: str, target: Target):
    client.pause_queue(name=quick)
    name = create(client, quick, target, "t")
    assert client.run_task(name=name).dispatch_count == 1
    assert queue.wait(PATIENCE_SECONDS)
    assert len(target.seen) == 1


def test_run_task_delivers_a_task_that_is_running(
    queue: LocalQueue, client: Client, quick: str, target: Target
):
    both = threading.Barrier(3)
    target.answering = lambda _: Reply(200 if both.wait(PATIENCE_SECONDS) >= 0 else 500)
    name = create(client, quick, target, "t")
    client.run_task(name=name)
    both.wait(PATIENCE_SECONDS)
    assert queue.wait(PATIENCE_SECONDS)
    assert sorted(str(seen.task_header("TaskRetryCount")) for seen in target.seen) == ["0", "1"]


def test_a_task_deleted_while_it_runs_is_not_retried(
    queue: LocalQueue, client: Client, quick: str, target: Target
):
    def deleting(_: Seen) -> Reply:
        client.delete_task(name=f"{quick}/tasks/t")
        return Reply(500)

    target.answering = deleting
    create(client, quick, target, "t")
    assert queue.wait(PATIENCE_SECONDS)
    assert len(target.seen) == 1
    assert queue.stats()["sums"] == {"delivery": 1, "gone": 1}


def test_no_more_deliveries_run_at_once_than_max_concurrent_dispatches(
    queue: LocalQueue, client: Client, target: Target
):
    name = queue.create_queue("pairs", max_concurrent_dispatches=2)
    pair, counts, running, most = threading.Barrier(2), threading.Lock(), [0], [0]

    def counting(_: Seen) -> Reply:
        with counts:
            running[0] += 1
            most[0] = max(most[0], running[0])
        pair.wait(PATIENCE_SECONDS)
        with counts:
            running[0] -= 1
        pair.wait(PATIENCE_SECONDS)
        return Reply()

    target.answering = counting
    for _ in range(6):
        create(client, name, target)
    assert queue.wait(PATIENCE_SECONDS)
    assert (len(target.seen), most[0]) == (6, 2)


def test_a_task_with_an_oauth_token_is_delivered_with_an_opaque_access_token(
    queue: LocalQueue, client: Client, quick: str, target: Target
):
    create(client, quick, target, oauth_token={"service_account_email": EMAIL})
    assert queue.wait(PATIENCE_SECONDS)
    assert target.seen[0].headers["authorization"].startswith("Bearer ya29.")
