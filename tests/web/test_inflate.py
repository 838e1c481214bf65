"""Undoing `Content-Encoding`: what is whole and within the limit is inflated, all else is refused."""

from __future__ import annotations

import gzip
import tracemalloc
import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from taskhandler.delivery.reply import Refusal
from taskhandler.outcome import Outcome
from taskhandler.web.inflate import inflate

BODY = b'{"id": "A7"}' * 7


def gzipped(body: bytes) -> bytes:
    """What gzip makes of it, whatever the time is."""
    return gzip.compress(body, mtime=0)


def raw_deflate(body: bytes) -> bytes:
    stream = zlib.compressobj(wbits=-15)
    return stream.compress(body) + stream.flush()


@pytest.mark.parametrize(
    ("encoding", "packed"),
    [
        ("", BODY),
        ("identity", BODY),
        ("gzip", gzipped(BODY)),
        ("GZip", gzipped(BODY)),
        ("x-gzip", gzipped(BODY)),
        ("gzip", gzipped(BODY[:5]) + gzipped(BODY[5:])),
        ("deflate", zlib.compress(BODY)),
        ("deflate", raw_deflate(BODY)),
        ("deflate, gzip", gzipped(zlib.compress(BODY))),
        (" gzip , identity ,", gzipped(BODY)),
    ],
)
def test_a_whole_compressed_body_is_inflated(encoding: str, packed: bytes) -> None:
    assert inflate(packed, encoding, limit=len(BODY) + 20) == BODY


@pytest.mark.parametrize("encoding", ["gzip", "deflate"])
def test_an_encoded_empty_body_is_inflated_and_a_truly_empty_one_malformed(encoding: str) -> None:
    pack = gzip.compress if encoding == "gzip" else zlib.compress
    assert inflate(pack(b""), encoding, limit=10) == b""
    refused = inflate(b"", encoding, limit=10)
    assert isinstance(refused, Refusal)
    assert (refused.outcome, refused.status) == (Outcome.MALFORMED, None)


@pytest.mark.parametrize(
    ("encoding", "packed"),
    [
        ("gzip", gzipped(BODY)[:-1]),
        ("gzip", gzipped(BODY)[:5]),
        ("gzip", gzipped(BODY) + b"junk"),
        ("gzip", gzipped(BODY)[:-8] + b"\0" * 8),
        ("gzip", BODY),
        ("gzip", zlib.compress(BODY)),
        ("deflate", zlib.compress(BODY)[:-1]),
        ("deflate", zlib.compress(BODY) + b"junk"),
        ("deflate", zlib.compress(BODY) + zlib.compress(BODY)),
        ("deflate", raw_deflate(BODY)[:-1]),
        ("deflate", b"\xff" * 9),
    ],
)
def test_a_broken_compressed_body_is_malformed(encoding: str, packed: bytes) -> None:
    refused = inflate(packed, encoding, limit=1000)
    assert isinstance(refused, Refusal)
    assert (refused.outcome, refused.status) == (Outcome.MALFORMED, None)


@pytest.mark.parametrize("encoding", ["br", "zstd", "compress", "gzip;q=1", "\x1b[31m", "gzip," * 9])
def test_an_encoding_that_is_not_understood_is_malformed_with_415(encoding: str) -> None:
    refused = inflate(BODY, encoding, limit=1000)
    assert isinstance(refused, Refusal)
    assert (refused.outcome, refused.status) == (Outcome.MALFORMED, 415)
    assert refused.why.isprintable()


@pytest.mark.parametrize(
    ("encoding", "bomb"),
    [
        ("gzip", gzipped(b"\0" * 10**7)),
        ("gzip", gzipped(b"\0" * 60) * 10),
        ("deflate", zlib.compress(b"\0" * 10**7)),
        ("gzip, gzip", gzipped(gzipped(b"\0" * 10**7))),
    ],
)
def test_a_compressed_bomb_is_too_large(encoding: str, bomb: bytes) -> None:
    refused = inflate(bomb, encoding, limit=100)
    assert isinstance(refused, Refusal)
    assert refused.outcome is Outcome.TOO_LARGE


def test_inflating_many_gzip_members_does_not_copy_the_rest_for_each() -> None:
    body = gzipped(b"") * 20_000 + gzipped(BODY)
    tracemalloc.start()
    try:
        assert inflate(body, "gzip", limit=len(BODY)) == BODY
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < len(body)


def test_a_body_that_inflates_to_the_limit_is_accepted() -> None:
    assert inflate(gzipped(b"x" * 100), "gzip", limit=100) == b"x" * 100
    refused = inflate(gzipped(b"x" * 101), "gzip", limit=100)
    assert isinstance(refused, Refusal)


@given(junk=st.binary(max_size=60), encoding=st.sampled_from(["gzip", "deflate"]))
def test_no_bytes_make_inflate_raise(junk: bytes, encoding: str) -> None:
    assert isinstance(inflate(junk, encoding, limit=100), bytes | Refusal)
