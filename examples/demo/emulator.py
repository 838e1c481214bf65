"""Google's Firestore emulator: found on this machine, started on a free port, and stopped again."""

from __future__ import annotations

import http
import http.client
import os
import secrets
import shutil
import socket
import subprocess
import tempfile
import threading
import time
import urllib.request
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

HOST = "FIRESTORE_EMULATOR_HOST"
JAR = "FIRESTORE_EMULATOR_JAR"
START_TIMEOUT_SECONDS = 120.0
"""How long an emulator may take to start on a busy machine."""

_IN_SDK = "platform/cloud-firestore-emulator/cloud-firestore-emulator.jar"
_SDKS = ("/usr/lib/google-cloud-sdk", "/usr/share/google-cloud-sdk", "/opt/google-cloud-sdk")
_MAIN = "com.google.cloud.datastore.emulator.firestore.CloudFirestore"
_JAVA = ("-Duser.language=en", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-Xmx512m")
_SHOWN_BYTES = 1000


class Emulator:
    """An emulator of one's own, on a free port; use it as a context.

    Args:
        jar: the program.
    """

    def __init__(self, jar: Path) -> None:
        self._jar = jar
        self._process: subprocess.Popen[bytes] | None = None
        self._port = _free_port()

    @property
    def address(self) -> str:
        """Host and port."""
        return f"127.0.0.1:{self._port}"

    def start(self) -> None:
        """Start it, empty, and wait until it answers.

        Raises:
            RuntimeError: it does not start; the message has the end of what it printed.
        """
        place = ("--host=127.0.0.1", f"--port={self._port}")
        command = ["java", *_JAVA, "-cp", str(self._jar), _MAIN, "start", *place]
        with tempfile.TemporaryFile() as printed:
            self._process = subprocess.Popen(  # noqa: S603 - our own command line
                command, stdin=subprocess.DEVNULL, stdout=printed, stderr=subprocess.STDOUT
            )
            until = time.monotonic() + START_TIMEOUT_SECONDS
            while not answers(self.address):
                if self._process.poll() is not None or time.monotonic() > until:
                    self.stop()
                    raise RuntimeError(f"the Firestore emulator does not start: {_end_of(printed.fileno())}")
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
    return None if missing() else next(_jars())


def missing() -> str:
    """What is missing on this machine for an emulator; empty if nothing is."""
    if shutil.which("java") is None:
        return "java is not on the PATH. Install a Java runtime"
    if next(_jars(), None) is None:
        return (
            f"its program is not on this machine. Install it ('gcloud components install "
            f"cloud-firestore-emulator'), or set {JAR} to its jar"
        )
    return ""


def answers(address: str) -> bool:
    """Whether an emulator listens there."""
    try:
        with urllib.request.urlopen(f"http://{address}/", timeout=5) as answer:
            return bool(answer.status == http.HTTPStatus.OK)
    except (OSError, ValueError, http.client.HTTPException):
        return False


def _free_port() -> int:
    """A port below those that the kernel hands out: one of them could be taken before the emulator has it."""
    while True:
        port = 20_000 + secrets.randbelow(12_000)
        with socket.socket() as trial, suppress(OSError):
            trial.bind(("127.0.0.1", port))
            return port


def _jars() -> Iterator[Path]:
    return (jar for jar in _places() if jar.is_file())


def _places() -> Iterator[Path]:
    if JAR in os.environ:
        yield Path(os.environ[JAR])
    gcloud = shutil.which("gcloud")
    if gcloud is not None:
        yield Path(gcloud).resolve().parent.parent / _IN_SDK
    for sdk in (*_SDKS, Path.home() / "google-cloud-sdk"):
        yield Path(sdk) / _IN_SDK
    cached = (Path.home() / ".cache/firebase/emulators").glob("cloud-firestore-emulator*.jar")
    yield from sorted(cached, reverse=True)


def _end_of(file: int) -> str:
    size = os.fstat(file).st_size
    return os.pread(file, _SHOWN_BYTES, max(0, size - _SHOWN_BYTES)).decode(errors="replace").strip()
