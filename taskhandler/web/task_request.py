"""What the guard around an app and the view within it share about one request."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextvars import ContextVar
from typing import Any

from flask import Response

from taskhandler.delivery.reply import Reply
from taskhandler.web.body import RecordedBody

TASK_REQUEST = "taskhandler.task_request"
"""The key of a request's `TaskRequest` in its WSGI environment, which copies of it share."""

JSON = "application/json"
"""The content type of every reply."""

Environ = dict[str, Any]
Start = Callable[..., Callable[[bytes], object]]


class TaskRequest:
    """One for each request that is a task's.

    Attributes:
        task: which task the request says it carries. A request of another task has another `TaskRequest`,
            even if it is made from the environment of this one.
        path: where the request goes, as far as is known.
        body: the request's, which can be read again.
        guarded: whether the guard stands around the app.
        entered: whether the delivery has begun.
        reply: what was decided, once it is.
        error: what the handler raised, until it is logged.
    """

    __slots__ = ("_limit", "body", "entered", "error", "guarded", "path", "reply", "task")

    def __init__(self, environ: Environ, limit: int) -> None:
        """Record the body of the request, up to `limit` bytes."""
        self.task = _read_task(environ)
        self.path: str = environ.get("PATH_INFO", "")
        self.body = RecordedBody(environ, limit)
        self.guarded = False
        self.entered = False
        self.reply: Reply | None = None
        self.error: Exception | None = None
        self._limit = limit

    def is_about(self, environ: Environ) -> bool:
        """Whether `environ` is of a request that carries the same task."""
        return self.task == _read_task(environ)

    def take_over(self, environ: Environ) -> None:
        """Guard a request that has become a task's on its way, with the body that it has there."""
        self.guarded = True
        self.path = environ.get("PATH_INFO", "")
        self.body = RecordedBody(environ, self._limit)
        attach(self, environ)


CURRENT_REQUEST: ContextVar[TaskRequest | None] = ContextVar("taskhandler.current_request", default=None)
"""What the guard has handed to the app in this context, for a middleware that hands on no keys of ours."""


def ensure_task_request(environ: Environ, limit: int, *, passed: TaskRequest | None = None) -> TaskRequest:
    """The request's `TaskRequest`; made, with a body of at most `limit` bytes, where there is none yet.

    Args:
        environ: the request's.
        limit: bytes.
        passed: that of the guard that the request passed before.
    """
    known = environ.get(TASK_REQUEST) or passed
    if isinstance(known, TaskRequest) and known.is_about(environ):
        return known
    task_request = TaskRequest(environ, limit)
    attach(task_request, environ)
    return task_request


def attach(task_request: TaskRequest, environ: Environ) -> None:
    """Put it into `environ`, and the body that can be read again."""
    environ["wsgi.input"] = task_request.body
    environ[TASK_REQUEST] = task_request


class TaskResponse(Response):
    """A reply as the app's hooks see it."""

    def __call__(self, environ: Environ, start_response: Start) -> Iterable[bytes]:
        """Answer; but behind the guard, which sends the reply itself, only what a middleware looks at."""
        task_request = environ.get(TASK_REQUEST)
        if not isinstance(task_request, TaskRequest) or not task_request.guarded:
            return super().__call__(environ, start_response)
        start_response(self.status, self.headers.to_wsgi_list())
        return _Empty(self.close)


class _Empty:
    """An empty body, which is closed like any other."""

    def __init__(self, close: Callable[[], None]) -> None:
        self.close = close

    def __iter__(self) -> Iterator[bytes]:
        return iter(())


def _read_task(environ: Environ) -> tuple[str | None, str | None]:
    """The names of queue and task, as Cloud Tasks sends them to HTTP targets, or to App Engine."""
    name = environ.get("HTTP_X_CLOUDTASKS_TASKNAME")
    if name is None:
        return environ.get("HTTP_X_APPENGINE_QUEUENAME"), environ.get("HTTP_X_APPENGINE_TASKNAME")
    return environ.get("HTTP_X_CLOUDTASKS_QUEUENAME"), name
