"""Makes tasks for handlers, through google-cloud-tasks, which is imported when the first one is made."""

from __future__ import annotations

import re
import threading
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import msgspec

from taskhandler.config import Settings
from taskhandler.errors import ConfigError, EnqueueError, UsageError
from taskhandler.forks import call_in_child
from taskhandler.handlers import Handler

TIMEOUT = 10.0
"""Seconds for one call; the client does not retry creations by itself (google-cloud-tasks 2.26)."""

TASK_ID = re.compile(r"[A-Za-z0-9_-]{1,500}")
"""What Cloud Tasks takes for the id of a task (reference of Task.name)."""

LONGEST_DELAY = 30 * 86400
"""Seconds; Cloud Tasks refuses a later schedule time (quotas: 30 days)."""


RAW = (bytes, bytearray, memoryview)
"""What is sent as it is."""


class Enqueuer:
    """Creates the tasks of one app.

    Args:
        settings: where the queue and the handlers are, and whose token the tasks carry.
        now: the time.
        timeout: seconds for one call.
    """

    def __init__(self, settings: Settings, *, now: Callable[[], datetime], timeout: float = TIMEOUT) -> None:
        self._settings = settings
        self._now = now
        self._timeout = timeout
        self._client: Any = None
        self._turn = threading.Lock()
        call_in_child(self._forget)

    def enqueue(
        self,
        handler: Handler[Any, Any],
        payload: object,
        *,
        name: str | None,
        delay: float | timedelta | None,
    ) -> str:
        """Create a task for `handler`; see `Handler.enqueue`."""
        settings = self._settings
        queue = handler.options.queue or settings.queue
        _require("GCP_PROJECT_ID", settings.project)
        _require("GCP_LOCATION_ID", settings.location)
        _require("GCP_TASK_QUEUE_ID", queue)
        _require("TASK_TARGET_URL", settings.target_url)
        parent = f"projects/{settings.project}/locations/{settings.location}/queues/{queue}"
        task = self._task(handler, payload, seconds=_seconds(delay))
        if name is not None:
            task["name"] = f"{parent}/tasks/{_task_id(name)}"
        return self._create(parent, task)

    def close(self) -> None:
        """Close the client's connection; the next task is created over a new one."""
        with self._turn:
            client, self._client = self._client, None
        if client is not None:
            client.transport.close()

    def _task(self, handler: Handler[Any, Any], payload: object, *, seconds: float) -> dict[str, Any]:
        settings = self._settings
        request: dict[str, Any] = {
            "http_method": "POST",
            "url": f"{settings.target_url}/{handler.name}",
            "headers": {"Content-Type": _content_type(payload)},
            "body": _encode(payload),
        }
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

    def _create(self, parent: str, task: dict[str, Any]) -> str:
        _check_installed()
        from google.api_core.exceptions import AlreadyExists, GoogleAPIError  # noqa: PLC0415 - heavy
        from google.auth.exceptions import GoogleAuthError  # noqa: PLC0415 - the same

        try:
            created = self._the_client().create_task(parent=parent, task=task, timeout=self._timeout)
        except (GoogleAPIError, GoogleAuthError) as error:
            if isinstance(error, AlreadyExists) and "name" in task:
                return str(task["name"])  # it is there, which is what was asked for
            raise EnqueueError(f"no task was created in {parent}: {error}") from error
        return str(created.name)

    def _the_client(self) -> Any:  # noqa: ANN401 - the client's module is not imported yet
        with self._turn:
            if self._client is None:
                self._client = _make_client(self._settings.emulator_host)
            return self._client

    def _forget(self) -> None:
        self._client = None
        self._turn = threading.Lock()


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

    channel = grpc.insecure_channel(emulator_host)
    return tasks_v2.CloudTasksClient(transport=CloudTasksGrpcTransport(channel=channel))


def _require(key: str, value: str) -> None:
    if not value:
        raise ConfigError(key, None, "tasks cannot be created without it")


def _task_id(name: object) -> str:
    if not isinstance(name, str) or not TASK_ID.fullmatch(name):
        raise UsageError(f"name={name!r}: up to 500 letters, digits, hyphens and underscores are wanted")
    return name


def _seconds(delay: object) -> float:
    seconds = delay.total_seconds() if isinstance(delay, timedelta) else 0 if delay is None else delay
    if not isinstance(seconds, int | float) or not 0 <= seconds <= LONGEST_DELAY:
        raise UsageError(f"delay={delay!r}: seconds from 0 to 30 days are wanted (Cloud Tasks' own limit)")
    return seconds


def _content_type(payload: object) -> str:
    return "application/octet-stream" if isinstance(payload, RAW) else "application/json"


def _encode(payload: object) -> bytes:
    if isinstance(payload, RAW):
        return bytes(payload)
    dump = getattr(payload, "model_dump_json", None)  # a pydantic model
    try:
        return str(dump()).encode() if callable(dump) else msgspec.json.encode(payload)
    except (TypeError, ValueError, OverflowError, RecursionError) as error:
        raise UsageError(
            f"a payload of type {type(payload).__name__} cannot be made JSON: {error}"
        ) from error
