"""Without an emulator the Firestore ledger is skipped aloud, and in CI that is a failure."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.ledger.emulator import JAR, found_jar, missed, shared_address


def test_in_ci_a_missing_emulator_fails_the_test(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("CI", "true")
    with pytest.raises(pytest.fail.Exception, match="NOT tested"):
        missed()


def test_in_local_development_a_missing_emulator_skips_with_the_reason(
    monkeypatch: pytest.MonkeyPatch,
):
    monkeypatch.delenv("CI", raising=False)
    with pytest.raises(pytest.skip.Exception, match=JAR):
        missed()


def test_a_jar_in_the_environment_is_preferred(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    jar = tmp_path / "emulator.jar"
    jar.touch()
    monkeypatch.setenv(JAR, str(jar))
    assert found_jar() in {jar, None}


def test_all_processes_of_a_test_run_share_one_emulator():
    assert shared_address() == shared_address()
