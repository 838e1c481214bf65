"""Google's Firestore emulator: found on this machine, started once for all tests, stopped after the last."""

from __future__ import annotations

import fcntl
import functools
import http
import os
import secrets
import shutil
import socket
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NoReturn

import pytest

from tests.mirror import ROOT

HOST = "FIRESTORE_EMULATOR_HOST"
JAR = "FIRESTORE_EMULATOR_JAR"
STARTING = 60.0
"""Seconds that an emulator may take to start on a busy machine."""

USERS, ADDRESS = "users", "address"

_GIVEN = os.environ.get(HOST)
_IN_SDK = "platform/cloud-firestore-emulator/cloud-firestore-emulator.jar"
_SDKS = ("/usr/lib/google-cloud-sdk", "/usr/share/google-cloud-sdk", "/opt/google-cloud-sdk")
_MAIN = "com.google.cloud.datastore.emulator.firestore.CloudFirestore"
_JAVA = ("-Duser.language=en", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-Xmx512m")
_HOW = (
    f"The Firestore ledger is NOT tested: there is no emulator. Set {HOST} to the address of one, or "
    f"{JAR} to its jar, or install it ('gcloud components install cloud-firestore-emulator') and a java."
)


class Emulator:
    """An emulator of one's own, on a free port; use it as a context.

    Args:
        jar: the program.
    """

    def __init__(self, jar: Path) -> None:
        self._jar = jar
        self._process: subprocess.Popen[bytes] | None = None
        with socket.create_server(("127.0.0.1", 0)) as free:
            self._port = free.getsockname()[1]

    @property
    def address(self) -> str:
        """Host and port."""
        return f"127.0.0.1:{self._port}"

    def start(self) -> None:
        """Start it, empty, and wait until it answers."""
        place = ("--host=127.0.0.1", f"--port={self._port}")
        command = ["java", *_JAVA, "-cp", str(self._jar), _MAIN, "start", *place]
        silence = subprocess.DEVNULL
        self._process = subprocess.Popen(command, stdin=silence, stdout=silence, stderr=silence)
        until = time.monotonic() + STARTING
        while not answers(self.address):
            if self._process.poll() is not None or time.monotonic() > until:
                self.stop()
                raise RuntimeError("the Firestore emulator does not start")
            threading.Event().wait(0.05)

    def stop(self) -> None:
        """Stop it; what it kept is gone."""
        if self._process is not None:
            self._process.terminate()
            self._process.wait(30)
            self._process = None

    def __enter__(self) -> Emulator:  # noqa: PYI034 - Self is not in Python 3.10
        """Start."""
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        """Stop."""
        self.stop()


def found_jar() -> Path | None:
    """The emulator's program, if it is on this machine together with a java."""
    if shutil.which("java") is None:
        return None
    return next((jar for jar in _jars() if jar.is_file()), None)


def required_jar() -> Path:
    """The emulator's program; without one the test is skipped, and fails where everything must be tested."""
    return found_jar() or missed()


def missed() -> NoReturn:
    """Skip, loudly; fail in CI."""
    if os.environ.get("CI") == "true":
        pytest.fail(_HOW)
    pytest.skip(_HOW)


def answers(address: str) -> bool:
    """Whether an emulator listens there."""
    try:
        with urllib.request.urlopen(f"http://{address}/", timeout=5) as answer:
            return bool(answer.status == http.HTTPStatus.OK)
    except OSError:
        return False


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
            program = [sys.executable, "-m", "tests.ledger.programs.emulating", str(folder), str(jar)]
            subprocess.run(program, cwd=ROOT, check=True, stdout=subprocess.DEVNULL, timeout=STARTING)
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


def _jars() -> Iterator[Path]:
    if JAR in os.environ:
        yield Path(os.environ[JAR])
    gcloud = shutil.which("gcloud")
    if gcloud is not None:
        yield Path(gcloud).resolve().parent.parent / _IN_SDK
    for sdk in (*_SDKS, Path.home() / "google-cloud-sdk"):
        yield Path(sdk) / _IN_SDK
    yield from sorted(
        (Path.home() / ".cache/firebase/emulators").glob("cloud-firestore-emulator*.jar"), reverse=True
    )
