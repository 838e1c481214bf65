"""The stage: a local queue, and the shop under gunicorn with several workers and one ledger."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import tempfile
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from examples.demo.ledgers import ledger
from taskhandler.devqueue import LocalQueue

ACCOUNT = "queue@demo.iam.gserviceaccount.com"
QUEUE = "projects/demo/locations/here/queues/shop"
WORKERS = 3
THREADS = 4
SERVER_TIMEOUT_SECONDS = 30.0
HOME = Path(__file__).parents[2]


@dataclass(frozen=True)
class Stage:
    """Everything that is up."""

    queue: LocalQueue
    target: str
    effects: Path
    ledger: str
    log: Path
    server: subprocess.Popen[bytes]


@contextmanager
def stage(kind: str) -> Iterator[Stage]:
    """Put everything up, with a ledger of this kind, and take it down again whatever happens."""
    with (
        tempfile.TemporaryDirectory(prefix="taskhandler-demo-") as name,
        ledger(kind, folder := Path(name)) as url,
        LocalQueue(seed=7) as queue,
    ):
        queue.create_queue(QUEUE, max_concurrent_dispatches=40, min_backoff=0.2, max_backoff=2.0)
        with socket.create_server(("127.0.0.1", 0), backlog=256) as listener:
            target = f"http://127.0.0.1:{listener.getsockname()[1]}/tasks"
            effects, log = folder / "effects.jsonl", folder / "shop.log"
            settings = _settings(queue, target, url, effects)
            with log.open("wb") as lines:
                server = _serve(listener, settings, lines.fileno())
            try:
                _await(target.removesuffix("tasks"), server, log)
                yield Stage(queue, target, effects, url, log, server)
            finally:
                _end(server)


def _settings(queue: LocalQueue, target: str, ledger: str, effects: Path) -> dict[str, str]:
    _, project, _, location, _, queue_id = QUEUE.split("/")
    return {
        "TASKHANDLER_LEDGER": ledger,
        "TASKHANDLER_LEASE": "3",
        "TASKHANDLER_RETRY_AFTER": "1",
        "TASKHANDLER_CERTS_URL": queue.certs_url,
        "TASK_TARGET_URL": target,
        "TASK_SERVICE_ACCOUNT_EMAIL": ACCOUNT,
        "GCP_PROJECT_ID": project,
        "GCP_LOCATION_ID": location,
        "GCP_TASK_QUEUE_ID": queue_id,
        "CLOUD_TASKS_EMULATOR_HOST": queue.address,
        "SHOP_EFFECTS": str(effects),
    }


def _serve(listener: socket.socket, settings: dict[str, str], log: int) -> subprocess.Popen[bytes]:
    gunicorn = [sys.executable, "-m", "gunicorn", "examples.shop.app:app", "--worker-class", "gthread"]
    size = ["--workers", str(WORKERS), "--threads", str(THREADS), "--graceful-timeout", "5"]
    return subprocess.Popen(  # noqa: S603 - our own command line
        [*gunicorn, *size, "--bind", f"fd://{listener.fileno()}", "--no-control-socket"],
        cwd=HOME,
        env={**os.environ, **settings},
        pass_fds=[listener.fileno()],
        stdout=log,
        stderr=log,
    )


def _await(url: str, server: subprocess.Popen[bytes], log: Path) -> None:
    try:
        with urllib.request.urlopen(url, timeout=SERVER_TIMEOUT_SECONDS):  # noqa: S310 - our own address; waits in the backlog
            return
    except OSError as error:
        server.poll()
        raise RuntimeError(f"the shop does not open: {log.read_text()[-2000:]}") from error


def _end(server: subprocess.Popen[bytes]) -> None:
    server.send_signal(signal.SIGTERM)
    try:
        server.wait(timeout=SERVER_TIMEOUT_SECONDS)
    except subprocess.TimeoutExpired:
        server.kill()
        server.wait()
