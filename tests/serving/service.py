"""A real gunicorn with the tests' app, and what can be seen of it from outside."""

from __future__ import annotations

import itertools
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from types import TracebackType

from taskhandler.devqueue import LocalQueue
from taskhandler.ledger.opening import open_storage
from taskhandler.ledger.storage import Key, Unavailable
from taskhandler.lifecycle.record import TERMINAL, Record, State
from tests.mirror import ROOT
from tests.serving import effects
from tests.serving.effects import Effect

ACCOUNT = "queue@serving.iam.gserviceaccount.com"
APP = "tests.serving.app:app"
HERE = "projects/serving/locations/here"
NUMBER = itertools.count()
TIMEOUT_SECONDS = 60.0
"""Seconds after which a test gives up: a guard against hanging, on which no assertion depends."""
SYNC = ("--worker-class", "sync")
THREADS = ("--worker-class", "gthread", "--threads", "8")


class Service:
    """The tests' app under gunicorn, for as long as the `with` block lasts.

    It listens on a socket that is the test's: connections made while it is down wait until it is up again.

    Args:
        folder: for its ledger, its log, its effects and its gates.
        queue: whose tokens it believes.
        options: of gunicorn, beside those that every service has.
        settings: environment variables.
    """

    def __init__(self, folder: Path, queue: LocalQueue, *options: str, **settings: str) -> None:
        self.folder = folder
        self.queue = queue
        self.listener = socket.create_server(("127.0.0.1", 0), backlog=256)
        self.port = int(self.listener.getsockname()[1])
        self.target = f"http://127.0.0.1:{self.port}/tasks"
        name = f"{HERE}/queues/s{next(NUMBER)}"  # ports come again
        self.queue_name = queue.create_queue(name, min_backoff=0.1, max_backoff=0.5)
        self.ledger = folder / "ledger" / "ledger.db"
        self.log = folder / "log"
        self._options = options
        self._settings = self._usual() | settings
        self._gunicorn: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Service:  # noqa: PYI034 - typing.Self is not in Python 3.10
        """Start."""
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stop, whatever state it is in, and print its log, which pytest shows after a failure."""
        for pid in self.workers():
            _send(pid, signal.SIGCONT)
        self.kill()
        self.listener.close()
        sys.stdout.write(f"\n{self.log.read_text(errors='replace')[-8000:]}\n")

    def start(self, *options: str) -> None:
        """Start gunicorn, with these options beside its own."""
        listening = ("--bind", f"fd://{self.listener.fileno()}", "--no-control-socket")
        usual = ("--graceful-timeout", "8", "--worker-tmp-dir", "/dev/shm")  # noqa: S108 - gunicorn's own advice
        with self.log.open("ab") as log:
            self._gunicorn = subprocess.Popen(
                [sys.executable, "-m", "gunicorn", APP, *listening, *usual, *self._options, *options],
                cwd=ROOT,
                env=os.environ | self._settings,
                pass_fds=[self.listener.fileno()],
                stdout=log,
                stderr=log,
            )

    @property
    def gunicorn(self) -> subprocess.Popen[bytes]:
        """Its master process."""
        assert self._gunicorn is not None
        return self._gunicorn

    def workers(self) -> list[int]:
        """The process ids of its workers, as far as they have been started."""
        if self._gunicorn is None or self._gunicorn.poll() is not None:
            return []
        pid = self._gunicorn.pid
        try:
            return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
        except FileNotFoundError:  # it has just ended
            return []

    def stop(self) -> int:
        """Let it end as it wants to; its exit status."""
        self.gunicorn.terminate()
        return self.gunicorn.wait(TIMEOUT_SECONDS)

    def kill(self) -> None:
        """End all of it at once, as a machine that is switched off does."""
        if self._gunicorn is None:
            return
        if self._gunicorn.poll() is None:
            self._gunicorn.send_signal(signal.SIGSTOP)  # else it replaces the workers meanwhile
        for pid in self.workers():
            _send(pid, signal.SIGKILL)
        self._gunicorn.kill()
        self._gunicorn.wait(TIMEOUT_SECONDS)

    def open(self, gate: str) -> None:
        """Let the handlers go on that wait at this gate; a task's own is called like the task."""
        (self.folder / f"{gate}.gate").touch()

    def record(self, task: str) -> Record | None:
        """What the ledger holds of a task, as another process sees it."""
        storage = open_storage(f"sqlite:///{self.ledger}")
        try:
            found = storage.read(Key("serving/here", self.queue_name.rpartition("/")[2], task))
        finally:
            storage.close()
        assert not isinstance(found, Unavailable), found
        return None if found is None else found.record

    def recorded(self, task: str) -> Record:
        """The same, of a task that there must be."""
        record = self.record(task)
        assert record is not None
        return record

    def state(self, task: str) -> State | None:
        """What has become of a task; None if the ledger does not know it."""
        record = self.record(task)
        return None if record is None else record.state

    def ended(self, *tasks: str) -> bool:
        """Whether all of these have ended."""
        return all(self.state(task) in TERMINAL for task in tasks)

    def effects(self, what: str, task: str = "") -> list[Effect]:
        """What has been done so far: of this kind, for this task or for all."""
        done = effects.read(self.folder / "effects")
        return [effect for effect in done if effect.what == what and task in {"", effect.task}]

    def until(self, held: Callable[[], object]) -> None:
        """Wait until something holds; fail if it does not in time."""
        deadline = time.monotonic() + TIMEOUT_SECONDS
        while not held():
            assert time.monotonic() < deadline, "it does not hold in time"
            threading.Event().wait(0.02)

    def answers(self, task: str) -> list[object]:
        """What the deliveries of a task were answered, as its queue has it; None: not (yet) answered."""
        attempts = self.queue.attempts(task)
        return [entry["status"] for entry in attempts if entry["queue"] == self.queue_name]

    def begun(self, task: str, attempt: int = 1) -> Effect:
        """Wait until an attempt has begun."""
        self.until(lambda: len(self.effects("begun", task)) >= attempt)
        return self.effects("begun", task)[attempt - 1]

    def _usual(self) -> dict[str, str]:
        return {
            "SERVING_FOLDER": str(self.folder),
            "SERVING_AUTHORIZATION": f"Bearer {self.queue.token(email=ACCOUNT, audience=self.target)}",
            "TASKHANDLER_LEDGER": f"sqlite:///{self.ledger}",
            "TASKHANDLER_LEASE": "1",
            "TASKHANDLER_RETRY_AFTER": "1",
            "TASKHANDLER_CERTS_URL": self.queue.certs_url,
            "TASK_TARGET_URL": self.target,
            "TASK_SERVICE_ACCOUNT_EMAIL": ACCOUNT,
            "GCP_PROJECT_ID": "serving",
            "GCP_LOCATION_ID": "here",
            "GCP_TASK_QUEUE_ID": self.queue_name.rpartition("/")[2],
            "CLOUD_TASKS_EMULATOR_HOST": self.queue.address,
        }


def _send(pid: int, number: signal.Signals) -> None:
    with suppress(ProcessLookupError):  # it may end by itself at any time
        os.kill(pid, number)
