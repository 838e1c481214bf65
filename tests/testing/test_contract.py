"""What users meet who run the contract: without pytest, or without a ledger to run it on."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from tests.mirror import ROOT

WITHOUT_PYTEST = """
import sys
sys.modules["pytest"] = None
import taskhandler.testing
try:
    import taskhandler.testing.contract
except ImportError as error:
    print(error)
"""
WITHOUT_URL = """
from taskhandler.testing.contract import StorageContract

class TestNothing(StorageContract):
    pass
"""
LIES = """
import pytest
from taskhandler.testing.contract import StorageContract

class TestLies(StorageContract):
    opener = "tests.testing.wrong:open_wrong"

    @pytest.fixture
    def url(self):
        return "wrong://CreateOverwrites/"
"""
ONE = "test_a_second_create_is_stale_and_changes_nothing"


def run_pytest(folder: Path, suite: str) -> str:
    """What pytest prints that runs one test of the contract from a file of a user's."""
    file = folder / "test_theirs.py"
    file.write_text(suite)
    command = [sys.executable, "-m", "pytest", "-q", "-n0", "-p", "no:cacheprovider", "-k", ONE, str(file)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False, timeout=120)
    assert done.returncode == 1
    return done.stdout


def test_a_missing_pytest_is_reported_with_what_to_install():
    command = [sys.executable, "-c", WITHOUT_PYTEST]
    done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=60)
    assert "pip install 'flask-taskhandler[testing]'" in done.stdout


def test_a_suite_without_a_url_fails_with_what_is_missing(tmp_path: Path):
    assert "TestNothing has no fixture 'url'" in run_pytest(tmp_path, WITHOUT_URL)


def test_a_failure_shows_what_the_storage_answered(tmp_path: Path):
    assert "Written(version=2) == Stale()" in run_pytest(tmp_path, LIES)
