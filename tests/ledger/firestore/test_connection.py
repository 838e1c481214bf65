"""One client for each process, made at first use, by one thread, after the fork; and what if that fails."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from google.cloud import firestore

from taskhandler.errors import ConfigError, LedgerError
from taskhandler.ledger.firestore import connection as firestore_connection
from taskhandler.ledger.firestore.connection import LOGGER, Connection
from taskhandler.ledger.firestore.grpc_transport import GrpcTransport
from taskhandler.ledger.firestore.opening import open_firestore
from taskhandler.ledger.firestore.storage import FirestoreStorage
from taskhandler.ledger.storage import Unavailable, Written
from taskhandler.throttled_log import ThrottledLog
from tests.ledger import programs
from tests.ledger.emulator import emulated
from tests.ledger.samples import FIRST, fresh_key
from tests.ledger.sqlite.local_storage import wait

THREADS = 16
FORKING = Path(programs.__file__).with_name("forking.py")


@pytest.fixture
def project() -> Iterator[str]:
    with emulated() as fresh:
        yield fresh


class Maker:
    """Makes clients, and remembers them; raises `error` while there is one, waits for `gate`."""

    def __init__(self, project: str) -> None:
        self.made: list[firestore.Client] = []
        self.error: Exception | None = None
        self.tries = 0
        self.gate = threading.Event()
        self.gate.set()
        self._project = project

    def __call__(self) -> firestore.Client:
        self.tries += 1
        self.gate.wait(30)
        if self.error is not None:
            raise self.error
        self.made.append(firestore.Client(project=self._project))
        return self.made[-1]


@pytest.fixture
def maker(project: str) -> Maker:
    return Maker(project)


class Clock:
    """Seconds that pass when told to."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


def test_concurrent_first_use_makes_one_client(maker: Maker):
    storage = FirestoreStorage(client=maker)
    gate = threading.Barrier(THREADS)

    def use(_: int) -> object:
        gate.wait(30)
        return storage.create(fresh_key(), FIRST)

    with ThreadPoolExecutor(THREADS) as threads:
        answers = list(threads.map(use, range(THREADS)))
    assert all(isinstance(answer, Written) for answer in answers)
    assert len(maker.made) == 1
    storage.close()


def test_no_client_and_no_channel_is_made_before_the_first_use(maker: Maker):
    FirestoreStorage(client=maker).close()
    assert maker.tries == 0


def test_a_warm_up_finds_credentials_but_opens_no_channel(maker: Maker):
    storage = FirestoreStorage(client=maker)
    storage.warm_up()
    assert storage._connection._transport is None  # noqa: SLF001 - nothing else opens a channel
    assert isinstance(storage.create(fresh_key(), FIRST), Written)
    assert len(maker.made) == 1
    storage.close()


def test_a_client_that_takes_long_to_make_is_not_waited_for_past_five_seconds(maker: Maker):
    storage = FirestoreStorage(client=maker)
    maker.gate.clear()
    began = time.monotonic()
    assert storage.create(fresh_key(), FIRST) == Unavailable("Google's client is still being created")
    assert time.monotonic() - began < 5
    maker.gate.set()
    until = time.monotonic() + 30
    while not isinstance(storage.create(fresh_key(), FIRST), Written):
        assert time.monotonic() < until
    assert len(maker.made) == 1
    storage.close()


@pytest.mark.parametrize(
    "error",
    [
        LedgerError("no credentials"),
        ImportError("no such library"),
        AttributeError("of a client that a user makes"),
    ],
)
def test_a_client_that_cannot_be_made_is_logged_once_and_made_again_after_a_pause(
    maker: Maker, error: Exception, caplog: pytest.LogCaptureFixture
):
    clock = Clock()
    storage = FirestoreStorage(client=maker, clock=clock)
    maker.error = error
    answers = [storage.read(fresh_key()) for _ in range(5)]
    assert answers == [Unavailable(str(error))] * 5
    with pytest.raises(LedgerError, match=str(error)):
        storage.batch()
    assert maker.tries == 1
    assert len(caplog.messages) == 1
    assert "GOOGLE_CLOUD_PROJECT" in caplog.messages[0]
    maker.error = None
    clock.now += firestore_connection.RETRY_SECONDS
    assert storage.read(fresh_key()) is None
    storage.close()


def test_a_transport_that_cannot_be_opened_is_logged_and_opened_again_after_a_pause(
    maker: Maker, caplog: pytest.LogCaptureFixture
):
    opened: list[GrpcTransport] = []

    def open_transport(client: firestore.Client) -> GrpcTransport:
        if clock.now == before:
            raise ValueError
        opened.append(GrpcTransport(client))
        return opened[-1]

    clock = Clock()
    before = clock.now
    connection = Connection(maker, open_transport, clock=clock, log=ThrottledLog(LOGGER, clock=clock))
    assert [connection.connect(timeout=30) for _ in range(2)] == [Unavailable("ValueError")] * 2
    assert len(caplog.messages) == 1
    clock.now += firestore_connection.RETRY_SECONDS
    assert connection.connect(timeout=30) == opened[0]
    assert len(maker.made) == 1
    connection.close()


