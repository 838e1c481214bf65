"""Apps of the benchmarks under a real gunicorn, on a free port of this machine."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from msgspec import Struct

ROOT = Path(__file__).parents[2]


class Server(Struct, frozen=True):
    """A gunicorn that is up: its port, and the process id of its master."""

    port: int
    pid: int

    def cpu_seconds(self) -> float:
        """Processor time that its workers have used."""
        return sum(_cpu_seconds(pid) for pid in self._workers())

    def _workers(self) -> list[str]:
        return Path(f"/proc/{self.pid}/task/{self.pid}/children").read_text("ascii").split()


@contextmanager
def served(app: str, environment: Mapping[str, str], *, workers: int, threads: int) -> Iterator[Server]:
    """Serve `app`, as `module:factory()`, while the `with` block lasts."""
    with socket.create_server(("127.0.0.1", 0), backlog=256) as listener:
        size = ["--worker-class", "gthread", "--workers", str(workers), "--threads", str(threads)]
        listening = ["--bind", f"fd://{listener.fileno()}", "--no-control-socket", "--keep-alive", "60"]
        server = subprocess.Popen(
            [sys.executable, "-m", "gunicorn", app, "--log-level", "error", *size, *listening],
            cwd=ROOT,
            env={**os.environ, **environment},
            pass_fds=[listener.fileno()],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        try:
            yield Server(listener.getsockname()[1], server.pid)
        finally:
            server.terminate()
            server.wait(30)


def _cpu_seconds(pid: str) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text("ascii").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
