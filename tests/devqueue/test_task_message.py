"""Which tasks are accepted, and how the API returns them, through the real client."""

from __future__ import annotations

from typing import Any

import pytest
from google.api_core.exceptions import GoogleAPICallError, InvalidArgument
from google.cloud import tasks_v2

from taskhandler.devqueue import LocalQueue

from .sample_tasks import EMAIL, create, http_task
from .target import PATIENCE_SECONDS, Target

Client = tasks_v2.CloudTasksClient
URL = "http://127.0.0.1:9/tasks"
FULL, BASIC = tasks_v2.Task.View.FULL, tasks_v2.Task.View.BASIC


@pytest.fixture
def held(queue: LocalQueue, client: Client) -> str:
    """A paused queue."""
    name = queue.create_queue("held")
    client.pause_queue(name=name)
    return name


@pytest.mark.parametrize(
    ("task", "problem"),
    [
        ({"http_request": {"url": "ftp://x"}}, "HttpTarget.url must start with"),
        ({"http_request": {"url": "http://x/" + "y" * 2083}}, "no longer than 2083"),
        (
            {"http_request": {"url": URL, "http_method": "GET", "body": b"x"}},
            "not allowed with the method GET",
        ),
        ({"http_request": {"url": URL, "headers": {"a": "b\r\nc: d"}}}, "cannot be sent"),
        ({"http_request": {"url": URL, "headers": {"a b": "c"}}}, "cannot be sent"),
        ({"http_request": {"url": URL, "headers": {"a": "x" * 81_920}}}, "smaller than 80KB"),
        ({"http_request": {"url": URL}, "dispatch_deadline": {"seconds": 14}}, r"between \[15s, 30m\]"),
        ({"http_request": {"url": URL}, "dispatch_deadline": {"seconds": 1801}}, r"between \[15s, 30m\]"),
        (
            {"http_request": {"url": URL}, "schedule_time": {"seconds": 4_000_000_000}},
            "too far in the future",
        ),
        ({"http_request": {"url": URL}, "retry_config": {"max_attempts": -2}}, "maxAttempts must be"),
    ],
)
def test_a_task_that_is_not_valid_is_refused_with_the_reason(
    client: Client, held: str, task: dict[str, Any], problem: str
):
    with pytest.raises(InvalidArgument, match=problem):
        client.create_task(parent=held, task=tasks_v2.Task(task))


def test_a_task_with_an_app_engine_target_is_unimplemented(client: Client, held: str):
    with pytest.raises(GoogleAPICallError, match="does not support App Engine"):
        client.create_task(parent=held, task=tasks_v2.Task(app_engine_http_request={"relative_uri": "/"}))


def test_a_task_larger_than_the_real_services_limit_is_refused(client: Client, held: str):
    task = tasks_v2.Task(name=f"{held}/tasks/t", http_request={"url": URL, "body": b"x" * 1_048_000})
    room = 1_048_569 - tasks_v2.Task.pb(task).ByteSize()
    task.http_request.body += b"x" * (room + 1)
    with pytest.raises(InvalidArgument, match="Task size too large"):
        client.create_task(parent=held, task=task)
    task.http_request.body = task.http_request.body[:-1]
    client.create_task(parent=held, task=task)


@pytest.mark.parametrize("seconds", [15, 1800])
def test_deadlines_from_15_seconds_to_30_minutes_are_accepted(client: Client, held: str, seconds: int):
    task = tasks_v2.Task(http_request={"url": URL}, dispatch_deadline={"seconds": seconds})
    assert client.create_task(parent=held, task=task).dispatch_deadline.total_seconds() == seconds


def test_the_default_deadline_is_ten_minutes(client: Client, held: str):
    assert client.create_task(parent=held, task=http_task(URL)).dispatch_deadline.total_seconds() == 600


def test_a_url_is_checked_no_more_strictly_than_by_the_real_service(client: Client, held: str):
    assert client.create_task(parent=held, task=http_task("http://example.com/%zz")).name


def test_an_unnamed_task_gets_an_id_of_twenty_digits(client: Client, held: str):
    ids = {client.create_task(parent=held, task=http_task(URL)).name.rpartition("/")[2] for _ in range(5)}
    assert len(ids) == 5
    assert all(len(each) == 20 and each.isdigit() for each in ids)


def test_the_body_of_a_task_is_returned_only_in_the_full_view(client: Client, held: str, target: Target):
    name = create(client, held, target, "t", body=b"secret", headers={"x-Mixed-case": "kept"})
    basic, full = client.get_task(name=name), client.get_task(request={"name": name, "response_view": FULL})
    assert (basic.view, basic.http_request.body) == (BASIC, b"")
    assert (full.view, full.http_request.body) == (FULL, b"secret")
    assert dict(basic.http_request.headers) == {"x-Mixed-case": "kept", "User-Agent": "Google-Cloud-Tasks"}


def test_a_task_shows_the_account_and_audience_of_its_token_but_no_token(client: Client, held: str):
    wanted = {"service_account_email": EMAIL}
    task = client.create_task(parent=held, task=http_task(URL, oidc_token=wanted))
    assert task.http_request.oidc_token.audience == URL
    task = client.create_task(parent=held, task=http_task(URL, oauth_token=wanted))
    assert task.http_request.oauth_token.service_account_email == EMAIL
    assert "Authorization" not in task.http_request.headers


def test_a_task_shows_its_first_and_last_attempt(queue: LocalQueue, client: Client, target: Target):
    name = queue.create_queue("slow", min_backoff=3600)
    target.answer(404)
    task = create(client, name, target, "t")
    assert queue.wait(PATIENCE_SECONDS)
    shown = client.get_task(name=task)
    assert (shown.dispatch_count, shown.response_count) == (1, 1)
    assert shown.last_attempt.response_status.code == 5
    assert shown.last_attempt.response_status.message == "HTTP status code 404"
    assert shown.first_attempt.dispatch_time == shown.last_attempt.dispatch_time
    assert shown.last_attempt.dispatch_time <= shown.last_attempt.response_time


def test_a_task_with_a_retry_config_of_its_own_follows_it(
    queue: LocalQueue, client: Client, quick: str, target: Target
):
    target.answer(500, 500)
    task = tasks_v2.Task(http_request={"url": target.url}, retry_config={"max_attempts": 2})
    client.create_task(parent=quick, task=task)
    assert queue.wait(PATIENCE_SECONDS)
    assert len(target.seen) == 2
    assert queue.stats()["sums"] == {"delivery": 2, "retrying": 1, "exhausted": 1}
