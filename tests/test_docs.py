"""The tables of the pages list what there is, and nothing else; and the pages are in plain English."""

from __future__ import annotations

import re
from pathlib import Path
from typing import get_args

import pytest

import taskhandler
from taskhandler.config.settings import KEYS, PREFIX, UNPREFIXED_KEYS
from taskhandler.handlers.options import Options
from taskhandler.lifecycle.record import State
from taskhandler.lifecycle.rules import Rule
from taskhandler.outcome import STATUS
from tests.exploration.invariants import NAMES
from tests.mirror import ROOT
from tests.pages import DOCS, PAGES, name_of, prose

PACKAGE = ROOT / "taskhandler"
CODE = re.compile(r"`+[^`]+`+")
STILTED = re.compile(
    r"\b((?:is|are) wanted|be had|whoever|strangers?|what became of|at a desk)\b", re.IGNORECASE
)


def first_column(page: str, heading: str) -> list[str]:
    """What is written as code in the first column of the table under a heading."""
    section = (DOCS / page).read_text().partition(f"\n## {heading}\n")[2].partition("\n## ")[0]
    return re.findall(r"^\| `([a-z_]+)` \|", section, re.MULTILINE)


def test_every_setting_is_documented_and_no_other():
    documented = re.findall(r"`([A-Z]+_[A-Z_]+)`", (ROOT / "docs" / "settings.md").read_text())
    assert set(documented) == {*UNPREFIXED_KEYS, *(PREFIX + key for key in KEYS)}


def test_every_outcome_is_documented_with_its_status():
    documented = re.findall(
        r"^\| `([a-z-]+)` \|.*\| (\d+) \|$", (ROOT / "docs" / "outcomes.md").read_text(), re.MULTILINE
    )
    assert {outcome: int(status) for outcome, status in documented} == {
        outcome.value: status for outcome, status in STATUS.items()
    }


def test_every_file_of_the_package_is_on_the_map_of_contributing_and_no_other():
    page = (ROOT / "CONTRIBUTING.md").read_text()
    package = page.partition("\n## Where things are\n")[2].partition("\n### Outside of the package\n")[0]
    documented = set(re.findall(r"`([a-z0-9_/]+\.py)`", package.partition("### ")[2]))
    files = {str(path.relative_to(PACKAGE)) for path in PACKAGE.rglob("*.py") if path.name != "__init__.py"}
    assert documented == files


def test_every_word_of_contributing_is_in_the_glossary():
    words = (ROOT / "CONTRIBUTING.md").read_text().partition("\n## Words\n")[2].partition("\n## ")[0]
    explained = re.findall(r"^\| (\*\*.*?\*\*) \|", (DOCS / "glossary.md").read_text(), re.MULTILINE)
    assert set(re.findall(r"\*\*(.+?)\*\*", words)) <= set(re.findall(r"\*\*(.+?)\*\*", " ".join(explained)))


def test_every_option_of_a_handler_is_documented_and_no_other():
    assert first_column("handlers.md", "Options") == list(Options.__struct_fields__)


def test_every_signal_is_documented_and_no_other():
    documented = first_column("handlers.md", "Signals")
    assert sorted(documented) == sorted(name for name in taskhandler.__all__ if name.startswith("task_"))


def test_every_state_is_documented_and_no_other():
    assert first_column("state-machine.md", "States") == [state.value for state in State]


def test_every_invariant_is_documented_and_no_other():
    page = (DOCS / "state-machine.md").read_text()
    assert set(re.findall(r"^\| ([SL]\d+) \|", page, re.MULTILINE)) == set(NAMES)


def test_every_rule_is_documented():
    page = (DOCS / "state-machine.md").read_text()
    assert not [rule.__name__ for rule in get_args(Rule) if f"`{rule.__name__}`" not in page]


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_no_page_has_a_phrase_that_is_not_plain_english(page: Path):
    assert not STILTED.findall(CODE.sub("", prose(page)))


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_every_table_of_a_page_is_in_one_piece_with_a_head(page: Path):
    tables = re.findall(r"(?:^\|.*\n)+", prose(page), re.MULTILINE)
    assert not [table for table in tables if not re.match(r".*\n\|(-+\|)+\n", table)]
