"""The stage of a play: queue → HTTP proxy → gunicorn → TCP proxy → ledger, and beside them the oracle."""

from __future__ import annotations

import secrets
import signal
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from types import TracebackType

from msgspec import Struct

from taskhandler.devqueue import LocalQueue
from taskhandler.ledger.opening import open_storage
from tests.auth.issuer import Publisher
from tests.faults import journal
from tests.faults.gunicorn import Gunicorn
from tests.faults.http_proxy import HTTPProxy
from tests.faults.journal import Event, Report, See
from tests.faults.oracle_client import OracleClient
from tests.faults.relay import Relay
from tests.faults.tcp_proxy import Proxy
from tests.faults.wrong_clock import WrongClock
from tests.mirror import ROOT

ACCOUNT = "queue@bench.iam.gserviceaccount.com"
LOCATION = "projects/bench/locations/here"
LEASE_SECONDS = 1.5
TIMEOUT_SECONDS = 20.0


class Setup(Struct, frozen=True, kw_only=True):
    """What a stage is made of. Plays that need the same one may share it.

    Attributes:
        kind: gunicorn's worker class.
        workers: processes.
        threads: of each.
        settings: of taskhandler, as pairs, beside the usual ones.
        relayed: whether calls to Firestore go through a relay, which can answer them itself.
        revisions: of the app; each is a gunicorn of its own.
        clocks: whether each revision has a wall clock that can be set.
        certificates: whether the address of the certificates can be made to hang, see `Stage.certificates`.
    """

    kind: str = "gthread"
    workers: int = 3
    threads: int = 4
    settings: tuple[tuple[str, str], ...] = ()
    relayed: bool = False
    revisions: tuple[str, ...] = ("1",)
    clocks: bool = False
    certificates: bool = False

    @property
    def options(self) -> tuple[str, ...]:
        """Gunicorn's."""
        threads = ("--threads", str(self.threads)) if self.kind == "gthread" else ()
        return ("--worker-class", self.kind, "--workers", str(self.workers), *threads)


class Site(Struct, frozen=True):
    """Where the ledger is: its URL, the way there, and what its clients must have in their environment."""

    url: str
    proxy: Proxy | None = None
    relay: Relay | None = None

    @property
    def environ(self) -> dict[str, str]:
        """For a client that is to go through the proxy."""
        return {} if self.proxy is None else {"FIRESTORE_EMULATOR_HOST": self.proxy.address}


