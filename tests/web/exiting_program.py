"""A program that ends while the library is at work: it must print no traceback, and not hang.

Arguments: the ledger's URL, and when it ends: "idle" (a thread for heartbeats is there), "running" (a handler
runs on a daemon thread, and its lease is being extended), "atexit" (a task is delivered as it ends).
"""

from __future__ import annotations

import atexit
import logging
import sys
import threading

from flask import Flask

from taskhandler import TaskBlueprint
from tests.web.many_apps_program import deliver

STARTED = threading.Event()


def made(url: str) -> Flask:
    app = Flask(__name__)
    app.config.update(TESTING=True, TASKHANDLER_AUTH="none", TASKHANDLER_LEDGER=url, TASKHANDLER_LEASE=1)
    tasks = TaskBlueprint("tasks", __name__)

    @tasks.handler
    def run(payload: dict[str, int]) -> None:
        STARTED.set()
        if payload:
            threading.Event().wait()

    app.register_blueprint(tasks, url_prefix="/tasks")
    return app


def main(url: str, moment: str) -> None:
    app = made(url)
    if moment == "running":
        threading.Thread(target=deliver, args=(app, "task", {"wait": 1}), daemon=True).start()
        STARTED.wait()
        threading.Event().wait(0.5)  # a heartbeat has been sent meanwhile
    elif moment == "atexit":
        atexit.register(lambda: sys.stdout.write(str(deliver(app, "task", {}))))
    else:
        sys.stdout.write(str(deliver(app, "task", {})))


if __name__ == "__main__":
    logging.getLogger("taskhandler").addFilter(lambda record: "anyone can run" not in record.getMessage())
    main(sys.argv[1], sys.argv[2])
