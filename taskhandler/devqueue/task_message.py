"""Tasks from and to protobuf, with every check that CreateTask makes."""

from __future__ import annotations

import datetime as dt
import re
from typing import Any

from google.cloud.tasks_v2 import types

from taskhandler.devqueue import errors
from taskhandler.devqueue.backoff import RetryPolicy
from taskhandler.devqueue.headers import USER_AGENT
from taskhandler.devqueue.task import DEFAULT_DEADLINE_SECONDS, NO_RESPONSE_STATUS, Oidc, QueuedTask, Target
from taskhandler.devqueue.wellformed import LAST_TIMESTAMP_SECONDS
from taskhandler.protobuf import Message

_TaskMessage: Any = types.Task.pb()
_FULL = int(types.Task.View.FULL)
_BASIC = int(types.Task.View.BASIC)
_Method: Any = types.HttpMethod
_POST = types.HttpMethod.POST
_WITH_BODY = {"POST", "PUT", "PATCH"}
# probed against the real service by aertje/cloud-tasks-emulator (internal/engine/tasksize.go): stored form
_LARGEST_TASK_BYTES = 1_048_569
_LONGEST_URL_CHARACTERS = 2083
_LARGEST_HEADERS_BYTES = 80 * 1024
_SHORTEST_DEADLINE_SECONDS, _LONGEST_DEADLINE_SECONDS = 15.0, 1800.0
_FURTHEST_SCHEDULE_SECONDS = 720 * 3600.0
_HEADER_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_HEADER_VALUE = re.compile(r"[^\x00-\x08\x0a-\x1f\x7f]*")
# google.rpc.Code for an HTTP status, as google.rpc documents it; anything else is UNKNOWN
_RPC_CODES = {400: 3, 401: 16, 403: 7, 404: 5, 409: 10, 429: 8, 499: 1, 500: 13, 501: 12, 503: 14, 504: 4}
_UNKNOWN_RPC_CODE = 2


def read_task(message: Message, *, name: str, now: float, policy: RetryPolicy | None) -> QueuedTask:
    """Return the task that CreateTask describes; raises ApiError. `policy`: its own retry policy."""
    target = read_target(message)
    if message.ByteSize() + len(name) - len(message.name) > _LARGEST_TASK_BYTES:
        raise errors.invalid("Task size too large")
    due = max(now, _read_due(message, now))
    return QueuedTask(name, target, due, now, deadline=_read_deadline(message), retry=policy)


def read_target(message: Message) -> Target:
    """Return the HTTP request of a task; raises ApiError."""
    if message.HasField("app_engine_http_request"):
        raise errors.unsupported("App Engine targets")
    request = message.http_request
    method = types.HttpMethod(request.http_method or _POST).name
    _check_url(request.url)
    _check_headers(request.headers)
    if request.body and method not in _WITH_BODY:
        raise errors.invalid(f"HttpRequest.body is not allowed with the method {method}.")
    oidc, oauth = _read_credentials(request)
    return Target(request.url, method, dict(request.headers), request.body, oidc, oauth)


def write_task(task: QueuedTask, *, view: int) -> Message:
    """Return the task as the API shows it: its body only in the FULL view, its token never."""
    message = _TaskMessage(name=task.name, view=_FULL if view == _FULL else _BASIC)
    message.schedule_time.FromMicroseconds(_to_microseconds(task.due))
    message.create_time.FromMicroseconds(int(task.created) * 1_000_000)
    message.dispatch_deadline.FromMilliseconds(int(task.deadline * 1000))
    message.dispatch_count, message.response_count = task.dispatches, task.responses
    _write_target(message.http_request, task.target, with_body=view == _FULL)
    _write_attempts(message, task)
    return message


def _check_url(url: str) -> None:
    if not url:
        raise errors.invalid("HttpRequest.url is required.")
    if not url.startswith(("http://", "https://")):
        raise errors.invalid("HttpTarget.url must start with 'http://' or 'https://'.")
    if len(url) > _LONGEST_URL_CHARACTERS:
        raise errors.invalid(f"HttpRequest.url must be no longer than {_LONGEST_URL_CHARACTERS} characters.")


def _check_headers(headers: Message) -> None:
    size = sum(len(name.encode()) + len(value.encode()) for name, value in headers.items())
    if size >= _LARGEST_HEADERS_BYTES:
        raise errors.invalid("HttpRequest.headers must be smaller than 80KB.")
    for name, value in headers.items():
        if not _HEADER_NAME.fullmatch(name) or not _HEADER_VALUE.fullmatch(value):
            raise errors.invalid(f"HttpRequest.headers: {name!r} cannot be sent as an HTTP header.")


def _read_credentials(request: Message) -> tuple[Oidc | None, str | None]:
    if request.HasField("oauth_token"):
        return None, request.oauth_token.service_account_email
    if not request.HasField("oidc_token"):
        return None, None
    # the default audience is the whole URL, path and query included (google-cloud-tasks 2.26.0, OidcToken)
    token = request.oidc_token
    return Oidc(token.service_account_email, token.audience or request.url), None


def _read_due(message: Message, now: float) -> float:
    if not message.HasField("schedule_time"):
        return now
    due: float = message.schedule_time.seconds + message.schedule_time.nanos // 1000 / 1e6
    if due > now + _FURTHEST_SCHEDULE_SECONDS:
        # recorded in US Pacific time; here in UTC
        shown = dt.datetime.fromtimestamp(int(due), dt.timezone.utc).isoformat()
        raise errors.invalid(
            f"The Task.scheduleTime, {shown}, is too far in the future. Schedule time must be no more than "
            "720h in the future."
        )
    return due


def _read_deadline(message: Message) -> float:
    seconds: float = message.dispatch_deadline.seconds + message.dispatch_deadline.nanos // 1_000_000 / 1e3
    if seconds == 0:
        return DEFAULT_DEADLINE_SECONDS
    if not _SHORTEST_DEADLINE_SECONDS <= seconds <= _LONGEST_DEADLINE_SECONDS:
        raise errors.invalid("Task.dispatchDeadline must be between [15s, 30m].")
    return seconds


def _write_target(message: Message, target: Target, *, with_body: bool) -> None:
    message.url = target.url
    message.http_method = int(_Method[target.method])
    message.headers.update({**target.headers, "User-Agent": USER_AGENT})  # as recorded from GetTask
    if with_body:
        message.body = target.body
    if target.oidc is not None:
        message.oidc_token.service_account_email = target.oidc.email
        message.oidc_token.audience = target.oidc.audience
    if target.oauth is not None:
        message.oauth_token.service_account_email = target.oauth


def _write_attempts(message: Message, task: QueuedTask) -> None:
    if task.first_sent is not None:
        message.first_attempt.dispatch_time.FromMicroseconds(_to_microseconds(task.first_sent))
    if task.last is None:
        return
    message.last_attempt.schedule_time.FromMicroseconds(_to_microseconds(task.last.eta))
    message.last_attempt.dispatch_time.FromMicroseconds(_to_microseconds(task.last.sent))
    if task.last_ended is None or task.last_answer is None:
        return
    status = task.last_answer.status
    code = _RPC_CODES.get(status or NO_RESPONSE_STATUS, _UNKNOWN_RPC_CODE)
    message.last_attempt.response_time.FromMicroseconds(_to_microseconds(task.last_ended))
    message.last_attempt.response_status.code = code
    message.last_attempt.response_status.message = task.last_answer.error or f"HTTP status code {status}"


def _to_microseconds(seconds: float) -> int:
    return round(min(seconds, LAST_TIMESTAMP_SECONDS) * 1e6)