class Stage:
    """Everything that is up while the `with` block lasts.

    Args:
        setup: what it is made of.
        emulator: the address of the Firestore emulator; empty for a SQLite ledger.
        sabotage: what is weakened in the product, see `sabotage`.
        seed: of the queue.
    """

    def __init__(self, setup: Setup, *, emulator: str = "", sabotage: str = "", seed: int = 0) -> None:
        self.setup = setup
        self._emulator = emulator
        self._sabotage = sabotage
        self._stack = ExitStack()
        self.queue = LocalQueue(seed=seed)
        self.http_proxy = HTTPProxy()
        self.servers: list[Gunicorn] = []
        self.certificates: Publisher | None = None
        self._clocks: list[WrongClock] = []

    def __enter__(self) -> Stage:  # noqa: PYI034 - Self is not in Python 3.10
        """Put everything up."""
        with ExitStack() as stack:
            self.folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="taskhandler-faults-")))
            stack.enter_context(self.queue)
            stack.enter_context(self.http_proxy)
            self.target = f"http://127.0.0.1:{self.http_proxy.port}/tasks"
            self.site = stack.enter_context(_site(self.folder, self._emulator, relayed=self.setup.relayed))
            self.oracle = OracleClient(stack.enter_context(_oracle(self.folder / "journal")))
            if self.setup.certificates:
                self.certificates = stack.enter_context(_published(self.queue.certs_url))
            self.ledger = open_storage(self.site.url)
            stack.callback(self.ledger.close)
            for number, revision in enumerate(self.setup.revisions):
                self.servers.append(self._server(number, revision))
                stack.callback(self.servers[-1].close)
                self.servers[-1].start()
            self._wait()
            self._stack = stack.pop_all()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Take everything down, whatever state it is in."""
        self._stack.close()

    @property
    def server(self) -> Gunicorn:
        """The gunicorn of a stage that has only one."""
        return self.servers[0]

    def workers(self) -> list[int]:
        """The process ids of all workers."""
        return [pid for server in self.servers for pid in server.workers()]

    def signal(self, pid: int, what: signal.Signals) -> bool:
        """Send a signal to a worker, and have the oracle write it down first."""
        self.note(what.name, pid=pid)
        return any(server.signal(pid, what) for server in self.servers)

    def note(self, said: str, task: str = "", *, pid: int = 0) -> None:
        """Have the oracle write down what the bench does."""
        self.oracle.ask(Report(Event(what="bench", said=said, task=task, pid=pid)))

    def events(self, start: int = 0) -> list[Event]:
        """The oracle's journal from byte `start` on."""
        return journal.read(self.folder / "journal", start=start)

    def written(self) -> int:
        """How many bytes the journal has."""
        return (self.folder / "journal").stat().st_size

    def set_clock(self, number: int, seconds: int) -> None:
        """Set the wall clock of a revision's workers so far ahead of the right time."""
        self.note(f"clock {seconds:+d} s")
        self._clocks[number].set(seconds)

    def whole(self) -> bool:
        """Wait until all workers are there and ready; whether it came to that."""
        until = time.monotonic() + TIMEOUT_SECONDS
        while not self._is_whole():
            if time.monotonic() > until:
                return False
            threading.Event().wait(0.02)
        return True

    def _is_whole(self) -> bool:
        workers = set(self.workers())
        ups = {event.pid for event in self.oracle.ask(See(what="up", task="", count=0, timeout=0)).seen}
        return len(workers) == self.setup.workers * len(self.servers) and workers <= ups

    def _wait(self) -> None:
        for server in self.servers:
            server.wait()
        self.whole()
        self.http_proxy.lead_to(*(server.port for server in self.servers))

    def _server(self, number: int, revision: str) -> Gunicorn:
        settings = {
            "BENCH_ORACLE": str(self.port),
            "BENCH_REVISION": revision,
            "SABOTAGE": self._sabotage,
            "TASKHANDLER_LEDGER": self.site.url,
            "TASKHANDLER_LEASE": str(LEASE_SECONDS),
            "TASKHANDLER_RETRY_AFTER": "1",
            "TASKHANDLER_CERTS_URL": getattr(self.certificates, "url", self.queue.certs_url),
            "TASK_TARGET_URL": self.target,
            "TASK_SERVICE_ACCOUNT_EMAIL": ACCOUNT,
            "GCP_PROJECT_ID": "bench",
            "GCP_LOCATION_ID": "here",
        }
        if self.setup.clocks:
            self._clocks.append(WrongClock(self.folder, number))
        faked = self._clocks[number].environ if self.setup.clocks else {}
        whole = settings | self.site.environ | dict(self.setup.settings) | faked
        return Gunicorn(self.setup.options, whole, self.folder / f"log-{number}")

    @property
    def port(self) -> int:
        """The oracle's."""
        return self.oracle.port


@contextmanager
def _published(url: str) -> Iterator[Publisher]:
    """The certificates that are at `url`, at another address."""
    publisher = Publisher()
    with urllib.request.urlopen(url) as answer:  # noqa: S310 - our own address
        publisher.body = answer.read()
    with publisher:
        yield publisher


@contextmanager
def _oracle(file: Path) -> Iterator[int]:
    """The oracle's port."""
    file.touch()
    program = [sys.executable, "-m", "tests.faults.oracle", str(file)]
    with subprocess.Popen(program, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        if process.stdout is None or process.stdin is None:
            raise RuntimeError("the oracle has no voice")
        try:
            yield int(process.stdout.readline())
        finally:
            process.stdin.close()
            process.kill()


@contextmanager
def _site(folder: Path, emulator: str, *, relayed: bool) -> Iterator[Site]:
    if not emulator:
        yield Site(f"sqlite://{folder}/ledger.db")
        return
    with ExitStack() as stack:
        relay = stack.enter_context(Relay(emulator)) if relayed else None
        proxy = stack.enter_context(Proxy(emulator if relay is None else relay.address))
        yield Site(f"firestore://b{secrets.token_hex(8)}?warm=1", proxy, relay)
