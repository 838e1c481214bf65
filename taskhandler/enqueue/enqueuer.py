"""Makes tasks for handlers, through google-cloud-tasks, which is imported when the first one is made."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Annotated, Any, cast

from msgspec import Meta

from taskhandler.config.settings import Settings
from taskhandler.enqueue.body import Body, encode_body
from taskhandler.errors import ConfigError, EnqueueError, UsageError
from taskhandler.forks import call_in_child
from taskhandler.handlers.handler import Handler
from taskhandler.task import CURRENT, LOGGER
from taskhandler.task_ref import TaskRef
from taskhandler.text import one_line
from taskhandler.throttled_log import ThrottledLog
from taskhandler.validation import check, seconds

TIMEOUT_SECONDS = 10.0
"""For one call; the client does not retry creations (google-cloud-tasks 2.26)."""

TaskId = Annotated[
    str,
    Meta(
        pattern=r"\A[A-Za-z0-9_-]{1,500}\Z",
        description="1 to 500 letters, digits, hyphens and underscores",
    ),
]
"""The ids of tasks that Cloud Tasks accepts (reference of Task.name)."""

Delay = Annotated[float, seconds(0, 30 * 86400)]
"""Cloud Tasks refuses a later schedule time (quotas: 30 days)."""

SILENCE_SECONDS = 1.0
"""Between two log lines about names of one handler that existed already."""

REASON_LIMIT_CHARACTERS = 500
"""Of the client's error."""


class Enqueuer:
    """Creates the tasks of one app.

    Args:
        settings: where the queue and the handlers are, and whose token the tasks carry.
        now: the time.
        clock: seconds of a clock that never goes back.
        timeout: seconds for one call.
    """

    def __init__(
        self,
        settings: Settings,
        *,
        now: Callable[[], datetime],
        clock: Callable[[], float],
        timeout: float = TIMEOUT_SECONDS,
    ) -> None:
        self._settings = settings
        self._now = now
        self._log = ThrottledLog(LOGGER, clock=clock, seconds=SILENCE_SECONDS)
        self._timeout = timeout
        self._client: Any = None
        self._lock = threading.Lock()
        call_in_child(self._forget_client)

    def enqueue(
        self,
        handler: Handler[Any, Any],
        payload: object,
        *,
        url: str,
        name: str | None,
        delay: float | timedelta | None,
    ) -> TaskRef:
        """Create a task for `handler`, to be delivered to `url`; see `Handler.enqueue`."""
        settings = self._settings
        queue = handler.options.queue or settings.queue
        _require("GCP_PROJECT_ID", settings.project)
        _require("GCP_LOCATION_ID", settings.location)
        _require("GCP_TASK_QUEUE_ID", queue)
        parent = f"projects/{settings.project}/locations/{settings.location}/queues/{queue}"
        task = self._build_task(url, self._encode_body(handler, payload), seconds=_check_delay(delay))
        if name is not None:
            task["name"] = f"{parent}/tasks/{_check_task_id(name)}"
        ref = self._create(parent, task)
        if not ref.created:
            self._log_existing(handler, ref)
        return ref

    def close(self) -> None:
        """Close the client's connection; the next task is created over a new one."""
        with self._lock:
            client, self._client = self._client, None
        if client is not None:
            client.transport.close()

    def _encode_body(self, handler: Handler[Any, Any], payload: object) -> Body:
        try:
            return encode_body(payload, handler.signature, limit=self._settings.max_body)
        except UsageError as error:
            raise UsageError(f"{handler!r}: {error}") from None

    def _build_task(self, url: str, body: Body, *, seconds: float) -> dict[str, Any]:
        settings = self._settings
        request: dict[str, Any] = {"http_method": "POST", "url": url, "body": body.content}
        if body.content_type:
            request["headers"] = {"Content-Type": body.content_type}
        if settings.auth != "none":
            _require("TASK_SERVICE_ACCOUNT_EMAIL", settings.service_account)
            request["oidc_token"] = {
                "service_account_email": settings.service_account,
                "audience": settings.audience[0],
            }
        task: dict[str, Any] = {"http_request": request}
        if seconds > 0:
            task["schedule_time"] = self._now() + timedelta(seconds=seconds)
        return task

    def _create(self, parent: str, task: dict[str, Any]) -> TaskRef:
        _check_installed()
        from google.api_core.exceptions import AlreadyExists, GoogleAPIError  # noqa: PLC0415 - heavy
        from google.auth.exceptions import GoogleAuthError  # noqa: PLC0415 - the same

        try:
            created = self._ensure_client().create_task(parent=parent, task=task, timeout=self._timeout)
        except (GoogleAPIError, GoogleAuthError) as error:
            if isinstance(error, AlreadyExists) and "name" in task:
                return _make_ref(task["name"], created=False)
            why = one_line(error, limit=REASON_LIMIT_CHARACTERS)
            raise EnqueueError(f"creating a task in {parent} failed: {why}") from error
        return _make_ref(created.name, created=True)

    def _log_existing(self, handler: Handler[Any, Any], ref: TaskRef) -> None:
        self._log.log(
            _choose_level(),
            "task %s for %s was not created: a task with this name exists, or did recently",
            ref.id,
            handler.name,
            kind=handler.name,
        )

    def _ensure_client(self) -> Any:  # noqa: ANN401 - the client's module is not imported yet
        with self._lock:
            if self._client is None:
                self._client = _make_client(self._settings.emulator_host)
            return self._client

    def _forget_client(self) -> None:
        self._client = None
        self._lock = threading.Lock()


def _check_installed() -> None:
    try:
        import google.cloud.tasks_v2  # noqa: F401, PLC0415 - heavy, and an extra
    except ImportError as error:
        raise UsageError("to enqueue, install flask-taskhandler[enqueue]") from error


def _make_client(emulator_host: str) -> Any:  # noqa: ANN401 - the client's module is not imported yet
    from google.cloud import tasks_v2  # noqa: PLC0415 - heavy, and an extra

    if not emulator_host:
        return tasks_v2.CloudTasksClient()
    import grpc  # type: ignore[import-untyped]  # noqa: PLC0415 - grpcio ships no types; heavy
    from google.cloud.tasks_v2.services.cloud_tasks.transports import CloudTasksGrpcTransport  # noqa: PLC0415 - the same

    # not the process-wide pool, which keeps connections from before a fork
    channel = grpc.insecure_channel(emulator_host, options=[("grpc.use_local_subchannel_pool", 1)])
    return tasks_v2.CloudTasksClient(transport=CloudTasksGrpcTransport(channel=channel))


def _require(key: str, value: str) -> None:
    if not value:
        remedy = "Set it in the app's configuration or in the environment"
        raise ConfigError(key, None, "tasks cannot be created without it", remedy=remedy)


def _check_task_id(name: object) -> str:
    try:
        return cast("str", check(name, TaskId))
    except ValueError as error:
        raise UsageError(f"name={name!r}: {error}") from None


def _choose_level() -> int:
    """Of the line about a name that existed already: expected if a handler that enqueues runs again."""
    task = CURRENT.get(None)
    return logging.INFO if task is not None and task.attempt > 1 else logging.WARNING


def _make_ref(name: str, *, created: bool) -> TaskRef:
    return TaskRef(name.rpartition("/")[2], name, created)


def _check_delay(delay: object) -> float:
    try:
        return 0.0 if delay is None else cast("float", check(delay, Delay))
    except ValueError as error:
        raise UsageError(f"delay={delay!r}: {error}; Cloud Tasks accepts no more than 30 days") from None
