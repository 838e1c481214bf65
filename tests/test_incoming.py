"""Reading a request: headers in any case, and bodies that are whole, within the limit, or refused."""

from __future__ import annotations

import io

import pytest
from flask import Flask, Request
from hypothesis import given
from hypothesis import strategies as st
from werkzeug.test import EnvironBuilder

from taskhandler.delivery_facts import Unreadable
from taskhandler.incoming import WSGIHeaders, read_body
from taskhandler.reply import Outcome


class Interrupted(io.RawIOBase):
    """A stream whose peer goes away after some bytes."""

    def __init__(self, *chunks: bytes, error: Exception | None = None) -> None:
        self._chunks = list(chunks)
        self._error = error or ConnectionResetError()

    def read(self, _size: int = -1) -> bytes:
        if not self._chunks:
            raise self._error
        return self._chunks.pop(0)


def asked(stream: io.IOBase, length: str | None, *, terminated: bool = False) -> Request:
    environ = EnvironBuilder(method="POST").get_environ()
    environ.pop("CONTENT_LENGTH", None)
    environ["wsgi.input"] = stream
    if length is not None:
        environ["CONTENT_LENGTH"] = length
    if terminated:
        environ["wsgi.input_terminated"] = True
    return Request(environ)


@given(
    name=st.from_regex(r"[A-Za-z][A-Za-z0-9-]{0,30}", fullmatch=True),
    value=st.text("abc ,;=\xe9", max_size=9),
)
def test_headers_are_found_as_werkzeug_finds_them(name: str, value: str) -> None:
    environ = EnvironBuilder(headers=[(name, value)]).get_environ()
    for spelt in (name, name.upper(), name.lower()):
        assert WSGIHeaders(environ).get(spelt) == Request(environ).headers.get(spelt)


def test_a_header_that_is_not_there_is_none() -> None:
    assert WSGIHeaders({}).get("X-CloudTasks-TaskName") is None


@pytest.mark.parametrize("body", [b"", b"abc", b"x" * 100])
def test_a_whole_body_within_the_limit_is_read(body: bytes) -> None:
    assert read_body(asked(io.BytesIO(body + b"the next request"), str(len(body))), 100) == body


def test_a_body_that_comes_in_pieces_is_read_to_its_end() -> None:
    assert read_body(asked(Interrupted(b"ab", b"c"), "3"), 100) == b"abc"


@pytest.mark.parametrize(
    ("stream", "length", "outcome"),
    [
        (io.BytesIO(b"x" * 101), "101", Outcome.TOO_LARGE),
        (io.BytesIO(b""), "9" * 5000, Outcome.TOO_LARGE),
        (io.BytesIO(b"ab"), "3", Outcome.MALFORMED),
        (Interrupted(b"ab"), "3", Outcome.MALFORMED),
        (io.BytesIO(b"ab"), "-1", Outcome.MALFORMED),
        (io.BytesIO(b"ab"), "two", Outcome.MALFORMED),
        (io.BytesIO(b"ab"), "\u0662", Outcome.MALFORMED),
    ],
)
def test_a_body_that_is_not_whole_or_too_large_is_refused(
    stream: io.IOBase, length: str, outcome: Outcome
) -> None:
    body = read_body(asked(stream, length), 100)
    assert isinstance(body, Unreadable)
    assert body.outcome is outcome


def test_chunks_are_read_up_to_the_limit() -> None:
    assert read_body(asked(io.BytesIO(b"x" * 100), None, terminated=True), 100) == b"x" * 100
    body = read_body(asked(io.BytesIO(b"x" * 101), None, terminated=True), 100)
    assert isinstance(body, Unreadable)
    assert body.outcome is Outcome.TOO_LARGE


class InvalidChunkSize(Exception):  # noqa: N818 - as gunicorn calls it
    """An error of the server's own."""


@pytest.mark.parametrize("error", [ConnectionResetError(), InvalidChunkSize(), ValueError()])
def test_broken_chunks_are_malformed_and_never_an_empty_body(error: Exception) -> None:
    body = read_body(asked(Interrupted(b"abc", error=error), None, terminated=True), 100)
    assert isinstance(body, Unreadable)
    assert body.outcome is Outcome.MALFORMED


def test_without_a_length_and_an_end_there_is_no_body() -> None:
    assert read_body(asked(io.BytesIO(b"the next request"), None), 100) == b""


@pytest.mark.parametrize("length", ["3", None])
def test_a_hook_of_the_app_may_have_read_the_body_before(length: str | None) -> None:
    request = asked(io.BytesIO(b"abc"), length, terminated=length is None)
    with Flask(__name__).request_context(request.environ):
        assert request.get_data() == b"abc"
        assert read_body(request, 100) == b"abc"
