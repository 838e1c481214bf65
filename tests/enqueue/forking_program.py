"""A program that enqueues, forks, and enqueues in both processes; its exit status says whether it could.

Argument: `host:port` of a local queue that has the queue `orders`.
"""

from __future__ import annotations

import os
import sys
import time
from datetime import datetime, timezone

from taskhandler.config.settings import Settings, read_settings
from taskhandler.enqueue.enqueuer import Enqueuer
from taskhandler.handlers.handler import Handler
from taskhandler.handlers.options import Options

SETTINGS = {
    "GCP_PROJECT_ID": "shop",
    "GCP_LOCATION_ID": "here",
    "GCP_TASK_QUEUE_ID": "orders",
    "TASK_TARGET_URL": "https://shop.run.app/tasks",
    "TASK_SERVICE_ACCOUNT_EMAIL": "queue@shop.example",
}
URL = "https://shop.run.app/tasks/charge"


def main(address: str) -> int:
    settings = read_settings(
        {**SETTINGS, "CLOUD_TASKS_EMULATOR_HOST": address}, {}, instance="/", debug=False
    )
    enqueuer = _enqueuer(settings)
    _enqueuer(settings)  # gone before the fork
    handler = _handler()
    enqueuer.enqueue(handler, 1, url=URL, name="before", delay=None)
    child = os.fork()
    if not child:
        if enqueuer._client is not None:  # noqa: SLF001 - the parent's would work here, most of the time
            os._exit(1)
        enqueuer.enqueue(handler, 2, url=URL, name="child", delay=None)
        os._exit(0)
    status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    enqueuer.enqueue(handler, 3, url=URL, name="parent", delay=None)
    return status


def _enqueuer(settings: Settings) -> Enqueuer:
    return Enqueuer(
        settings, now=lambda: datetime.fromtimestamp(time.time(), timezone.utc), clock=time.monotonic
    )


def _handler() -> Handler[[object], object]:
    def charge(order: object) -> object:
        return order

    return Handler(charge, name="charge", options=Options())


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
