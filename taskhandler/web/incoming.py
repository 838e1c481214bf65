"""A Flask request as a delivery reads it: headers one by one; the body late, whole, and still there after."""

from __future__ import annotations

from functools import lru_cache
from itertools import chain
from typing import Any

from flask import Request
from werkzeug.datastructures import FileStorage, MultiDict

from taskhandler.delivery.reply import Refusal
from taskhandler.ledger.storage import TaskBody
from taskhandler.text import one_line
from taskhandler.web.body import RecordedBody, WholeBody

CONTENT_TYPE_LIMIT_CHARACTERS = 300
"""Characters of a body's content type that are kept with it."""


class WSGIHeaders:
    """The headers of a WSGI environment, by name in any case.

    What werkzeug's `request.headers.get` says, at a fraction of its cost: a delivery looks up ten.
    """

    __slots__ = ("_environ",)

    def __init__(self, environ: dict[str, Any]) -> None:
        self._environ = environ

    def get(self, name: str, /) -> str | None:
        """The header's value (of several: joined by commas, as the server does it), or None."""
        value: str | None = self._environ.get(_name_variable(name))
        return value


@lru_cache(maxsize=256)
def _name_variable(name: str) -> str:
    variable = name.upper().replace("-", "_")
    return variable if variable in {"CONTENT_TYPE", "CONTENT_LENGTH"} else f"HTTP_{variable}"


_CACHED = frozenset(
    ("stream", "data", "form", "files", "values", "content_length", "_cached_data", "_cached_json")
)
"""What werkzeug's and Flask's Request keep of a body that they have read (werkzeug 3.1, Flask 3.1)."""


def read_body(request: Request, recorded: RecordedBody) -> TaskBody | Refusal:
    """The whole body; `request` then has it from its beginning, too, even if read before.

    It is not read through Flask, whose own limit (MAX_CONTENT_LENGTH) would let error handlers answer.
    """
    body = recorded.read_whole()
    if isinstance(body, Refusal):
        return body
    environ = request.environ
    environ["wsgi.input"] = WholeBody(body)
    environ["wsgi.input_terminated"] = True
    environ["CONTENT_LENGTH"] = str(len(body))
    environ.pop("HTTP_TRANSFER_ENCODING", None)
    environ.pop("HTTP_CONTENT_ENCODING", None)
    known = request.__dict__
    if "files" in known:
        _close_at_the_end(request, request.files)
    for name in _CACHED.intersection(known):
        del known[name]
    return TaskBody(body, one_line(environ.get("CONTENT_TYPE") or "", limit=CONTENT_TYPE_LIMIT_CHARACTERS))


def _close_at_the_end(request: Request, files: MultiDict[str, FileStorage]) -> None:
    """Close files that a hook has parsed and may still read, when Flask closes those of the request."""

    def close() -> None:
        del request.close
        request.close()
        for file in chain.from_iterable(files.listvalues()):
            file.close()

    request.close = close  # type: ignore[method-assign]  # Flask calls it when the request ends
