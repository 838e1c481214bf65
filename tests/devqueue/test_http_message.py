"""Requests, replies and errors of the HTTP side, without a connection."""

from __future__ import annotations

import json
from http import HTTPStatus

import pytest

from taskhandler.devqueue.http_message import Head, HttpError, Reply, Request


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("", None),
        ("task=a", "a"),
        ("task=a&task=b", "b"),
        ("task=", ""),
        ("task=%41+%ff", "A \ufffd"),
        ("&&=", None),
    ],
)
def test_a_repeated_query_parameter_has_its_last_value(query: str, expected: str | None):
    assert Request(Head("GET", "/", query, ()), b"").parameter("task") == expected


def test_a_reply_is_json_and_closes_its_connection():
    head, _, body = (
        Reply({"a": 1}, headers={"Cache-Control": "public"}).render(with_body=True).partition(b"\r\n\r\n")
    )
    first, *lines = head.decode().split("\r\n")
    assert first == "HTTP/1.1 200 OK"
    assert set(lines) >= {
        "Content-Type: application/json",
        "Connection: close",
        "Cache-Control: public",
        f"Content-Length: {len(body)}",
    }
    assert json.loads(body) == {"a": 1}


def test_a_reply_to_head_has_no_body():
    assert Reply({"a": 1}).render(with_body=False).endswith(b"\r\n\r\n")


def test_an_http_error_has_its_reason_in_one_bounded_line():
    reply = HttpError(HTTPStatus.BAD_REQUEST, "a\nforged \x1b[2J line" + "x" * 10_000).reply
    assert isinstance(reply.content, dict)
    problem = reply.content["error"]
    assert problem.startswith("a forged ?[2J line")
    assert len(problem) <= 500
