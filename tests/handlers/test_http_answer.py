"""What a handler returns as if it were a view, or returns instead of raising it."""

from __future__ import annotations

import enum
import re
from collections import namedtuple
from dataclasses import dataclass
from decimal import Decimal
from http import HTTPStatus
from typing import Any

import attrs
import flask
import msgspec
import pydantic
import pytest
import werkzeug
from hypothesis import given
from hypothesis import strategies as st
from werkzeug.datastructures import Headers

from taskhandler import RateLimited, Reject, Retry, TaskBlueprint, UsageError
from taskhandler.handlers.http_answer import find_problem
from tests.web.local_app import app_with, deliver, outcome, record_of


class Whole:
    """An integer that is none of Python's, as NumPy has them."""

    def __init__(self, number: int) -> None:
        self._number = number

    def __index__(self) -> int:
        return self._number


class Code(enum.IntEnum):
    BUSY = 503


class ClientResponse:
    """What an HTTP client gives."""

    status_code = 503


Pair = namedtuple("Pair", "word number")  # noqa: PYI024 - of the untyped kind


class Model(pydantic.BaseModel):
    id: str = ""


class Line(msgspec.Struct):
    id: str = ""


@dataclass
class Order:
    id: str


@attrs.define
class Parcel:
    id: str


AS_A_VIEW = [
    ("later", 503),
    ("later", "503 SERVICE UNAVAILABLE"),
    ("later", "503"),
    ("", 400),
    ("", 599),
    (b"later", HTTPStatus.NOT_FOUND),
    ("later", Code.BUSY),
    ("later", Whole(500)),
    ({"error": "later"}, 500),
    ([], 404),
    (iter(["later"]), 500),
    (None, 500),
    ("later", " 503 Later"),
    ("later", "503 "),
    ("later", "\t503"),
    ("later", "+503"),
    ("later", "5_03"),
    ("later", "0503 Later"),
    ("later", "٥٠٣"),
    (Model(), 503),
    (Line(), "503 Later"),
    (Order("a"), 500),
    (Parcel("a"), HTTPStatus.NOT_FOUND),
    (flask.Flask("other").wsgi_app, 503),
    (Model(), 503, {"Retry-After": "3"}),
    ("later", 503, {"Retry-After": "3"}),
    ("later", 503, [("Retry-After", "3")]),
    ("later", 503, Headers()),
    ("later", 503, None),
    flask.Response(status=500),
    flask.Response("fine"),
    werkzeug.Response(status=302),
    flask.redirect("/elsewhere"),
    (flask.Response(), 503),
    (flask.Response(), 200),
    (flask.Response(), {"X-Header": "a"}),
]


def shown(value: object) -> str:
    """The value without its address, which differs from process to process."""
    return re.sub(r" at 0x[0-9a-f]+", "", repr(value))


@pytest.mark.parametrize("value", AS_A_VIEW, ids=shown)
def test_a_returned_view_answer_is_a_mistake_that_says_what_to_write(value: object) -> None:
    problem = find_problem(value)
    assert problem is not None
    assert "Raise Retry" in problem
    assert "later" not in problem


@pytest.mark.parametrize(("value", "status"), [(("", Code.BUSY), "503"), (("", "404 GONE"), "404")])
def test_a_returned_body_and_status_are_a_mistake_that_names_the_status(value: object, status: str) -> None:
    assert f"a body and the HTTP status {status}, but" in str(find_problem(value))


@pytest.mark.parametrize(
    "value",
    [
        Retry(after=3),
        Retry,
        RateLimited(),
        RateLimited,
        Reject("no"),
        Reject,
        ValueError("4000-secret"),
        KeyError,
        (Reject("secret"), 400),
        (Retry(after=3), {"Retry-After": "3"}),
        (Retry, 503, {}),
        (None, RateLimited()),
        (ValueError("secret"), 500),
        (Reject(),),
    ],
    ids=shown,
)
def test_a_returned_exception_is_a_mistake_named_without_its_text(value: object) -> None:
    problem = find_problem(value)
    assert problem is not None
    assert "instead of raising it" in problem
    assert "secret" not in problem


@pytest.mark.parametrize(
    "value",
    [
        None,
        "later",
        503,
        ["later", 503],
        ("a", 1),
        (1, 2),
        (1, 503),
        (0.5, 404),
        ("", 204),
        ("fine", 200),
        ("", 302, {"Location": "/"}),
        ("a", 399),
        ("cents", 600),
        ("a", True),
        ("a", 503.0),
        ("a", "b"),
        ("a", "4040"),
        ("city", "503rd street"),
        ("city", ""),
        ("city", " "),
        ("city", "503\tstreet"),
        ("city", "-503"),
        (Decimal("1.50"), 404),
        (Order("a"), 399),
        (Order("a"), "b"),
        (Order, "a"),
        [Order("a"), 503],
        ("a", 404, "b"),
        ("a", 503, {}, {}),
        ("a",),
        (),
        Pair("cents", 500),
        ClientResponse(),
        flask.Response,
        int,
        HTTPStatus.NOT_FOUND,
        {"status": 503},
    ],
    ids=shown,
)
def test_an_ordinary_result_is_accepted(value: object) -> None:
    assert find_problem(value) is None


@given(st.recursive(st.none() | st.text() | st.floats() | st.integers(max_value=399), st.lists, max_leaves=9))
def test_json_values_are_accepted_as_results(value: object) -> None:
    assert find_problem(value) is None
    assert find_problem((value, value)) is None


@pytest.mark.parametrize(
    "value", [("later", 503), flask.Response(status=500), Retry(after=3), Reject], ids=shown
)
def test_a_handler_that_returns_an_http_answer_fails_the_attempt(value: object) -> None:
    tasks = TaskBlueprint("tasks", __name__)
    tasks.handler("moved")(lambda: value)
    app = app_with(tasks, PROPAGATE_EXCEPTIONS=False)
    assert outcome(deliver(app, "moved")) == (503, "retry")
    record = record_of(app)
    assert record is not None
    assert record.reason.startswith(f"{UsageError.__name__}: it returned ")


def test_an_async_handler_that_returns_an_http_answer_fails_the_attempt() -> None:
    tasks = TaskBlueprint("tasks", __name__)

    @tasks.handler
    async def moved() -> Any:  # noqa: ANN401 - what is being tried
        return flask.jsonify(error="later"), 503

    app = app_with(tasks, PROPAGATE_EXCEPTIONS=False)
    assert outcome(deliver(app, "moved")) == (503, "retry")


def test_a_handler_that_aborts_fails_the_attempt() -> None:
    tasks = TaskBlueprint("tasks", __name__)
    tasks.handler("aborts")(lambda: flask.abort(404))
    app = app_with(tasks, PROPAGATE_EXCEPTIONS=False)
    assert outcome(deliver(app, "aborts")) == (503, "retry")
