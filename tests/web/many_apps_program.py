"""A program that makes one app after the other, has each run one task, drops it, and says what is left.

Arguments: the ledgers' URL, in which {} becomes a number below 7; how many apps; how each ends ("dropped",
"closed", "failing", "kept").
Answers with JSON: threads, descriptors, objects and kilobytes of memory before and after, threads and
descriptors in between.
"""

from __future__ import annotations

import gc
import json
import logging
import os
import sys
import threading
import time
from pathlib import Path

from flask import Flask

from taskhandler import Retry, TaskBlueprint
from taskhandler.web.assembly import Assembly

WARM_UP_APPS = 60
"""Apps before the first measurement: the interpreter's caches are full by then."""

TIMEOUT_SECONDS = 30.0


def made(url: str) -> Flask:
    app = Flask(__name__)
    app.config.update(TESTING=True, TASKHANDLER_AUTH="none", TASKHANDLER_LEDGER=url)
    tasks = TaskBlueprint("tasks", __name__)

    @tasks.handler
    def run(payload: dict[str, int]) -> None:
        if payload:
            raise Retry("not now")

    app.register_blueprint(tasks, url_prefix="/tasks")
    return app


def deliver(app: Flask, task: str, payload: dict[str, int]) -> int:
    headers = {
        "X-CloudTasks-TaskName": task,
        "X-CloudTasks-QueueName": "queue",
        "X-CloudTasks-TaskRetryCount": "0",
        "X-CloudTasks-TaskExecutionCount": "0",
        "X-CloudTasks-TaskETA": "1700000000.5",
    }
    return app.test_client().post("/tasks/run", json=payload, headers=headers).status_code


def lead(ledger: str, number: int, end: str) -> Flask:
    """The life of an app."""
    app = made(ledger.format(number % 7))
    payload = {"fail": 1} if end == "failing" else {}
    status = deliver(app, f"task-{number}", payload)
    if status != (503 if payload else 200):
        raise RuntimeError(f"a delivery was answered {status}")
    assembly = app.extensions["taskhandler"]
    if end == "closed" and isinstance(assembly, Assembly):
        assembly.close()
    return app


def measured() -> dict[str, int]:
    gc.collect()
    deadline = time.monotonic() + TIMEOUT_SECONDS
    while len(os.listdir("/proc/self/task")) > 1 and time.monotonic() < deadline:  # noqa: PTH208 - as below
        time.sleep(0.01)  # noqa: TID251 - a thread that was asked to end may be slow on a busy machine
    objects = len(gc.get_objects())
    kilobytes = int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGESIZE") // 1024
    descriptors = len(os.listdir("/proc/self/fd"))  # noqa: PTH208 - the number counts, not the paths
    return {
        "threads": threading.active_count(),
        "descriptors": descriptors,
        "objects": objects,
        "kilobytes": kilobytes,
    }


def main(ledger: str, apps: int, end: str) -> None:
    for number in range(WARM_UP_APPS):
        lead(ledger, number, end)
    before = measured()
    kept = []
    for number in range(WARM_UP_APPS, WARM_UP_APPS + apps):
        app = lead(ledger, number, end)
        if end == "kept":
            kept.append(app)
        del app
    with_apps = {"threads": threading.active_count(), "descriptors": len(os.listdir("/proc/self/fd"))}  # noqa: PTH208 - as above
    kept.clear()
    print(json.dumps({"before": before, "with apps": with_apps, "after": measured()}))  # noqa: T201 - the answer


if __name__ == "__main__":
    logging.disable(logging.CRITICAL)
    main(sys.argv[1], int(sys.argv[2]), sys.argv[3])
