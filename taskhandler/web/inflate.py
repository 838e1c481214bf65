"""Undoes `Content-Encoding`, within a limit: gzip and deflate, as RFC 9110 §8.4.1 names them."""

from __future__ import annotations

import zlib

from taskhandler.delivery.reply import UNSUPPORTED_MEDIA_TYPE, Refusal
from taskhandler.outcome import Outcome

GZIP, ZLIB, RAW_DEFLATE = 31, 15, -15
"""Window bits of zlib, which say what format the deflated bytes are wrapped in."""

PIECE_BYTES = 1 << 12
"""Inflated at a time. Zlib copies what follows a member, and a body may have a member for each 20
bytes: in one piece, 1 MB of empty ones would take 13 s."""

MOST_CODINGS = 4
"""Codings of one body: HTTP allows several, which are hardly ever seen."""


def inflate(body: bytes, encoding: str, *, limit: int) -> bytes | Refusal:
    """What `body` was before it was encoded.

    Args:
        body: as it came.
        encoding: the value of `Content-Encoding`; empty for none.
        limit: bytes that the result, and each step on the way to it, may have.
    """
    codings = [coding.strip().lower() for coding in encoding.split(",") if coding.strip()]
    if len(codings) > MOST_CODINGS:
        return Refusal(Outcome.MALFORMED, "too many codings in Content-Encoding", UNSUPPORTED_MEDIA_TYPE)
    for coding in reversed(codings):
        inflated = _decode(coding, body, limit)
        if isinstance(inflated, Refusal):
            return inflated
        body = inflated
    return body


def _decode(coding: str, body: bytes, limit: int) -> bytes | Refusal:
    match coding:
        case "identity":
            return body
        case "gzip" | "x-gzip":
            return _inflate_members(body, GZIP, limit)
        case "deflate":
            # Meant to have zlib's header (RFC 9110); some send it without, and browsers take both.
            return _inflate_members(body, ZLIB if _has_zlib_header(body) else RAW_DEFLATE, limit)
        case _:
            why = f"Content-Encoding is {coding[:40]!r}; gzip, deflate and identity are supported"
            return Refusal(Outcome.MALFORMED, why, UNSUPPORTED_MEDIA_TYPE)


def _has_zlib_header(body: bytes) -> bool:
    return len(body) > 1 and body[0] & 0x0F == zlib.DEFLATED and int.from_bytes(body[:2], "big") % 31 == 0


def _inflate_members(body: bytes, window: int, limit: int) -> bytes | Refusal:
    """All members of `body` (only gzip may have several), one after the other."""
    parts: list[bytes] = []
    stream, at, left = zlib.decompressobj(window), 0, limit + 1
    while at < len(body) and not (stream.eof and window != GZIP):
        if stream.eof:
            stream = zlib.decompressobj(window)
        piece = body[at : at + PIECE_BYTES]
        try:
            part = stream.decompress(piece, left)
        except zlib.error as error:
            return Refusal(Outcome.MALFORMED, f"the body cannot be decompressed: {error}")
        at += len(piece) - len(stream.unused_data)
        left -= len(part)
        parts += [part] if part else []
        if left <= 0:
            return Refusal(Outcome.TOO_LARGE, f"the body has more than {limit} bytes once decompressed")
    if not stream.eof:
        return Refusal(Outcome.MALFORMED, "the compressed body is not complete")
    if at < len(body):
        return Refusal(Outcome.MALFORMED, "there is data after the compressed body")
    return b"".join(parts)
