"""The pages tell all there is, and nothing else."""

from __future__ import annotations

import re

from taskhandler.config.settings import KEYS, PLAIN, PREFIX
from taskhandler.outcome import STATUS
from tests.mirror import ROOT


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
