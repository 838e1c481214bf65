"""The pages tell all there is, and nothing else."""

from __future__ import annotations

import re
from typing import get_args

import taskhandler
from taskhandler.config.settings import KEYS, PLAIN, PREFIX
from taskhandler.handlers.handler import Options
from taskhandler.lifecycle.record import State
from taskhandler.lifecycle.rules import Rule
from taskhandler.outcome import STATUS
from tests.exploration.invariants import NAMES
from tests.mirror import ROOT
from tests.pages import DOCS

PACKAGE = ROOT / "taskhandler"


def first_column(page: str, heading: str) -> list[str]:
    """What is written as code in the first column of the table under a heading."""
    section = (DOCS / page).read_text().partition(f"\n## {heading}\n")[2].partition("\n## ")[0]
    return re.findall(r"^\| `([a-z_]+)` \|", section, re.MULTILINE)


def test_every_setting_is_told_and_no_other():
    told = re.findall(r"`([A-Z]+_[A-Z_]+)`", (ROOT / "docs" / "settings.md").read_text())
    assert set(told) == {*PLAIN, *(PREFIX + key for key in KEYS)}


def test_every_outcome_is_told_with_its_status():
    told = re.findall(
        r"^\| `([a-z-]+)` \|.*\| (\d+) \|$", (ROOT / "docs" / "outcomes.md").read_text(), re.MULTILINE
    )
    assert {outcome: int(status) for outcome, status in told} == {
        outcome.value: status for outcome, status in STATUS.items()
    }


def test_every_file_of_the_package_is_on_the_map_of_contributing_and_no_other():
    page = (ROOT / "CONTRIBUTING.md").read_text()
    package = page.partition("\n## Where things are\n")[2].partition("\n### Outside of the package\n")[0]
    told = set(re.findall(r"`([a-z_/]+\.py)`", package.partition("### ")[2]))
    files = {str(path.relative_to(PACKAGE)) for path in PACKAGE.rglob("*.py") if path.name != "__init__.py"}
    assert told == files


def test_every_word_of_contributing_is_in_the_glossary():
    words = (ROOT / "CONTRIBUTING.md").read_text().partition("\n## Words\n")[2].partition("\n## ")[0]
    explained = re.findall(r"^\| (\*\*.*?\*\*) \|", (DOCS / "glossary.md").read_text(), re.MULTILINE)
    assert set(re.findall(r"\*\*(.+?)\*\*", words)) <= set(re.findall(r"\*\*(.+?)\*\*", " ".join(explained)))


def test_every_option_of_a_handler_is_told_and_no_other():
    assert first_column("handlers.md", "Options") == list(Options.__struct_fields__)


def test_every_signal_is_told_and_no_other():
    told = first_column("handlers.md", "Signals")
    assert sorted(told) == sorted(name for name in taskhandler.__all__ if name.startswith("task_"))


def test_every_state_is_told():
    assert {state.value for state in State} <= set(first_column("state-machine.md", "States"))


def test_every_invariant_is_told():
    page = (DOCS / "state-machine.md").read_text()
    assert set(NAMES) <= set(re.findall(r"^\| ([SL]\d+) \|", page, re.MULTILINE))


def test_every_rule_is_named():
    page = (DOCS / "state-machine.md").read_text()
    assert not [rule.__name__ for rule in get_args(Rule) if f"`{rule.__name__}`" not in page]
