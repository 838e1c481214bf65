"""What enqueuing costs a process that does not enqueue, and that it works in a forked process."""

from __future__ import annotations

import subprocess
import sys

from taskhandler.devqueue import LocalQueue
from tests.mirror import ROOT

TIMEOUT_SECONDS = 60.0

WITHOUT_CLIENT = """
import sys
sys.modules.update({"google.cloud": None, "google.api_core": None})
from tests.enqueue.forking_program import main
from taskhandler.errors import UsageError
try:
    main("127.0.0.1:1")
except UsageError as error:
    sys.exit(0 if "flask-taskhandler[enqueue]" in str(error) else 1)
sys.exit(2)
"""

LIGHT = """
import sys
from flask import Flask
from taskhandler import TaskBlueprint
tasks = TaskBlueprint("tasks", __name__)
tasks.handler("charge")(lambda: None)
app = Flask(__name__)
app.config.update(TESTING=True, TASKHANDLER_AUTH="none", TASKHANDLER_LEDGER="memory://")
app.register_blueprint(tasks, url_prefix="/tasks")
sys.exit(bool({"google.cloud", "google.api_core", "grpc", "google.protobuf"} & set(sys.modules)))
"""


def ended(*arguments: str) -> int:
    done = subprocess.run([sys.executable, *arguments], cwd=ROOT, timeout=TIMEOUT_SECONDS, check=False)
    return done.returncode


def test_an_app_that_enqueues_nothing_does_not_import_the_client():
    assert ended("-c", LIGHT) == 0


def test_enqueuing_without_the_client_installed_says_what_to_install():
    assert ended("-c", WITHOUT_CLIENT) == 0


def test_a_forked_process_enqueues_with_a_client_of_its_own():
    with LocalQueue(seed=0) as queue:
        name = queue.create_queue("projects/shop/locations/here/queues/orders")
        client = queue.client()
        client.pause_queue(name=name)
        assert ended("-W", "ignore", "-m", "tests.enqueue.forking_program", queue.address) == 0
        created = {task.name.rpartition("/")[2] for task in client.list_tasks(parent=name)}
    assert created == {"before", "child", "parent"}
