"""What guard and view share about one request, and about no other."""

from __future__ import annotations

import io
from typing import Any

import pytest
from werkzeug.test import EnvironBuilder, run_wsgi_app

from taskhandler.web.task_request import TASK_REQUEST, TaskRequest, TaskResponse, ensure_task_request


def environ(**names: str) -> dict[str, Any]:
    given = {f"HTTP_X_{name}": value for name, value in names.items()}
    return {**EnvironBuilder(method="POST", data=b"abc").get_environ(), **given}


NAMED = {"CLOUDTASKS_QUEUENAME": "q", "CLOUDTASKS_TASKNAME": "t1"}


def test_copies_of_an_environment_lead_to_the_same_task_request():
    request = environ(**NAMED)
    task_request = ensure_task_request(request, 100)
    assert ensure_task_request(request, 100) is task_request
    assert ensure_task_request({**request, "PATH_INFO": "/moved"}, 100) is task_request
    assert request["wsgi.input"] is task_request.body


@pytest.mark.parametrize(
    "other", [{"CLOUDTASKS_TASKNAME": "t2"}, {"CLOUDTASKS_QUEUENAME": "other"}, {"CLOUDTASKS_TASKNAME": ""}]
)
def test_another_task_has_a_request_of_its_own_and_its_own_body(other: dict[str, str]):
    request = environ(**NAMED)
    task_request = ensure_task_request(request, 100)
    copied = {**request, **{f"HTTP_X_{name}": value for name, value in other.items()}}
    copied |= {"wsgi.input": io.BytesIO(b"xyz")}
    another = ensure_task_request(copied, 100, passed=task_request)
    assert another is not task_request
    assert another.body.read_whole() == b"xyz"
    assert task_request.body.read_whole() == b"abc"


def test_tasks_with_different_app_engine_names_have_different_requests():
    request = environ(APPENGINE_QUEUENAME="q", APPENGINE_TASKNAME="t1")
    task_request = ensure_task_request(request, 100)
    assert ensure_task_request({**request}, 100) is task_request
    assert ensure_task_request({**request, "HTTP_X_APPENGINE_TASKNAME": "t2"}, 100) is not task_request


def test_the_guards_task_request_is_found_where_the_environment_has_lost_it():
    request = environ(**NAMED)
    task_request = ensure_task_request(request, 100)
    assert ensure_task_request(environ(**NAMED), 100, passed=task_request) is task_request
    assert ensure_task_request({**request, TASK_REQUEST: "not one"}, 100, passed=None) is not task_request


@pytest.mark.parametrize("guarded", [True, False])
def test_a_response_behind_the_guard_has_no_body_and_is_closed(*, guarded: bool):
    closed: list[bool] = []
    request = environ(**NAMED)
    task_request = TaskRequest(request, 100)
    task_request.guarded = guarded
    response = TaskResponse([b"{}"], "200 OK", content_type="application/json")
    response.call_on_close(lambda: closed.append(True))
    body, status, headers = run_wsgi_app(response, {**request, TASK_REQUEST: task_request}, buffered=True)
    assert (status, headers["Content-Type"]) == ("200 OK", "application/json")
    assert b"".join(body) == (b"" if guarded else b"{}")
    assert closed == [True]
