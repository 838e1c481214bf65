"""The app under test under a real gunicorn, with what can be done to its processes."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import threading
import time
import urllib.request
from pathlib import Path

from tests.mirror import ROOT

TIMEOUT_SECONDS = 30.0
GRACE = "3"
"""Seconds that a worker has after SIGTERM."""


class Gunicorn:
    """One revision of the app. Its socket is the bench's: connections wait while it is down.

    Args:
        options: of gunicorn.
        settings: environment variables.
        log: where its output goes.
    """

    def __init__(self, options: tuple[str, ...], settings: dict[str, str], log: Path) -> None:
        self.log = log
        self._options = options
        self._settings = settings
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=256)
        self.port = int(self._listener.getsockname()[1])
        self._master: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start it, without waiting until it is up."""
        listening = ("--bind", f"fd://{self._listener.fileno()}", "--no-control-socket")
        lives = ("--timeout", "60", "--graceful-timeout", GRACE)
        with self.log.open("ab") as log:
            self._master = subprocess.Popen(
                [
                    sys.executable,
                    "-m",
                    "gunicorn",
                    "tests.faults.app:app",
                    *listening,
                    *lives,
                    *self._options,
                ],
                cwd=ROOT,
                env={**os.environ, **self._settings},
                pass_fds=[self._listener.fileno()],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )

    def wait(self) -> None:
        """Wait until it answers.

        Raises:
            RuntimeError: it does not.
        """
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self.port}/", timeout=TIMEOUT_SECONDS):
                return
        except OSError as error:
            raise RuntimeError(f"it does not come up: {self.log.read_text()[-2000:]}") from error

    @property
    def master(self) -> subprocess.Popen[bytes]:
        """Its first process.

        Raises:
            RuntimeError: it is not up.
        """
        if self._master is None:
            raise RuntimeError("it is not up")
        return self._master

    def workers(self) -> list[int]:
        """The process ids of its workers, as the kernel knows them now."""
        master = self._master
        if master is None or master.poll() is not None:
            return []
        children = Path(f"/proc/{master.pid}/task/{master.pid}/children")
        return [int(child) for child in children.read_text().split()]

    def resident_bytes(self) -> int:
        """The memory of all workers."""
        pages = (Path(f"/proc/{pid}/statm").read_text().split()[1] for pid in self.workers())
        return sum(map(int, pages)) * os.sysconf("SC_PAGE_SIZE")

    def peak_bytes(self) -> int:
        """The most memory that all workers have had since `forget_peak`."""
        statuses = (Path(f"/proc/{pid}/status").read_text() for pid in self.workers())
        return sum(int(status.partition("VmHWM:")[2].split()[0]) * 1024 for status in statuses)

    def forget_peak(self) -> None:
        """Let the peak be what the workers have now (proc(5), clear_refs)."""
        for pid in self.workers():
            Path(f"/proc/{pid}/clear_refs").write_text("5")

    def lines(self) -> list[str]:
        """What it and its workers have written so far."""
        return self.log.read_text(errors="replace").splitlines()

    def signal(self, pid: int, what: signal.Signals) -> bool:
        """Send a signal to one of its workers; false if it is none (any more)."""
        if pid not in self.workers():
            return False
        os.kill(pid, what)
        return True

    def until_gone(self, pid: int) -> None:
        """Wait until a worker has ended."""
        until = time.monotonic() + TIMEOUT_SECONDS
        while pid in self.workers() and time.monotonic() < until:
            threading.Event().wait(0.02)

    def terminate(self) -> None:
        """Ask it to end, as a platform does that takes an instance down."""
        if self._master is not None:
            self._master.terminate()

    def wait_for_the_end(self) -> None:
        """Wait until its master has ended."""
        if self._master is not None:
            self._master.wait(TIMEOUT_SECONDS)

    def reload(self) -> None:
        """Have it replace its workers by new ones, as a release does."""
        if self._master is not None:
            self._master.send_signal(signal.SIGHUP)

    def kill(self) -> None:
        """End all of it at once, as a machine does that is switched off."""
        master, self._master = self._master, None
        if master is None:
            return
        if master.poll() is None:
            master.send_signal(signal.SIGSTOP)  # else it replaces its workers meanwhile
            self._kill_workers(master.pid)
            master.kill()
        master.wait(TIMEOUT_SECONDS)

    def close(self) -> None:
        """Kill it, and let go of its socket."""
        self.kill()
        self._listener.close()

    def _kill_workers(self, master: int) -> None:
        children = Path(f"/proc/{master}/task/{master}/children").read_text().split()
        for child in children:
            os.kill(int(child), signal.SIGKILL)
