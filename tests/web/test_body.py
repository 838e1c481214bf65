"""A request's body: whole or refused, whatever was read of it before."""

from __future__ import annotations

import gzip
import io
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from taskhandler.delivery.reply import Refusal
from taskhandler.outcome import Outcome
from taskhandler.web.body import RecordedBody, WholeBody

LIMIT = 100


class Pieces(io.RawIOBase):
    """A stream that gives its bytes in pieces, and then raises or ends."""

    def __init__(self, *pieces: bytes, error: Exception | None = None) -> None:
        self._pieces = list(pieces)
        self._error = error

    def read(self, size: int = -1) -> bytes:
        if self._pieces:
            piece = self._pieces.pop(0)
            if 0 <= size < len(piece):
                self._pieces.insert(0, piece[size:])
                piece = piece[:size]
            return piece
        if self._error is not None:
            raise self._error
        return b""


def body_of(stream: io.IOBase, length: str | None = None, **environ: Any) -> RecordedBody:  # noqa: ANN401 - as WSGI
    more = {} if length is None else {"CONTENT_LENGTH": length}
    return RecordedBody({"wsgi.input": stream, "SERVER_PROTOCOL": "HTTP/1.1", **more, **environ}, LIMIT)


def chunked(stream: io.IOBase, **environ: Any) -> RecordedBody:  # noqa: ANN401 - as WSGI
    terminated: dict[str, Any] = {"HTTP_TRANSFER_ENCODING": "chunked", "wsgi.input_terminated": True}
    return body_of(stream, **terminated | environ)


def fault(body: RecordedBody) -> tuple[Outcome, int | None]:
    whole = body.read_whole()
    assert isinstance(whole, Refusal)
    assert whole.why.isprintable()
    return whole.outcome, whole.status


@pytest.mark.parametrize("zeros", ["0", "0" * 22, "0" * 4000])
def test_a_content_length_may_begin_with_zeros(zeros: str) -> None:
    assert body_of(io.BytesIO(b"hello world!"), f"{zeros}12").read_whole() == b"hello world!"
    assert body_of(io.BytesIO(b""), zeros).read_whole() == b""


def test_a_recorded_body_can_be_read_through_a_text_wrapper() -> None:
    text = io.TextIOWrapper(io.BufferedReader(body_of(io.BytesIO(b"a\nb"), "3")))
    assert text.read() == "a\nb"
    text.detach().detach().flush()


@pytest.mark.parametrize("content", [b"", b"abc", b"x" * LIMIT])
def test_a_whole_body_within_the_limit_is_read_to_its_length(content: bytes) -> None:
    assert body_of(io.BytesIO(content + b"the next request"), str(len(content))).read_whole() == content


def test_a_body_that_comes_in_pieces_is_read_to_its_length() -> None:
    assert body_of(Pieces(b"ab", b"c", b"the next request"), "3").read_whole() == b"abc"


@pytest.mark.parametrize(
    ("stream", "length", "outcome"),
    [
        (io.BytesIO(b"x" * (LIMIT + 1)), str(LIMIT + 1), Outcome.TOO_LARGE),
        (io.BytesIO(b""), "9" * 5000, Outcome.TOO_LARGE),
        (io.BytesIO(b"ab"), "3", Outcome.MALFORMED),
        (io.BytesIO(b""), "3", Outcome.MALFORMED),
        (Pieces(b"ab", error=ConnectionResetError()), "3", Outcome.MALFORMED),
        (io.BytesIO(b"ab"), "-1", Outcome.MALFORMED),
        (io.BytesIO(b"ab"), "two", Outcome.MALFORMED),
        (io.BytesIO(b"ab"), "2, 2", Outcome.MALFORMED),
        (io.BytesIO(b"ab"), "+2", Outcome.MALFORMED),
        (io.BytesIO(b"ab"), "2 ", Outcome.MALFORMED),
        (io.BytesIO(b"ab"), "\u0662", Outcome.MALFORMED),
    ],
)
def test_a_body_that_is_not_whole_or_too_large_is_refused(
    stream: io.IOBase, length: str, outcome: Outcome
) -> None:
    assert fault(body_of(stream, length)) == (outcome, None)


def test_chunks_are_read_up_to_the_limit_where_the_server_ends_them() -> None:
    assert chunked(io.BytesIO(b"x" * LIMIT)).read_whole() == b"x" * LIMIT
    assert fault(chunked(io.BytesIO(b"x" * (LIMIT + 1)))) == (Outcome.TOO_LARGE, None)


class InvalidChunkSize(Exception):  # noqa: N818 - as gunicorn calls it
    """An error of the server's own."""


@pytest.mark.parametrize("error", [ConnectionResetError(), InvalidChunkSize(), ValueError()])
def test_broken_chunks_are_malformed_and_never_a_shorter_body(error: Exception) -> None:
    assert fault(chunked(Pieces(b"abc", error=error))) == (Outcome.MALFORMED, None)


