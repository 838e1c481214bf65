"""Recognises what is meant for HTTP, or to be raised, among the values that handlers return.

A handler that was once a view may still `return "later", 503`. As a result, that would complete a task that
has failed. Flask's and Werkzeug's objects are recognised by their attributes.
"""

from __future__ import annotations

import operator
from collections.abc import Iterator, Mapping

_INSTEAD = (
    "a handler does not choose the HTTP response. Raise Retry to have the task delivered again, or Reject to "
    "end it for good; return only a result, or nothing"
)
_ERRORS = range(400, 600)
_BODIES = (str, bytes, bytearray, Mapping, list, Iterator, type(None))
"""What may come before a status, beside models and WSGI apps. A number may not: two numbers are data."""

_MODELS = ("__dataclass_fields__", "__struct_fields__", "__attrs_attrs__", "model_fields")
"""Attributes by which the types of models are recognised: each has one of them."""

_WITH_STATUS = (2, 3)
"""Lengths of Flask's `(body, status)` and `(body, status, headers)`."""


def find_problem(value: object) -> str | None:
    """Why `value` cannot have been meant as a result, and what to write instead; None if it can."""
    for part in value if type(value) is tuple and len(value) <= max(_WITH_STATUS) else (value,):
        if isinstance(part, BaseException) or (isinstance(part, type) and issubclass(part, BaseException)):
            return _describe_unraised(part if isinstance(part, type) else type(part))
    if _is_response(value):
        return f"it returned a {type(value).__name__}, but {_INSTEAD}"
    if type(value) is tuple and len(value) in _WITH_STATUS:
        return _find_pair_problem(value)
    return None


def _describe_unraised(error: type[BaseException]) -> str:
    return f"it returned {error.__name__} instead of raising it. Write `raise {error.__name__}(…)`"


def _find_pair_problem(value: tuple[object, ...]) -> str | None:
    body, status = value[:2]
    if _is_response(body):
        return f"it returned a {type(body).__name__} in a tuple, but {_INSTEAD}"
    error = _read_error_status(status)
    if error is not None and _is_body(body) and all(map(_is_headers, value[2:])):
        return f"it returned a body and the HTTP status {error}, but {_INSTEAD}"
    return None


def _is_body(value: object) -> bool:
    return (
        isinstance(value, _BODIES) or callable(value) or any(hasattr(type(value), mark) for mark in _MODELS)
    )


def _is_response(value: object) -> bool:
    """Whether it is a server's response; a client's, such as that of `requests`, cannot set cookies."""
    return hasattr(type(value), "status_code") and hasattr(type(value), "set_cookie")


def _read_error_status(status: object) -> int | None:
    """The status of an error, as Werkzeug reads it: a number, or text that begins with one."""
    if isinstance(status, str):
        status = _parse_number(status.strip().partition(" ")[0])
    if isinstance(status, bool) or not hasattr(type(status), "__index__"):
        return None
    number = operator.index(status)  # type: ignore[arg-type]  # checked above
    return number if number in _ERRORS else None


def _parse_number(text: str) -> int | None:
    try:
        return int(text)
    except ValueError:
        return None


def _is_headers(value: object) -> bool:
    return value is None or isinstance(value, Mapping | list | tuple) or hasattr(type(value), "add_header")
