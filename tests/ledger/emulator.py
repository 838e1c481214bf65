"""Google's Firestore emulator: started once for all tests, stopped after the last."""

from __future__ import annotations

import fcntl
import functools
import os
import secrets
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NoReturn

import pytest

from examples.demo.emulator import HOST, JAR, START_TIMEOUT_SECONDS, Emulator, found_jar
from tests.mirror import ROOT

__all__ = ["HOST", "JAR", "Emulator", "emulated", "found_jar", "hold", "required_jar", "shared_address"]

USERS, ADDRESS = "users", "address"

_GIVEN = os.environ.get(HOST)
_HOW = (
    f"The Firestore ledger is NOT tested: there is no emulator. Set {HOST} to the address of one, or "
    f"{JAR} to its jar, or install it ('gcloud components install cloud-firestore-emulator') and a java."
)


def required_jar() -> Path:
    """The emulator's program; without one the test is skipped, and fails where everything must be tested."""
    return found_jar() or missed()


def missed() -> NoReturn:
    """Skip, loudly; fail in CI."""
    if os.environ.get("CI") == "true":
        pytest.fail(_HOW)
    pytest.skip(_HOW)


@functools.cache
def shared_address() -> str:
    """The one emulator of this test run, for all of its processes; it ends when the last of them does."""
    if _GIVEN is not None:
        return _GIVEN
    jar = required_jar()
    run = os.environ.get("PYTEST_XDIST_TESTRUNUID", str(os.getpid()))
    folder = Path(tempfile.gettempdir()) / f"taskhandler-emulator-{run}"
    folder.mkdir(exist_ok=True)
    hold(folder / USERS, fcntl.LOCK_SH)
    starting = hold(folder / "starting", fcntl.LOCK_EX)
    try:
        if not (folder / ADDRESS).exists():
            program = [sys.executable, "-m", "tests.ledger.programs.start_emulator", str(folder), str(jar)]
            silence, limit = subprocess.DEVNULL, START_TIMEOUT_SECONDS
            subprocess.run(program, cwd=ROOT, check=True, stdout=silence, timeout=limit)
        return (folder / ADDRESS).read_text()
    finally:
        os.close(starting)


def hold(file: Path, how: int) -> int:
    """Lock a file until what is returned is closed, at the latest when this process ends, however it does."""
    handle = os.open(file, os.O_CREAT | os.O_RDWR)
    fcntl.flock(handle, how)
    return handle


@contextmanager
def emulated(address: str | None = None) -> Iterator[str]:
    """Have Google's clients talk to the emulator (or to `address`, which leads there), and give a project."""
    before = os.environ.get(HOST)
    os.environ[HOST] = address or shared_address()
    try:
        yield f"t{secrets.token_hex(8)}"
    finally:
        os.environ.pop(HOST)
        if before is not None:
            os.environ[HOST] = before
