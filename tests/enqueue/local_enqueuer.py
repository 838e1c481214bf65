"""An enqueuer with the local queue that it puts tasks into, and their settings and handlers."""

from __future__ import annotations

import time
from datetime import datetime, timezone
from typing import Any

from google.cloud import tasks_v2

from taskhandler.config.settings import Settings, read_settings
from taskhandler.devqueue import LocalQueue
from taskhandler.enqueue.enqueuer import TIMEOUT_SECONDS, Enqueuer
from taskhandler.handlers.handler import Handler
from taskhandler.handlers.options import check_options
from taskhandler.task_ref import TaskRef

QUEUE = "projects/shop/locations/here/queues/orders"
NOW = datetime.fromtimestamp(time.time(), timezone.utc)  # the queue has the same clock
URL = "https://shop.run.app/tasks/charge"
SETTINGS = {
    "GCP_PROJECT_ID": "shop",
    "GCP_LOCATION_ID": "here",
    "GCP_TASK_QUEUE_ID": "orders",
    "TASK_TARGET_URL": "https://shop.run.app/tasks/",
    "TASK_SERVICE_ACCOUNT_EMAIL": "queue@shop.example",
}


def settings_of(**more: object) -> Settings:
    return read_settings({**SETTINGS, **more}, {}, instance="/", debug=True)


def handler_of(annotation: object = Any, **options: object) -> Handler[Any, Any]:
    def charge(payload: object) -> object:
        return payload

    charge.__annotations__["payload"] = annotation
    return Handler(charge, name="charge", options=check_options("charge", options))


def enqueuer_with(settings: Settings, *, timeout: float = TIMEOUT_SECONDS) -> Enqueuer:
    return Enqueuer(settings, now=lambda: NOW, clock=time.monotonic, timeout=timeout)


class LocalEnqueuer:
    """An enqueuer, and the queue that it puts tasks into, which delivers nothing."""

    def __init__(self, queue: LocalQueue) -> None:
        self.queue = queue
        self.client = queue.client()
        queue.create_queue(QUEUE)
        self.client.pause_queue(name=QUEUE)

    def refer(self, payload: object = None, **more: Any) -> TaskRef:  # noqa: ANN401 - settings and arguments
        arguments = {"name": more.pop("name", None), "delay": more.pop("delay", None)}
        handler = handler_of(more.pop("annotation", Any), **more.pop("options", {}))
        settings = settings_of(CLOUD_TASKS_EMULATOR_HOST=self.queue.address, **more)
        return enqueuer_with(settings).enqueue(handler, payload, url=URL, **arguments)

    def enqueue(self, payload: object = None, **more: Any) -> str:  # noqa: ANN401 - the same
        return self.refer(payload, **more).name

    def task(self, payload: object = None, **more: Any) -> tasks_v2.Task:  # noqa: ANN401 - settings and arguments
        name = self.enqueue(payload, **more)
        return self.client.get_task({"name": name, "response_view": tasks_v2.Task.View.FULL})
