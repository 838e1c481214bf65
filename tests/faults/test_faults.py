"""The bench works: a few of its plays are played, and a product that is weakened makes it turn red."""

from __future__ import annotations

import subprocess
import sys

import pytest

from tests.faults.sabotage import SABOTAGES
from tests.faults.scenario import scenarios
from tests.ledger.emulator import HOST, shared_address
from tests.mirror import ROOT

A_FEW = (
    "nothing-goes-wrong",
    "a-duplicate-while-it-runs",
    "a-worker-dies-in-the-middle-of-its-handler",
    "a-zombie-succeeds",
    "the-reply-to-a-claim-is-lost",
    "an-answer-is-lost",
    "a-before-request-answers",
    "an-after-request-fails-after-every-failure",
)

pytestmark = pytest.mark.xdist_group("faults")


def bench(*arguments: str) -> tuple[int, str]:
    """Its exit status and what it prints."""
    program = [sys.executable, "-m", "tests.faults", *arguments]
    done = subprocess.run(program, cwd=ROOT, capture_output=True, text=True, timeout=600, check=False)
    return done.returncode, done.stdout + done.stderr


def test_a_few_scenarios_are_green():
    status, printed = bench("--only", *A_FEW)
    assert status == 0, printed
    assert f"{len(A_FEW)} plays, 0 red" in printed


SLOW = "a-second-each-way-and-every-task-twice"


def test_a_scenario_on_a_slow_connection_to_firestore_is_green(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv(HOST, shared_address())
    status, printed = bench("--ledger", "firestore", "--only", SLOW)
    assert status == 0, printed
    assert f"green {SLOW} (firestore)" in printed


def test_a_weakened_product_turns_its_scenario_red_for_the_invariant_it_breaks():
    status, printed = bench("--sabotage", "what is in flight is acknowledged")
    assert status == 0, printed
    assert "S3: delivery 1 was answered 200 and no end was recorded" in printed
    assert "1 sabotages, 0 not seen" in printed


def test_the_option_list_prints_scenarios_and_their_ledgers():
    status, printed = bench("--list")
    assert status == 0
    assert "a-zombie-succeeds (sqlite, firestore)" in printed


def test_the_docstring_of_every_scenario_says_what_must_happen():
    assert not [name for name, scenario in scenarios().items() if not scenario.expected.endswith((".", ";"))]


def test_every_sabotage_names_an_existing_scenario_on_its_ledger():
    known = scenarios()
    assert not [name for name, sabotage in SABOTAGES.items() if sabotage.seen_by not in known]
    assert not [name for name, one in SABOTAGES.items() if one.ledger not in known[one.seen_by].ledgers]


def test_every_sabotage_finds_the_code_that_it_replaces():
    applied = "from tests.faults.sabotage import SABOTAGES as s, apply; [apply(name) for name in s]"
    done = subprocess.run(
        [sys.executable, "-c", applied], cwd=ROOT, capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 0, done.stderr
