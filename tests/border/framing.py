"""Requests whose bodies are framed and encoded in every way, and what each must be answered."""

from __future__ import annotations

import gzip
import zlib

from msgspec import Struct

from tests.border.servers import Server

LIMIT = 1 << 20
BODY = b'{"order": "A7"}'
BOMB = b"\0" * (64 << 20)
BYTE_ORDER_MARK = b"\xef\xbb\xbf"

Answer = tuple[int, str]
COMPLETED: Answer = (200, "completed")
MALFORMED: Answer = (400, "malformed")
LENGTH_REQUIRED: Answer = (411, "malformed")
UNKNOWN_ENCODING: Answer = (415, "malformed")
TOO_LARGE: Answer = (413, "too-large")

IN_CHUNKS = {"Transfer_Encoding": "chunked"}
GZIP = {"Content_Encoding": "gzip"}
DEFLATE = {"Content_Encoding": "deflate"}


def chunked(*chunks: bytes, end: bytes = b"0\r\n\r\n") -> bytes:
    """A body in chunks."""
    return b"".join(b"%x\r\n%b\r\n" % (len(chunk), chunk) for chunk in chunks) + end


class Framing(Struct, frozen=True, kw_only=True):
    """A body on the wire.

    Attributes:
        sent: the bytes after the headers.
        headers: that describe the framing (underscores for hyphens); else the length is sent.
        unframed: neither a length nor chunks are announced.
        arrives: what the handler is given, if the body can be read.
        answer: what the delivery is answered.
        cut: the client closes its side before the body's end.
    """

    sent: bytes
    headers: dict[str, str] = {}
    unframed: bool = False
    claims: bytes = BODY
    answer: Answer = COMPLETED
    cut: bool = False

    def answers_under(self, server: Server) -> list[list[Answer]]:
        """What it may be answered under this server: by the app or, if not all is read, by the server."""
        in_chunks = "Transfer_Encoding" in self.headers
        unsafe = not (server.reads_chunks and server.notices_torn_chunks)
        answer = LENGTH_REQUIRED if in_chunks and unsafe else self.answer
        if (self.cut or answer == TOO_LARGE) and not server.passes_cut_bodies:
            return [[answer], [(self.answer[0], "")], []]
        return [[answer]]


FRAMINGS = {
    "a length": Framing(sent=BODY),
    "chunks": Framing(sent=chunked(BODY[:5], BODY[5:]), headers=IN_CHUNKS),
    "no chunk but the last": Framing(sent=chunked(), headers=IN_CHUNKS, claims=b""),
    "a length of nought": Framing(sent=b"", headers={"Content_Length": "0"}, claims=b""),
    "nothing announced and nothing sent": Framing(sent=b"", unframed=True, claims=b""),
    "announced and not sent": Framing(sent=b"", headers={"Content_Length": "10"}, answer=MALFORMED, cut=True),
    "shorter than announced": Framing(
        sent=b"{}", headers={"Content_Length": "10"}, answer=MALFORMED, cut=True
    ),
    "announced beyond the limit": Framing(
        sent=b"{}", headers={"Content_Length": str(10**12)}, answer=TOO_LARGE, cut=True
    ),
    "chunks that stop": Framing(sent=chunked(BODY, end=b""), headers=IN_CHUNKS, answer=MALFORMED, cut=True),
    "a chunk that stops": Framing(
        sent=chunked(BODY, end=b"5\r\nab"), headers=IN_CHUNKS, answer=MALFORMED, cut=True
    ),
    "chunks that are none": Framing(
        sent=chunked(BODY, end=b"zz\r\n"), headers=IN_CHUNKS, answer=MALFORMED, cut=True
    ),
    "as much as is allowed": Framing(sent=b"x" * LIMIT, claims=b"x" * LIMIT),
    "a byte too much": Framing(sent=b"x" * (LIMIT + 1), answer=TOO_LARGE),
    "chunks, a byte too much": Framing(sent=chunked(b"x" * LIMIT, b"x"), headers=IN_CHUNKS, answer=TOO_LARGE),
    "gzip": Framing(sent=gzip.compress(BODY), headers=GZIP),
    "gzip in two members": Framing(sent=gzip.compress(BODY[:5]) + gzip.compress(BODY[5:]), headers=GZIP),
    "gzip in capitals": Framing(sent=gzip.compress(BODY), headers={"Content_Encoding": "GZIP"}),
    "x-gzip": Framing(sent=gzip.compress(BODY), headers={"Content_Encoding": "x-gzip"}),
    "gzip in chunks": Framing(sent=chunked(gzip.compress(BODY)), headers=IN_CHUNKS | GZIP),
    "gzip, inflated to the limit": Framing(
        sent=gzip.compress(b"x" * LIMIT), headers=GZIP, claims=b"x" * LIMIT
    ),
    "gzip, inflated beyond the limit": Framing(
        sent=gzip.compress(b"x" * (LIMIT + 1)), headers=GZIP, answer=TOO_LARGE
    ),
    "a gzip bomb": Framing(sent=gzip.compress(BOMB), headers=GZIP, answer=TOO_LARGE),
    "gzip that stops": Framing(sent=gzip.compress(BODY)[:-9], headers=GZIP, answer=MALFORMED),
    "gzip with a wrong sum": Framing(
        sent=gzip.compress(BODY)[:-8] + b"\0" * 8, headers=GZIP, answer=MALFORMED
    ),
    "gzip that is none": Framing(sent=BODY, headers=GZIP, answer=MALFORMED),
    "gzip of nothing sent": Framing(sent=b"", headers=GZIP, answer=MALFORMED),
    "deflate": Framing(sent=zlib.compress(BODY), headers=DEFLATE),
    "a deflate bomb": Framing(sent=zlib.compress(BOMB), headers=DEFLATE, answer=TOO_LARGE),
    "deflate that stops": Framing(sent=zlib.compress(BODY)[:-5], headers=DEFLATE, answer=MALFORMED),
    "an encoding of nothing": Framing(sent=BODY, headers={"Content_Encoding": "identity"}),
    "an encoding that nobody knows": Framing(
        sent=BODY, headers={"Content_Encoding": "br"}, answer=UNKNOWN_ENCODING
    ),
}
