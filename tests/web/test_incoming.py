"""A request as a delivery needs it: headers in any case, and a body that Flask's request has then, too."""

from __future__ import annotations

import io
from collections.abc import Callable
from typing import Any

import pytest
from flask import Flask, Request
from hypothesis import given
from hypothesis import strategies as st
from werkzeug.test import EnvironBuilder

from taskhandler.ledger.storage import TaskBody
from taskhandler.web.body import RecordedBody
from taskhandler.web.incoming import CONTENT_TYPE_LIMIT_CHARACTERS, WSGIHeaders, read_body


def recorded(**more: Any) -> tuple[dict[str, Any], RecordedBody]:  # noqa: ANN401 - what EnvironBuilder takes
    """A request's environment, with a recorded body in it."""
    environ = EnvironBuilder(method="POST", **more).get_environ()
    environ["wsgi.input"] = body = RecordedBody(environ, 1000)
    return environ, body


@given(
    name=st.from_regex(r"[A-Za-z][A-Za-z0-9-]{0,30}", fullmatch=True),
    value=st.text("abc ,;=\xe9", max_size=9),
)
def test_headers_are_found_in_any_case(name: str, value: str) -> None:
    environ = EnvironBuilder(headers=[(name, value)]).get_environ()
    for spelt in (name, name.upper(), name.lower()):
        assert WSGIHeaders(environ).get(spelt) == Request(environ).headers.get(spelt)


def test_a_missing_header_is_none() -> None:
    assert WSGIHeaders({}).get("X-CloudTasks-TaskName") is None


FORM = "application/x-www-form-urlencoded"

READERS: dict[str, Callable[[Request], object]] = {
    "nothing": lambda _: None,
    "get_data": lambda request: request.get_data(),
    "get_data, not cached": lambda request: request.get_data(cache=False),
    "stream": lambda request: request.stream.read(),
    "a part of the stream": lambda request: request.stream.read(3),
    "form": lambda request: request.form,
    "files": lambda request: request.files,
    "get_json": lambda request: request.get_json(silent=True),
    "content_length": lambda request: request.content_length,
    "closes the stream": lambda request: request.environ["wsgi.input"].close(),
    "closes the request": lambda request: request.close(),
}


@pytest.mark.parametrize("before", READERS)
def test_the_request_has_its_body_whatever_a_hook_has_read_before(before: str) -> None:
    environ, body = recorded(data=b"a=1&b=2", content_type=FORM)
    with Flask(__name__).request_context(environ) as context:
        request = context.request
        READERS[before](request)
        assert read_body(request, body) == TaskBody(b"a=1&b=2", FORM)
        assert request.stream.read() == b"a=1&b=2"
        assert read_body(request, body) == TaskBody(b"a=1&b=2", FORM)
        assert request.form.to_dict() == {"a": "1", "b": "2"}
        assert read_body(request, body) == TaskBody(b"a=1&b=2", FORM)
        assert request.get_data() == b"a=1&b=2"
        assert request.form.to_dict() == {"a": "1", "b": "2"}


def test_files_and_json_of_the_body_are_parsed() -> None:
    environ, body = recorded(data={"file": (io.BytesIO(b"text"), "a.txt"), "a": "1"})
    with Flask(__name__).request_context(environ) as context:
        read_body(context.request, body)
        assert context.request.files["file"].read() == b"text"
        assert context.request.form["a"] == "1"
    environ, body = recorded(json={"a": 1})
    with Flask(__name__).request_context(environ) as context:
        read_body(context.request, body)
        assert context.request.get_json() == {"a": 1}


def test_files_that_a_hook_has_parsed_are_open_until_the_request_ends() -> None:
    environ, body = recorded(data={"file": (io.BytesIO(b"text"), "a.txt")})
    with Flask(__name__).request_context(environ) as context:
        of_the_hook = context.request.files["file"]
        read_body(context.request, body)
        of_the_handler = context.request.files["file"]
        assert of_the_hook.read() == of_the_handler.read() == b"text"
    assert of_the_hook.closed
    assert of_the_handler.closed


def test_a_body_in_chunks_has_a_length_once_it_is_read() -> None:
    environ, body = recorded(data=b"{}", headers={"Transfer-Encoding": "chunked"})
    del environ["CONTENT_LENGTH"]
    environ["wsgi.input_terminated"] = True
    with Flask(__name__).request_context(environ) as context:
        assert context.request.content_length is None
        found = read_body(context.request, RecordedBody({**environ, "wsgi.input": body}, 1000))
        assert isinstance(found, TaskBody)
        assert found.content == b"{}"
        assert context.request.content_length == 2
        assert "Transfer-Encoding" not in context.request.headers


def test_a_content_type_is_kept_as_one_bounded_line() -> None:
    environ, body = recorded(data=b"1", content_type="text/plain; x=\x1b[2J" + "y" * 1000)
    with Flask(__name__).request_context(environ) as context:
        found = read_body(context.request, body)
    assert isinstance(found, TaskBody)
    assert found.content_type.startswith("text/plain; x=?[2Jy")
    assert len(found.content_type) == CONTENT_TYPE_LIMIT_CHARACTERS
