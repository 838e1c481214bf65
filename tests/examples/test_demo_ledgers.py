"""The demo's ledgers: which there are, what is said where one cannot be, and that the emulator plays."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from examples.demo import emulator
from tests.ledger.emulator import required_jar
from tests.mirror import ROOT


def demo(*options: str, **settings: str) -> subprocess.CompletedProcess[str]:
    """Play it, with these variables in an environment that names no emulator."""
    environment = {
        name: value for name, value in os.environ.items() if name not in {emulator.HOST, emulator.JAR}
    }
    return subprocess.run(
        [sys.executable, "-m", "examples.demo", *options],
        cwd=ROOT,
        env=environment | settings,
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
    )


def test_help_lists_the_ledgers() -> None:
    helped = demo("--help")
    assert helped.returncode == 0
    for word in ("make demo ARGS=", "--tasks N", "--ledger {sqlite,firestore}", "needs java", emulator.HOST):
        assert word in helped.stdout


def test_another_ledger_is_refused() -> None:
    refused = demo("--ledger", "redis")
    assert refused.returncode == 2
    assert "invalid choice: 'redis'" in refused.stderr


def test_without_java_the_demo_says_so_and_starts_nothing(tmp_path: Path) -> None:
    refused = demo("--ledger", "firestore", PATH=str(tmp_path))
    assert (refused.returncode, refused.stdout) == (2, "")
    assert "there is no Firestore emulator to play on: java is not on the PATH" in refused.stderr
    assert "Traceback" not in refused.stderr


def test_without_the_emulators_jar_the_demo_says_how_to_get_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    java = tmp_path / "java"
    java.write_text("#!/bin/sh\n")
    java.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.delenv(emulator.JAR, raising=False)
    monkeypatch.setattr(emulator, "_SDKS", ())
    assert emulator.found_jar() is None
    assert "gcloud components install cloud-firestore-emulator" in emulator.missing()
    assert emulator.JAR in emulator.missing()


def test_an_emulator_address_at_which_nothing_answers_is_named() -> None:
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))  # and does not listen
        address = f"127.0.0.1:{silent.getsockname()[1]}"
        refused = demo("--ledger", "firestore", **{emulator.HOST: address})
    assert refused.returncode == 2
    assert f"no emulator answers at '{address}'" in refused.stderr


def test_an_emulator_that_does_not_start_prints_its_error(tmp_path: Path) -> None:
    if shutil.which("java") is None:
        pytest.skip("there is no java, which would have to say that the jar is empty")
    jar = tmp_path / "empty.jar"
    jar.touch()
    with pytest.raises(RuntimeError, match=r"does not start: [\s\S]*CloudFirestore"):
        emulator.Emulator(jar).start()


@pytest.mark.xdist_group("demo")
def test_the_demo_on_the_emulator_ends_without_problems() -> None:
    given = os.environ.get(emulator.HOST)
    where = {emulator.HOST: given} if given else {emulator.JAR: str(required_jar())}
    played = demo("--ledger", "firestore", "--tasks", "60", **where)
    assert played.returncode == 0, played.stdout + played.stderr
    assert "one Firestore ledger, on Google's emulator" in played.stdout
    assert "VERDICT: nothing lost, nothing completed twice." in played.stdout
