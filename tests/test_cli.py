"""`flask tasks`, as Flask finds it."""

from __future__ import annotations

import subprocess
import sys

from click.testing import CliRunner

from taskhandler.cli import tasks
from taskhandler.ledger.firestore.setup import describe_setup


def test_setup_prints_what_firestore_needs_and_changes_nothing() -> None:
    answer = CliRunner().invoke(tasks, ["setup", "--project", "shop", "--database", "ledger"])
    assert answer.exit_code == 0
    assert answer.output.strip() == describe_setup("shop", "ledger", "task_ledger").strip()


def test_flask_finds_the_commands_without_an_app() -> None:
    command = [sys.executable, "-m", "flask", "tasks", "setup", "--project", "shop"]
    printed = subprocess.run(command, capture_output=True, text=True, check=True, timeout=60).stdout
    assert "collection task_ledger" in printed


def test_setup_without_a_project_is_refused() -> None:
    answer = CliRunner().invoke(tasks, ["setup"])
    assert answer.exit_code == 2
    assert "--project" in answer.output