def test_a_thread_that_cannot_start_is_unavailable_and_is_started_by_a_later_call():
    done = output_of(
        "import threading\n"
        "storage = open_storage('firestore://shop-1')\n"
        "start = threading.Thread.start\n"
        'def refuse(thread): raise RuntimeError("can\'t start new thread")\n'
        "threading.Thread.start = refuse\n"
        "print([storage.read(KEY).why for _ in range(2)])\n"
        "threading.Thread.start = start\n"
        "print('thread' in storage.read(KEY).why)",
        **os.environ | {"FIRESTORE_EMULATOR_HOST": "127.0.0.1:1"},
    )
    refused = "no thread can be started to make Google's client"
    assert done.stdout.splitlines() == [str([refused, refused]), "False"]


def output_of(program: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """What a program says that may use `open_storage` and `KEY`."""
    prelude = (
        "import os, sys, time\n"
        "from taskhandler.errors import ConfigError\n"
        "from taskhandler.ledger.opening import open_storage\n"
        "from taskhandler.ledger.storage import Key\n"
        "KEY = Key('n', 'q', 't')\n"
    )
    command = [sys.executable, "-c", prelude + program]
    return subprocess.run(
        command, capture_output=True, text=True, check=True, timeout=90, env=environment or None
    )


def test_missing_credentials_are_unavailable_within_five_seconds(tmp_path: Path):
    program = (
        "storage = open_storage('firestore:///')\n"
        "began = time.monotonic()\n"
        "print(type(storage.read(KEY)).__name__, time.monotonic() - began < 5)"
    )
    nowhere = str(tmp_path / "none.json")
    done = output_of(program, GOOGLE_APPLICATION_CREDENTIALS=nowhere, HOME=str(tmp_path))
    assert done.stdout.strip() == "Unavailable True"


def test_missing_credentials_are_logged_with_the_remedy(tmp_path: Path):
    nowhere = str(tmp_path / "none.json")
    done = output_of(
        "open_storage('firestore:///?warm=1')", GOOGLE_APPLICATION_CREDENTIALS=nowhere, HOME=str(tmp_path)
    )
    assert done.stderr.count("The Firestore ledger is unavailable") == 1
    assert nowhere in done.stderr
    assert "FIRESTORE_EMULATOR_HOST" in done.stderr


def test_a_missing_library_is_an_error_when_the_ledger_is_opened():
    done = output_of(
        "sys.modules['google.cloud.firestore'] = None\n"
        "try: open_storage('firestore://shop-1')\n"
        "except ConfigError as error: print(error)"
    )
    assert 'pip install "flask-taskhandler[firestore]"' in done.stdout


def test_a_wrong_url_is_an_error_when_the_ledger_is_opened():
    with pytest.raises(ConfigError):
        open_firestore("firestore://shop-1/ledger/tasks/more")


def test_a_child_of_a_process_that_used_the_ledger_goes_on_and_warns(project: str):
    done = forked(f"firestore://{project}?warm=1")
    assert done.stdout.strip() == "1 children, 0 threads"
    assert done.stderr.count("gRPC was used before this process was forked") == 1


def forked(url: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, str(FORKING), url, "0", "1"]
    return subprocess.run(command, capture_output=True, text=True, check=True, timeout=90)


def test_a_child_of_a_process_that_only_warmed_up_does_not_warn(project: str):
    done = output_of(
        f"storage = open_storage('firestore://{project}?warm=1')\n"
        "child = os.fork()\n"
        "if not child: os._exit(0 if storage.read(KEY) is None else 1)\n"
        "print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), storage.read(KEY))",
        **os.environ,
    )
    assert done.stdout.strip() == "0 None"
    assert "before this process was forked" not in done.stderr


def test_a_fork_waits_for_a_client_that_is_being_made(maker: Maker):
    log = ThrottledLog(LOGGER, clock=time.monotonic)
    connection = Connection(maker, GrpcTransport, clock=time.monotonic, log=log)
    maker.gate.clear()
    with ThreadPoolExecutor(2) as threads:
        using = threads.submit(connection.connect, timeout=30)
        while not maker.tries:
            wait(0.01)
        resting = threads.submit(connection.before_fork)
        wait(0.1)
        assert not resting.done()
        maker.gate.set()
        resting.result(30)
        connection.after_fork_in_parent()
        assert isinstance(using.result(30), GrpcTransport)
    connection.close()
