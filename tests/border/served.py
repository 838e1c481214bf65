"""A server of the matrix as it runs: what it answers, what its ledger holds, what its apps have done."""

from __future__ import annotations

import contextlib
import io
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from functools import cache
from pathlib import Path
from types import TracebackType

from werkzeug.test import EnvironBuilder
from werkzeug.wrappers import Request

from taskhandler.ledger.opening import open_storage
from taskhandler.ledger.storage import Key, Unavailable
from taskhandler.lifecycle.record import Record, State
from tests.auth.issuer import ACCOUNT, AUDIENCE, Publisher, bearer
from tests.border.app import CustomizedApps
from tests.border.servers import Server
from tests.mirror import ROOT
from tests.serving import effects
from tests.serving.effects import Effect
from tests.serving.raw_http import Line, Said, converse, request

TIMEOUT_SECONDS = 30.0
QUEUE = "border"
PING = b"GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"


class Served:
    """A server with the apps of all customizations, for as long as the `with` block lasts.

    Args:
        server: which one.
        folder: for the ledger, the log and what the apps write down.
        publisher: of the certificates that the apps believe.
    """

    def __init__(self, server: Server, folder: Path, publisher: Publisher) -> None:
        self.server = server
        self.folder = folder
        self.ledger = (
            f"sqlite:///{folder}/ledger.db?synchronous=normal"  # what is lost is only what a machine loses
        )
        self.log = folder / "log"
        self.port = 0
        self.process: subprocess.Popen[bytes] | None = None
        self.settings = {
            "BORDER_FOLDER": str(folder),
            "TASKHANDLER_AUDIENCE": AUDIENCE,
            "TASKHANDLER_SERVICE_ACCOUNTS": ACCOUNT,
            "TASKHANDLER_CERTS_URL": publisher.url,
            "TASKHANDLER_LEDGER": self.ledger,
            "TASKHANDLER_LEASE": "1",
            "TASKHANDLER_RETRY_AFTER": "1",
        }
        self.in_process = CustomizedApps(self.settings)
        self._storage = open_storage(self.ledger)

    def __enter__(self) -> Served:  # noqa: PYI034 - typing.Self is not in Python 3.10
        """Start."""
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stop, and print the log, which pytest shows after a failure."""
        self.kill()
        self.in_process.close()
        self._storage.close()
        if self.log.exists():
            sys.stdout.write(f"\n{self.log.read_text(errors='replace')[-8000:]}\n")

    def start(self) -> None:
        """Start it, and wait until it answers."""
        command = self.server.command
        if command is None:
            return
        self.port = _free_port()
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                command(self.port),
                cwd=ROOT,
                env=os.environ | self.settings,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        self.until(self._answers)

    def terminate(self) -> None:
        """Tell it to stop."""
        assert self.process is not None
        self.process.terminate()

    def wait(self) -> None:
        """Wait until it has stopped."""
        assert self.process is not None
        self.process.wait(TIMEOUT_SECONDS)
        self.kill()

    def kill(self) -> None:
        """End it and all of its processes at once."""
        if self.process is not None:
            _kill_group(self.process.pid)
            self.process.wait(TIMEOUT_SECONDS)
            self.process = None

    def exchange(self, sent: bytes, *, hang_up: bool = False) -> list[Said]:
        """Send the bytes of a request; the answer, or none if the connection was closed without."""
        if self.server.command is None:
            return [self._through_the_test_client(sent)]
        return converse(self.port, sent, hang_up=hang_up, count=1)

    def send_and_leave(self, sent: bytes) -> None:
        """Send the bytes of a request, and close the connection without waiting for an answer."""
        with socket.create_connection(("127.0.0.1", self.port), timeout=TIMEOUT_SECONDS) as connection:
            connection.sendall(sent)

    def deliver(
        self,
        task: str,
        body: bytes = b"null",
        *,
        handler: str = "note",
        customization: str = "nothing",
        path: str | None = None,
        method: str = "POST",
        **changed: str | None,
    ) -> Said:
        """Deliver a task, with some of its headers changed (underscores for hyphens) or left out."""
        sent = lines(task, customization=customization, **changed)
        asked = request(sent, body, path=f"/tasks/{handler}" if path is None else path, method=method)
        (said,) = self.exchange(asked)
        return said

    def record(self, task: str) -> Record | None:
        """What the ledger holds of a task, as another process sees it."""
        found = self._storage.read(Key("", QUEUE, task))
        assert not isinstance(found, Unavailable), found
        return None if found is None else found.record

    def state(self, task: str) -> State | None:
        """What has become of a task; None if the ledger does not know it."""
        record = self.record(task)
        return None if record is None else record.state

    def effects(self, what: str, task: str) -> list[Effect]:
        """What was done of this kind for this task."""
        done = effects.read(self.folder / f"{task}.effects")
        return [effect for effect in done if effect.what == what]

    def open(self, task: str) -> None:
        """Let the handler of this task go on that waits for it."""
        (self.folder / f"{task}.gate").touch()

    def until(self, held: Callable[[], object], *, seconds: float = TIMEOUT_SECONDS) -> None:
        """Wait until something holds; fail if it does not in time."""
        deadline = time.monotonic() + seconds
        while not held():
            assert time.monotonic() < deadline, "it does not hold in time"
            threading.Event().wait(0.02)

    def _answers(self) -> bool:
        assert self.process is not None
        assert self.process.poll() is None, self.log.read_text(errors="replace")[-4000:]
        try:
            said = converse(self.port, PING, count=1)
        except OSError:
            return False
        return [answer.status for answer in said] == [200]

    def _through_the_test_client(self, sent: bytes) -> Said:
        head, _, body = sent.partition(b"\r\n\r\n")
        first, *fields = head.decode("latin-1").split("\r\n")
        method, path, _ = first.split(" ")
        headers = [(name, value) for name, _, value in (field.partition(": ") for field in fields)]
        environ = EnvironBuilder(path, method=method, headers=headers).get_environ()
        environ["wsgi.input"] = io.BytesIO(body)
        environ["CONTENT_LENGTH"] = dict(headers).get("Content-Length", "")
        environ["CONTENT_TYPE"] = dict(headers)["Content-Type"]
        client = self.in_process.app(environ["HTTP_X_CUSTOMIZATION"]).test_client()
        answer = client.open(Request(environ))  # a plain environ would be given the length of its stream
        outcome = answer.headers.get("X-TaskHandler-Outcome", "")
        return Said(answer.status_code, outcome, str(answer.headers), answer.text)


def lines(task: str, *, customization: str = "nothing", **changed: str | None) -> list[Line]:
    """The headers of a good delivery, with some of them (underscores for hyphens) changed or left out."""
    sent = {
        "Host": "x",
        "Connection": "close",
        "Authorization": good_credential(),
        "Content-Type": "application/octet-stream",
        "X-CloudTasks-QueueName": QUEUE,
        "X-CloudTasks-TaskName": task,
        "X-CloudTasks-TaskRetryCount": "0",
        "X-CloudTasks-TaskExecutionCount": "0",
        "X-Customization": customization,
    }
    sent |= {name.replace("_", "-"): value for name, value in changed.items() if value is not None}
    gone = {name.replace("_", "-") for name, value in changed.items() if value is None}
    return [(name, value) for name, value in sent.items() if name not in gone]


@cache
def good_credential() -> str:
    """One for the whole run, as Cloud Tasks uses a token for many deliveries."""
    return bearer()


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])


def _kill_group(pid: int) -> None:
    with contextlib.suppress(ProcessLookupError):  # all of it has ended
        os.killpg(pid, signal.SIGKILL)
