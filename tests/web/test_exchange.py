"""What guard and view share about one request, and about no other."""

from __future__ import annotations

import io
from typing import Any

import pytest
from werkzeug.test import EnvironBuilder, run_wsgi_app

from taskhandler.web.exchange import EXCHANGE, Exchange, TaskResponse, exchange_of


def environ(**names: str) -> dict[str, Any]:
    given = {f"HTTP_X_{name}": value for name, value in names.items()}
    return {**EnvironBuilder(method="POST", data=b"abc").get_environ(), **given}


NAMED = {"CLOUDTASKS_QUEUENAME": "q", "CLOUDTASKS_TASKNAME": "t1"}


def test_the_environment_and_its_copies_lead_to_the_same_exchange():
    request = environ(**NAMED)
    exchange = exchange_of(request, 100)
    assert exchange_of(request, 100) is exchange
    assert exchange_of({**request, "PATH_INFO": "/moved"}, 100) is exchange
    assert request["wsgi.input"] is exchange.body


@pytest.mark.parametrize(
    "other", [{"CLOUDTASKS_TASKNAME": "t2"}, {"CLOUDTASKS_QUEUENAME": "other"}, {"CLOUDTASKS_TASKNAME": ""}]
)
def test_another_task_has_another_exchange_and_its_own_body(other: dict[str, str]):
    request = environ(**NAMED)
    exchange = exchange_of(request, 100)
    copied = {**request, **{f"HTTP_X_{name}": value for name, value in other.items()}}
    copied |= {"wsgi.input": io.BytesIO(b"xyz")}
    another = exchange_of(copied, 100, passed=exchange)
    assert another is not exchange
    assert another.body.whole() == b"xyz"
    assert exchange.body.whole() == b"abc"


def test_app_engines_names_tell_tasks_apart_too():
    request = environ(APPENGINE_QUEUENAME="q", APPENGINE_TASKNAME="t1")
    exchange = exchange_of(request, 100)
    assert exchange_of({**request}, 100) is exchange
    assert exchange_of({**request, "HTTP_X_APPENGINE_TASKNAME": "t2"}, 100) is not exchange


def test_the_guards_exchange_is_found_where_the_environment_has_lost_it():
    request = environ(**NAMED)
    exchange = exchange_of(request, 100)
    assert exchange_of(environ(**NAMED), 100, passed=exchange) is exchange
    assert exchange_of({**request, EXCHANGE: "not one"}, 100, passed=None) is not exchange


@pytest.mark.parametrize("guarded", [True, False])
def test_behind_the_guard_a_response_has_no_body_and_is_closed_all_the_same(*, guarded: bool):
    closed: list[bool] = []
    request = environ(**NAMED)
    exchange = Exchange(request, 100)
    exchange.guarded = guarded
    response = TaskResponse([b"{}"], "200 OK", content_type="application/json")
    response.call_on_close(lambda: closed.append(True))
    body, status, headers = run_wsgi_app(response, {**request, EXCHANGE: exchange}, buffered=True)
    assert (status, headers["Content-Type"]) == ("200 OK", "application/json")
    assert b"".join(body) == (b"" if guarded else b"{}")
    assert closed == [True]
