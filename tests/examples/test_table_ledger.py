"""The storage of the example keeps the contract, and receives the tasks of an app that names it by a URL."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from examples.table_ledger import open_table
from taskhandler.errors import ConfigError
from taskhandler.testing.contract import StorageContract
from tests.mirror import ROOT

APP = """
import sys
from flask import Flask
from taskhandler import TaskBlueprint

tasks = TaskBlueprint("tasks", __name__)
runs = []

@tasks.handler("charge-order")
def charge_order() -> None:
    runs.append(1)

app = Flask(__name__)
app.testing = True
app.config.update(TASKHANDLER_AUTH="none", TASKHANDLER_LEDGER=sys.argv[1])
app.register_blueprint(tasks, url_prefix="/tasks")
headers = {
    "X-CloudTasks-QueueName": "orders",
    "X-CloudTasks-TaskName": "task-1",
    "X-CloudTasks-TaskRetryCount": "0",
    "X-CloudTasks-TaskExecutionCount": "0",
}
answers = [app.test_client().post("/tasks/charge-order", headers=headers) for _ in range(2)]
print(*(answer.json["outcome"] for answer in answers), len(runs))
"""


class TestTableLedger(StorageContract):
    opener = "examples.table_ledger:open_table"

    @pytest.fixture
    def url(self, tmp_path: Path) -> str:
        return f"table://{tmp_path}/ledger.db"


def test_an_app_uses_a_ledger_by_the_url_of_an_installed_package(tmp_path: Path):
    about = tmp_path / "table_ledger-1.0.dist-info"
    about.mkdir()
    about.joinpath("METADATA").write_text("Metadata-Version: 2.1\nName: table-ledger\nVersion: 1.0\n")
    about.joinpath("entry_points.txt").write_text(
        "[taskhandler.storages]\ntable = examples.table_ledger:open_table\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", APP, f"table://{tmp_path}/ledger.db"],
        env={**os.environ, "PYTHONPATH": os.pathsep.join([str(tmp_path), str(ROOT)])},
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    assert done.stdout.strip() == "completed duplicate 1"


@pytest.mark.parametrize("url", ["table://", "table://host/ledger.db"])
def test_a_url_without_a_path_of_its_own_is_refused(url: str):
    with pytest.raises(ConfigError, match="must be table:///path/to/file"):
        open_table(url)