def test_chunks_that_broke_while_a_hook_read_them_are_malformed() -> None:
    body = chunked(Pieces(b"abc", error=ConnectionResetError()))
    assert body.read(3) == b"abc"
    with pytest.raises(ConnectionResetError):
        body.read()
    assert fault(body) == (Outcome.MALFORMED, None)


def test_chunks_whose_end_the_server_does_not_tell_need_a_length() -> None:
    body = body_of(io.BytesIO(b"{}"), HTTP_TRANSFER_ENCODING="chunked")
    assert fault(body) == (Outcome.MALFORMED, 411)


def test_a_request_without_a_length_and_without_chunks_has_an_empty_body() -> None:
    assert body_of(io.BytesIO(b"the next request")).read_whole() == b""


def test_chunks_need_a_length_under_a_server_that_hides_that_they_broke_off() -> None:
    assert fault(chunked(io.BytesIO(b"abc"), SERVER_SOFTWARE="Granian")) == (Outcome.MALFORMED, 411)
    assert body_of(io.BytesIO(b"abc"), "3", SERVER_SOFTWARE="Granian").read_whole() == b"abc"
    assert chunked(io.BytesIO(b"abc"), SERVER_SOFTWARE="waitress").read_whole() == b"abc"


def test_http_2_needs_no_length() -> None:
    assert body_of(io.BytesIO(b"{}"), SERVER_PROTOCOL="HTTP/2").read_whole() == b"{}"


def test_a_compressed_body_is_inflated() -> None:
    packed = gzip.compress(b"{}")
    assert body_of(io.BytesIO(packed), str(len(packed)), HTTP_CONTENT_ENCODING="gzip").read_whole() == b"{}"
    assert chunked(io.BytesIO(packed), HTTP_CONTENT_ENCODING="gzip").read_whole() == b"{}"


READS: list[Callable[[RecordedBody], object]] = [
    lambda body: body.read(),
    lambda body: body.read(0),
    lambda body: body.read(5),
    lambda body: body.readline(),
    lambda body: body.readline(2),
    lambda body: body.readlines(),
    lambda body: body.readlines(4),
    lambda body: body.readinto(bytearray(7)),
    lambda body: next(iter(body), None),
    lambda body: body.read(None),
    lambda body: body.readline(None),
    lambda body: body.readlines(None),
    lambda body: body.read1(4),
    lambda body: next(body, None),
    lambda body: body.tell(),
    lambda body: body.seek(0),
    lambda body: body.seek(3),
    lambda body: body.seek(1, 1),
    lambda body: body.seek(0, 2),
    lambda body: body.isatty(),
    lambda body: body.close(),
    lambda body: body.read_whole(),
]


@given(
    content=st.binary(max_size=LIMIT) | st.lists(st.sampled_from([b"\n", b"a", b"bc\n"])).map(b"".join),
    reads=st.lists(st.sampled_from(READS), max_size=6),
)
def test_the_whole_body_is_returned_whatever_was_read_before(
    content: bytes, reads: list[Callable[[RecordedBody], object]]
) -> None:
    body = body_of(io.BytesIO(content), str(len(content)))
    for read in reads:
        read(body)
    if len(content) <= LIMIT:
        assert body.read_whole() == content


@given(
    content=st.lists(st.sampled_from([b"\n", b"a", b"bc\n"]), max_size=40).map(b"".join),
    reads=st.lists(st.sampled_from(READS[:-2]), max_size=9),
)
def test_a_reader_gets_what_it_would_get_of_the_servers_own_input(
    content: bytes, reads: list[Callable[[Any], object]]
) -> None:
    body, plain = body_of(io.BytesIO(content), str(len(content))), io.BytesIO(content)
    body.read_whole()
    for read in reads:
        assert read(body) == read(plain)


def test_a_reader_gets_all_of_a_body_over_the_limit_which_is_then_too_large() -> None:
    body = chunked(io.BytesIO(b"x" * 3 * LIMIT))
    assert b"".join(iter(lambda: body.read(7), b"")) == b"x" * 3 * LIMIT
    assert fault(body) == (Outcome.TOO_LARGE, None)


def test_a_seek_past_the_end_of_a_body_does_not_move_its_end() -> None:
    body = body_of(io.BytesIO(b"abc"), "3")
    assert (body.seek(7), body.read()) == (7, b"")
    assert (body.seek(0, 2), body.seek(-2, 2), body.read()) == (3, 1, b"bc")


def test_a_body_over_the_limit_cannot_be_read_again() -> None:
    body = chunked(io.BytesIO(b"x" * 3 * LIMIT))
    assert len(body.read()) == 3 * LIMIT
    with pytest.raises(OSError, match="over the limit"):
        body.seek(0)


def test_a_recorded_body_is_readable_and_cannot_be_closed() -> None:
    body, whole = body_of(io.BytesIO(b"abc"), "3"), WholeBody(b"abc")
    assert (body.readable(), body.writable(), body.seekable()) == (True, False, True)
    body.close()
    whole.close()
    assert body.read() == whole.read() == b"abc"
