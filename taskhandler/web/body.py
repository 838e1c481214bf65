"""The body of a task's request: it may be read at any time, by any code, and is still there afterwards.

`RecordedBody` replaces the server's `wsgi.input`. What a hook, an extension or an inner
middleware reads before the delivery is recorded, so that the delivery can read the body from its
beginning; a body that nothing reads before costs nothing. Whether a body is whole is judged here, by the
framing that the server reports, and not by whether reading came to an end: a connection that breaks, and a
server that does not say where the body ends, must not look like an empty body.
"""

from __future__ import annotations

import io
from collections.abc import Mapping
from typing import Any

from taskhandler.delivery.reply import LENGTH_REQUIRED, Refusal
from taskhandler.outcome import Outcome
from taskhandler.web.inflate import inflate


class RecordedBody(io.BufferedIOBase):
    """A WSGI input (PEP 3333) that can be read again, and remembers what was read of it.

    Args:
        environ: the request's, before the app has seen it.
        limit: bytes that are recorded; of a longer body a reader still gets all.
    """

    __slots__ = (
        "_broken",
        "_encoding",
        "_in_chunks",
        "_is_terminated",
        "_length",
        "_limit",
        "_lost",
        "_position",
        "_protocol",
        "_raw",
        "_recorded",
        "_server",
    )

    def __init__(self, environ: Mapping[str, Any], limit: int) -> None:
        self._raw = environ["wsgi.input"]
        self._length: str = environ.get("CONTENT_LENGTH") or ""
        self._encoding: str = environ.get("HTTP_CONTENT_ENCODING") or ""
        self._in_chunks = "HTTP_TRANSFER_ENCODING" in environ
        self._is_terminated = environ.get("wsgi.input_terminated")
        self._protocol = environ.get("SERVER_PROTOCOL")
        self._server = environ.get("SERVER_SOFTWARE")
        self._limit = limit
        self._recorded: bytes | bytearray = b""
        self._position = 0
        self._lost = 0
        self._broken = False

    # ------------------------------------------------ for the delivery

    def read_whole(self) -> bytes | Refusal:
        """The body from its beginning to its end, decoded, or why it cannot be read whole."""
        body = self._read_announced() if self._length else self._read_unannounced()
        if self._encoding and not isinstance(body, Refusal):
            return inflate(body, self._encoding, limit=self._limit)
        return body

    def _read_announced(self) -> bytes | Refusal:
        if not (self._length.isascii() and self._length.isdigit()):
            return Refusal(Outcome.MALFORMED, "Content-Length is not a number")
        length = int(self._length.lstrip("0")[:20] or "0")
        if length > self._limit:
            why = f"the body has {length} bytes; at most {self._limit} are allowed"
            return Refusal(Outcome.TOO_LARGE, why)
        self._record_up_to(length)
        if len(self._recorded) < length:
            had = len(self._recorded)
            return Refusal(Outcome.MALFORMED, f"the body has {had} bytes, but Content-Length says {length}")
        return bytes(self._recorded if len(self._recorded) == length else self._recorded[:length])

    def _read_unannounced(self) -> bytes | Refusal:
        if not self._has_end():
            return b"" if not self._in_chunks else _NO_LENGTH
        if self._in_chunks and self._server in _HIDING_BREAKS:
            return _MAY_BE_CUT
        self._record_up_to(self._limit + 1)
        if self._broken:
            return Refusal(Outcome.MALFORMED, "the body is incomplete, or its chunks are malformed")
        if len(self._recorded) > self._limit:
            return Refusal(Outcome.TOO_LARGE, f"the body has more than {self._limit} bytes")
        return bytes(self._recorded)

    def _has_end(self) -> bool:
        """Whether reading to the end stops at the end of this body.

        HTTP/2 and later frame each body; before, a body has a length or comes in chunks (RFC 9112 §6.3).
        """
        return bool(self._is_terminated) or not str(self._protocol).startswith("HTTP/1")

    def _record_up_to(self, length: int) -> None:
        """Read on until `length` bytes are recorded or there are no more."""
        try:
            while len(self._recorded) < length and not self._broken and not self._lost:
                chunk = self._raw.read(length - len(self._recorded))
                if not chunk:
                    return
                self._record(chunk)
        except Exception:  # noqa: BLE001 - OSError from most servers, errors of its own from gunicorn
            self._broken = True

    def _record(self, chunk: bytes) -> None:
        """Keep `chunk`: the first one as it is, more of them in a buffer that grows in place."""
        if not self._recorded:
            self._recorded = chunk
            return
        if isinstance(self._recorded, bytes):
            self._recorded = bytearray(self._recorded)
        self._recorded += chunk

    # ------------------------------------------------ for all other code: a WSGI input

    def read(self, size: int | None = -1, /) -> bytes:
        """Up to `size` bytes; all that are left where it is negative or None."""
        size = -1 if size is None else size
        before = self._replay(size)
        if 0 <= size <= len(before):
            return before
        return before + self._read_on(self._raw.read, size if size < 0 else size - len(before))

    read1 = read

    def readline(self, size: int | None = -1, /) -> bytes:
        """The next line, or up to `size` bytes of it."""
        size = -1 if size is None else size
        before = self._replay(size, line=True)
        if before.endswith(b"\n") or 0 <= size <= len(before):
            return before
        return before + self._read_on(self._raw.readline, size if size < 0 else size - len(before))

    def readlines(self, hint: int | None = -1, /) -> list[bytes]:
        """The lines that are left, or as many as hold `hint` bytes."""
        lines, count = [], 0
        for line in self:
            lines.append(line)
            count += len(line)
            if 0 < (hint or 0) <= count:
                break
        return lines

    def readable(self) -> bool:
        """Yes."""
        return True

    def seekable(self) -> bool:
        """Yes: what was read is recorded."""
        return True

    def tell(self) -> int:
        """How many bytes are before the next one to be read."""
        return self._position

    def seek(self, offset: int, whence: int = io.SEEK_SET, /) -> int:
        """Go on reading elsewhere.

        Raises:
            OSError: the body is longer than what is recorded.
        """
        if whence == io.SEEK_END:
            self.read()
        starts = {io.SEEK_SET: 0, io.SEEK_CUR: self._position, io.SEEK_END: len(self._recorded)}
        target = max(0, starts[whence] + offset)
        self.read(max(0, target - self._position))
        if self._lost:
            raise OSError("a body over the limit cannot be read again")
        self._position = target
        return self._position

    def close(self) -> None:
        """Do nothing: the body is not the caller's alone."""

    def _replay(self, size: int, *, line: bool = False) -> bytes:
        """What was recorded before and is to be read now."""
        start = min(self._position, len(self._recorded))
        stop = len(self._recorded) if size < 0 else min(len(self._recorded), start + size)
        end_of_line = self._recorded.find(b"\n", start, stop) if line else -1
        chunk = bytes(self._recorded[start : stop if end_of_line < 0 else end_of_line + 1])
        self._position += len(chunk)
        return chunk

    def _read_on(self, read: Any, size: int) -> bytes:  # noqa: ANN401 - a method of the server's
        """What has not been read before, recorded as far as there is room for it."""
        try:
            chunk = bytes(read(size) if size >= 0 else read())
        except Exception:
            self._broken = True
            raise
        room = max(0, self._limit + 1 - len(self._recorded)) if not self._lost else 0
        self._record(chunk[:room])
        self._lost += len(chunk) - len(chunk[:room])
        self._position += len(chunk)
        return chunk


_NO_LENGTH = Refusal(
    Outcome.MALFORMED,
    "the body comes in chunks, and the server does not say where it ends (wsgi.input_terminated)",
    LENGTH_REQUIRED,
)

_HIDING_BREAKS = frozenset({"Granian"})
"""Servers that end a body in chunks as if it were whole when its connection breaks (Granian 2.8)."""

_MAY_BE_CUT = Refusal(
    Outcome.MALFORMED,
    "the body comes in chunks, and the server does not say whether all of them have come",
    LENGTH_REQUIRED,
)


class WholeBody(io.BytesIO):
    """A body that was read whole, for `flask.request`; an extension that closes it does no harm."""

    def close(self) -> None:
        """Do nothing."""
