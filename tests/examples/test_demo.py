"""The demo: it plays to its end, and its verdict would not be good if anything were wrong."""

from __future__ import annotations

import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest
from msgspec.structs import replace

from examples.demo.findings import Findings, problems, read
from examples.demo.orders import PlannedTask
from taskhandler.ledger.opening import open_storage
from taskhandler.ledger.storage import Key
from taskhandler.lifecycle.record import Record, State
from tests.mirror import ROOT

PLAN = [PlannedTask("paid", "charge-order", b""), PlannedTask("free", "charge-order", b"", end="rejected")]
KILLED = 666


@pytest.fixture
def ledger(tmp_path: Path) -> str:
    url = f"sqlite://{tmp_path}/ledger.db"
    storage = open_storage(url)
    record = Record(
        state=State.COMPLETED, attempt=1, fence=1, lease_id="x", lease=1.0, digest="d", retention=86400.0
    )
    storage.create(Key("demo/here", "shop", "paid"), record)
    storage.create(Key("demo/here", "shop", "free"), replace(record, state=State.REJECTED))
    storage.close()
    return url


def good() -> Findings:
    found = Findings(completions=Counter({"paid": 1}))
    found.begun["paid"], found.done["paid"] = [1], [1]
    return found


def test_the_demos_verdict_on_a_good_run_has_no_problems(ledger: str) -> None:
    assert list(problems(good(), PLAN, ledger=ledger, killed=KILLED)) == []


def test_a_run_repeated_after_the_kill_is_not_a_problem(ledger: str) -> None:
    found = good()
    found.begun["paid"], found.done["paid"] = [KILLED, 1], [KILLED, 1]
    assert list(problems(found, PLAN, ledger=ledger, killed=KILLED)) == []


def spoil_lost(found: Findings) -> None:
    found.done["paid"] = []


def spoil_twice(found: Findings) -> None:
    found.begun["paid"], found.done["paid"] = [1, 2], [1, 2]


def spoil_completions(found: Findings) -> None:
    found.completions["paid"] = 2


def spoil_rejected(found: Findings) -> None:
    found.done["free"] = [1]


def spoil_unplanned(found: Findings) -> None:
    found.begun["forged-0"] = [1]


@pytest.mark.parametrize(
    "spoil", [spoil_lost, spoil_twice, spoil_completions, spoil_rejected, spoil_unplanned]
)
def test_a_spoiled_run_of_the_demo_has_problems(ledger: str, spoil) -> None:  # noqa: ANN001 - one of those above
    found = good()
    spoil(found)
    assert list(problems(found, PLAN, ledger=ledger, killed=KILLED))


def test_a_ledger_record_that_contradicts_the_run_is_a_problem(ledger: str) -> None:
    plan = [replace_end(PLAN[0], "dead"), PLAN[1]]
    assert list(problems(good(), plan, ledger=ledger, killed=KILLED))


def replace_end(planned: PlannedTask, end: str) -> PlannedTask:
    return PlannedTask(planned.name, planned.handler, planned.body, end=end)


def test_an_unfinished_line_of_the_demos_journal_is_not_read(tmp_path: Path) -> None:
    record = tmp_path / "effects.jsonl"
    record.write_text('{"what": "done", "task": "a", "pid": 1}\n{"what": "done", "ta')
    assert dict(read(record).done) == {"a": [1]}


@pytest.mark.xdist_group("demo")
def test_the_demo_ends_without_problems() -> None:
    command = [sys.executable, "-m", "examples.demo", "--tasks", "60"]
    played = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=600, check=False)
    assert played.returncode == 0, played.stdout + played.stderr
    assert "VERDICT: nothing lost, nothing completed twice." in played.stdout
    assert "kill -9" in played.stdout
