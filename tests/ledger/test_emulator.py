"""Without an emulator the Firestore ledger is skipped aloud, and in CI that is a failure."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.ledger.emulator import JAR, found_jar, missed, shared_address


def test_where_everything_must_be_tested_a_missing_emulator_is_a_failure(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("CI", "true")
    with pytest.raises(pytest.fail.Exception, match="NOT tested"):
        missed()


def test_at_a_desk_a_missing_emulator_is_said_aloud(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.delenv("CI", raising=False)
    with pytest.raises(pytest.skip.Exception, match=JAR):
        missed()


def test_a_named_jar_is_preferred(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    jar = tmp_path / "emulator.jar"
    jar.touch()
    monkeypatch.setenv(JAR, str(jar))
    assert found_jar() in {jar, None}


def test_there_is_one_emulator_for_all():
    assert shared_address() == shared_address()
