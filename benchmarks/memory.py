"""Does the memory of a worker grow? Resident size over many deliveries of distinct tasks, SQLite ledger.

    python benchmarks/memory.py [DELIVERIES]

The last reading over the first, which is taken after a tenth of the deliveries.
"""

from __future__ import annotations

import os
import sys
import tempfile
from pathlib import Path

from flask import Flask

sys.path.insert(0, str(Path(__file__).parents[1]))

from taskhandler import TaskBlueprint

tasks = TaskBlueprint("tasks", __name__)
HEADERS = {
    "X-CloudTasks-QueueName": "bench",
    "X-CloudTasks-TaskRetryCount": "0",
    "X-CloudTasks-TaskExecutionCount": "0",
}


@tasks.handler("charge-order")
def charge_order(order: dict[str, object]) -> dict[str, object]:
    """Do as good as nothing."""
    return {"receipt": order["id"]}


def main() -> None:
    """Measure and print."""
    deliveries = int(sys.argv[1]) if sys.argv[1:] else 100_000
    with tempfile.TemporaryDirectory() as folder:
        app = Flask("memory")
        app.config.update(
            TESTING=True,
            TASKHANDLER_AUTH="none",
            TASKHANDLER_LEDGER=f"sqlite://{folder}/ledger.db?synchronous=normal",
        )
        app.register_blueprint(tasks, url_prefix="/tasks")
        readings = [_deliver(app, tenth, deliveries // 10) for tenth in range(10)]
    print(f"ratio          {readings[-1] / readings[0]:7.3f}    (budget: flat) over {deliveries} deliveries")


def _deliver(app: Flask, tenth: int, deliveries: int) -> float:
    client = app.test_client()
    for number in range(deliveries):
        headers = {**HEADERS, "X-CloudTasks-TaskName": f"t{tenth}-{number}"}
        answer = client.post("/tasks/charge-order", data=b'{"id": "A7"}', headers=headers)
        if answer.headers["X-TaskHandler-Outcome"] != "completed":
            raise RuntimeError(answer.headers["X-TaskHandler-Outcome"])
    size = _resident_mib()
    print(f"{(tenth + 1) * deliveries:8} deliveries {size:7.1f} MiB", flush=True)
    return size


def _resident_mib() -> float:
    pages = int(Path("/proc/self/statm").read_text("ascii").split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 2**20


if __name__ == "__main__":
    main()
