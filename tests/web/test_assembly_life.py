"""An app that is closed or dropped leaves nothing behind: no thread, no open file, no memory."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from taskhandler.ledger.sqlite.idle import MOST_IDLE_LEDGERS
from taskhandler.web.assembly import Assembly
from tests.ledger.emulator import emulated
from tests.mirror import ROOT
from tests.open_files import count_open_files
from tests.web.many_apps_program import deliver, made

TIMEOUT_SECONDS = 240.0
SPREAD_KILOBYTES = 4096
"""What the allocator may differ by; a thousand apps that are not collected take some ten times as much."""
SPREAD_OBJECTS = 500
"""What the interpreter's own caches may differ by."""


def lives(ledger: str, apps: int, end: str) -> tuple[dict[str, int], dict[str, int], dict[str, int]]:
    command = [sys.executable, "-m", "tests.web.many_apps_program", ledger, str(apps), end]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, timeout=TIMEOUT_SECONDS, check=True)
    measured = json.loads(done.stdout)
    return measured["before"], measured["with apps"], measured["after"]


def files_in(folder: Path) -> str:
    return f"sqlite://{folder}/{{}}.db"


def test_a_thousand_apps_that_are_dropped_leave_nothing_behind(tmp_path: Path):
    before, _, after = lives(files_in(tmp_path), 1000, "dropped")
    assert after["threads"] == before["threads"] == 1
    assert after["descriptors"] == before["descriptors"]
    assert after["objects"] < before["objects"] + SPREAD_OBJECTS
    assert after["kilobytes"] < before["kilobytes"] + SPREAD_KILOBYTES


@pytest.mark.parametrize("end", ["dropped", "closed"])
def test_apps_with_a_firestore_ledger_leave_nothing_behind(end: str):
    with emulated() as project:
        before, _, after = lives(f"firestore://{project}", 30, end)
    assert after["threads"] == before["threads"] == 1
    assert after["descriptors"] <= before["descriptors"]
    assert after["objects"] < before["objects"] + SPREAD_OBJECTS


@pytest.mark.parametrize("end", ["closed", "failing"])
def test_apps_that_are_closed_or_whose_task_fails_leave_nothing_behind(tmp_path: Path, end: str):
    before, _, after = lives(files_in(tmp_path), 100, end)
    assert after["threads"] == before["threads"] == 1
    assert after["descriptors"] == before["descriptors"]
    assert after["objects"] < before["objects"] + SPREAD_OBJECTS


def test_apps_that_are_kept_but_idle_share_one_thread_and_a_few_open_files(tmp_path: Path):
    before, with_apps, after = lives(files_in(tmp_path), 100, "kept")
    assert with_apps["threads"] <= before["threads"] + 1
    assert with_apps["descriptors"] <= before["descriptors"] + 6 * MOST_IDLE_LEDGERS
    assert after["threads"] == before["threads"]
    assert after["descriptors"] == before["descriptors"]
    assert after["objects"] < before["objects"] + SPREAD_OBJECTS


def test_an_app_that_is_closed_has_no_file_open_and_answers_503_however_often_it_is_closed(tmp_path: Path):
    app = made(f"sqlite://{tmp_path}/ledger.db")
    threads = set(threading.enumerate())
    assert deliver(app, "first", {}) == 200
    assert count_open_files(tmp_path) > 0
    assembly = app.extensions["taskhandler"]
    assert isinstance(assembly, Assembly)
    for _ in range(3):
        assembly.close()
        assert count_open_files(tmp_path) == 0
        assert not [thread for thread in threading.enumerate() if thread not in threads]
        assert deliver(app, "second", {}) == 503
    assert count_open_files(tmp_path) == 0


def test_closing_one_app_leaves_others_working(tmp_path: Path):
    ours, theirs = (made(f"sqlite://{tmp_path}/ledger.db") for _ in range(2))
    assert deliver(ours, "first", {}) == deliver(theirs, "second", {}) == 200
    ours.extensions["taskhandler"].close()
    assert deliver(theirs, "third", {}) == 200
    theirs.extensions["taskhandler"].close()


@pytest.mark.parametrize("moment", ["idle", "running", "atexit"])
def test_the_interpreter_ends_without_a_traceback_and_does_not_hang(tmp_path: Path, moment: str):
    command = [sys.executable, "-m", "tests.web.exiting_program", f"sqlite://{tmp_path}/ledger.db", moment]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=60, check=False)
    assert (done.returncode, done.stderr, done.stdout) == (0, "", "200" if moment != "running" else "")


def test_an_app_may_be_closed_before_its_first_delivery_and_from_many_threads(tmp_path: Path):
    app = made(f"sqlite://{tmp_path}/ledger.db")
    close = app.extensions["taskhandler"].close
    closing = [threading.Thread(target=close) for _ in range(8)]
    for thread in closing:
        thread.start()
    for thread in closing:
        thread.join()
    assert deliver(app, "first", {}) == 503
