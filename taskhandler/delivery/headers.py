"""What the headers of a delivery say about its task; they are used only once the token is verified.

Never hand over `dict(request.headers).get`: Werkzeug re-cases the keys (`X-Cloudtasks-Taskname`), and a
plain dict then finds nothing. `request.headers.get` looks them up whatever their case.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from datetime import datetime
from typing import Annotated

import msgspec
from msgspec import Meta, Struct


class TaskHeaders(Struct, frozen=True, gc=False):
    """What Cloud Tasks says of the task that it delivers.

    Attributes:
        queue: the queue's short name.
        task: the task's short name.
        retry_count: deliveries before this one.
        execution_count: answers before this one; for HTTP targets 5xx are not counted.
        eta: when the task was due, in seconds since 1970 (UTC); None if that cannot be read.
        previous_response: the status of the delivery before, 100 to 599, or 0 for a time-out on App
            Engine; None on the first delivery, and if it cannot be read.
        retry_reason: at most 200 characters, all printable; empty for HTTP targets.
    """

    queue: str
    task: str
    retry_count: int
    execution_count: int
    eta: float | None
    previous_response: int | None
    retry_reason: str


class Malformed(Struct, frozen=True, gc=False):
    """Not a delivery of Cloud Tasks. `why` names the header and what is wrong with it."""

    why: str


def read_headers(get: Callable[[str], str | None], *, app_engine: bool = False) -> TaskHeaders | Malformed:
    """Read the headers that Cloud Tasks adds to a delivery.

    Queue, task and the two counts must be there, and be possible. The others are only shown to people
    and handlers: what cannot be read of them is None or empty. A queue's or task's full name, as some
    emulators send it, is cut down to its short one.

    Args:
        get: looks a header up whatever its case, as `request.headers.get` does; None if it is missing.
        app_engine: read the `X-AppEngine-*` headers where there is no `X-CloudTasks-QueueName`. The two
            kinds are never mixed.

    Source: https://cloud.google.com/tasks/docs/creating-http-target-tasks#handler
    """
    names = _APP_ENGINE if app_engine and get(_CLOUD_TASKS[0]) is None else _CLOUD_TASKS
    queue, task, retry_count, execution_count, eta, previous_response, retry_reason = names
    required = (get(queue) or "", get(task) or "", get(retry_count) or "", get(execution_count) or "")
    match = _REQUIRED("\n".join(required))
    if match is None:
        return _find_malformed(names, required)
    return TaskHeaders(
        match[1],
        match[2],
        int(match[3]),
        int(match[4]),
        _read_eta(get(eta)),
        _read_status(get(previous_response), timed_out="0" if names is _APP_ENGINE else None),
        _clean_reason(get(retry_reason) or ""),
    )


_SUFFIXES = (
    "QueueName",
    "TaskName",
    "TaskRetryCount",
    "TaskExecutionCount",
    "TaskETA",
    "TaskPreviousResponse",
    "TaskRetryReason",
)
_CLOUD_TASKS = tuple(f"X-CloudTasks-{suffix}" for suffix in _SUFFIXES)
_APP_ENGINE = tuple(f"X-AppEngine-{suffix}" for suffix in _SUFFIXES)

_LOCATION = r"projects/[A-Za-z0-9.:-]{1,100}/locations/[A-Za-z0-9-]{1,100}"
_FORMS = (
    (rf"(?:{_LOCATION}/queues/)?([A-Za-z0-9-]{{1,100}})", "up to 100 letters, digits and hyphens"),
    (
        rf"(?:{_LOCATION}/queues/[A-Za-z0-9-]{{1,100}}/tasks/)?([A-Za-z0-9_-]{{1,500}})",
        "up to 500 letters, digits, hyphens and underscores",
    ),
    (r"([0-9]{1,9})", "up to 9 digits"),
    (r"([0-9]{1,9})", "up to 9 digits"),
)
# The four that must be there, one a line: no form holds a line break, nor the comma by which a server
# joins two headers of one name.
_REQUIRED = re.compile("\n".join(form for form, _ in _FORMS)).fullmatch
_ANSWERED = re.compile("[1-5][0-9]{2}").fullmatch

_MOMENT = Annotated[datetime, Meta(tz=True)]
_LATEST = 1e11  # in seconds the year 5138; a larger number is meant as milliseconds


def _find_malformed(names: tuple[str, ...], required: tuple[str, ...]) -> Malformed:
    return next(
        Malformed(f"{name} = {_show(value)}: must be {wanted}" if value else f"{name} is missing")
        for name, value, (form, wanted) in zip(names, required, _FORMS, strict=False)
        if not re.fullmatch(form, value)
    )


def _show(value: str) -> str:
    return repr(value[:100])[:100]


def _read_eta(value: str | None) -> float | None:
    """Seconds with a fraction from Google; milliseconds or RFC 3339 from emulators."""
    if value is None:
        return None
    try:
        number = float(value)
    except ValueError:
        return _check_range(_read_rfc_3339(value))
    return _check_range(number if number <= _LATEST else number / 1000)


def _check_range(seconds: float) -> float | None:
    return seconds if 0 <= seconds <= _LATEST else None


def _read_rfc_3339(value: str) -> float:
    try:
        moment: datetime = msgspec.convert(value, _MOMENT)
    except ValueError:
        return math.nan
    return moment.timestamp()


def _read_status(value: str | None, *, timed_out: str | None) -> int | None:
    if value is None or not (value == timed_out or _ANSWERED(value)):
        return None
    return int(value)


def _clean_reason(value: str) -> str:
    """Fit for a line of a log: it cannot begin another."""
    if value.isprintable():
        return value[:200]
    return "".join([char if char.isprintable() else "?" for char in value[:200]])
