"""Writes that wait at the same moment share a commit, and nothing else."""

from __future__ import annotations

import signal
import sqlite3
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import pytest

from taskhandler.ledger.bootclock import Stamp
from taskhandler.ledger.sqlite import rows
from taskhandler.ledger.sqlite.connections import Connections
from taskhandler.ledger.sqlite.file import BUSY_SECONDS, PAUSES_SECONDS, Database, prepare
from taskhandler.ledger.sqlite.group_commit import GroupCommit, Write
from taskhandler.ledger.sqlite.sweep import Sweep
from taskhandler.ledger.sqlite.write_ahead_log import WriteAheadLog
from taskhandler.ledger.storage import Answer, Key, Stale, Unavailable, Unknown, Written
from tests.ledger.samples import FIRST
from tests.ledger.sqlite.local_storage import Clocks, raw_connection, wait

WRITERS = 8
TIMEOUT_SECONDS = 30.0
STAMP = Stamp("boot-1", 0, 0.0)


class Interrupted(BaseException):
    """What a worker's time-out throws into a thread."""


class Bench:
    """A group commit to the file at `path`, whose leader can be held up while others queue."""

    def __init__(self, path: Path, *, timeout: float = TIMEOUT_SECONDS) -> None:
        prepare(str(path), wait=wait)
        self.path = path
        self.connections = Connections(Database(str(path)))
        self.on_wait: Callable[[], None] = lambda: None
        self.waits = 0
        self.commits = GroupCommit(
            self.connections,
            sweep=Sweep(Clocks().clock(), explain=str),
            write_ahead_log=WriteAheadLog(str(path)),
            wait=self.wait,
            explain=str,
            timeout=timeout,
        )

    def wait(self, seconds: float) -> None:
        self.waits += 1
        self.on_wait()
        wait(seconds)

    def create(self, task: str, *, dead_letter: bytes | None = None) -> Answer:
        key = Key("namespace", "queue", task)
        beside = None if dead_letter is None else ("", dead_letter, *rows.encode_key(key))
        row = rows.encode_row(key, FIRST, STAMP, version=7)
        return self.commits.commit(Write(rows.CREATE, row, version=7, dead_letter=beside))

    def traced(self, seen: Callable[[str], object]) -> None:
        with self.connections.writer() as opened:
            opened.connection.set_trace_callback(seen)

    def tasks(self) -> set[str]:
        with raw_connection(self.path) as connection:
            return {task for (task,) in connection.execute("SELECT task FROM records").fetchall()}


@pytest.fixture
def bench(path: Path) -> Iterator[Bench]:
    bench = Bench(path)
    yield bench
    bench.connections.close()


@contextmanager
def held_up(bench: Bench, *tasks: str) -> Iterator[tuple[list[Future[Answer]], sqlite3.Connection]]:
    """Writers of `tasks`, gathered behind a leader who waits for a lock of somebody else's."""
    with raw_connection(bench.path) as somebody, ThreadPoolExecutor(len(tasks)) as threads:
        somebody.execute("BEGIN IMMEDIATE")
        answers = [threads.submit(bench.create, task) for task in tasks]
        await_queued(bench, len(tasks))
        yield answers, somebody


def await_queued(bench: Bench, writers: int) -> None:
    for _ in range(5000):
        if bench.commits.waiting == writers:
            return
        wait(0.001)
    pytest.fail("the writes do not queue")


def test_a_single_writer_commits_without_waiting(bench: Bench):
    assert all(bench.create(str(number)) == Written(7) for number in range(20))
    assert bench.waits == 0


def test_writes_that_have_queued_share_one_commit(bench: Bench):
    seen: list[str] = []
    bench.traced(seen.append)
    tasks = [str(number) for number in range(WRITERS)]
    with held_up(bench, *tasks) as (answers, somebody):
        somebody.execute("COMMIT")
        assert [answer.result(TIMEOUT_SECONDS) for answer in answers] == [Written(7)] * WRITERS
    assert seen.count("COMMIT") == 1
    assert bench.tasks() == set(tasks)


def test_a_stale_write_does_not_affect_others_of_its_commit(bench: Bench):
    bench.create("there")
    with held_up(bench, "one", "there", "other") as (answers, somebody):
        somebody.execute("COMMIT")
        results = [answer.result(TIMEOUT_SECONDS) for answer in answers]
    assert results == [Written(7), Stale(), Written(7)]
    assert bench.tasks() == {"one", "there", "other"}


def test_a_lock_that_stays_makes_all_queued_writes_unavailable(bench: Bench):
    with held_up(bench, "one", "other") as (answers, _):
        results = [answer.result(TIMEOUT_SECONDS) for answer in answers]
    assert all(isinstance(answer, Unavailable) for answer in results)
    assert bench.tasks() == set()
    assert bench.create("one") == Written(7)


def test_the_pauses_for_a_lock_add_up_to_the_limit():
    assert sum(PAUSES_SECONDS) == pytest.approx(BUSY_SECONDS, abs=0.1)


def test_an_interrupted_leader_answers_its_followers_unknown_and_later_writes_succeed(bench: Bench):
    def interrupt() -> None:
        raise Interrupted

    with held_up(bench, "leader", "other") as (answers, somebody):
        bench.on_wait = interrupt
        errors = [answer.exception(TIMEOUT_SECONDS) for answer in answers]
        assert [type(error) for error in errors].count(Interrupted) == 1
        (result,) = [answer.result() for answer in answers if answer.exception() is None]
        assert isinstance(result, Unknown)
        somebody.execute("COMMIT")
    bench.on_wait = lambda: None
    assert bench.create("after") == Written(7)


def test_a_write_that_no_leader_takes_in_time_is_withdrawn(path: Path):
    bench = Bench(path, timeout=0.05)
    go_on = threading.Event()

    def hang() -> None:
        go_on.wait(TIMEOUT_SECONDS)

    bench.on_wait = hang
    with raw_connection(path) as somebody, ThreadPoolExecutor(1) as thread:
        somebody.execute("BEGIN IMMEDIATE")
        leader = thread.submit(bench.create, "leader")
        await_queued(bench, 1)
        assert isinstance(bench.create("follower"), Unavailable)
        somebody.execute("COMMIT")
        go_on.set()
        assert leader.result(TIMEOUT_SECONDS) == Written(7)
    assert bench.tasks() == {"leader"}
    bench.connections.close()


def test_an_interrupted_follower_withdraws_its_write(bench: Bench):
    def interrupted(*_: object) -> None:
        raise Interrupted

    def signal_the_follower() -> None:
        await_queued(bench, 2)
        signal.pthread_kill(threading.main_thread().ident or 0, signal.SIGUSR1)

    before = signal.signal(signal.SIGUSR1, interrupted)
    try:
        with held_up(bench, "leader") as (answers, somebody), ThreadPoolExecutor(1) as thread:
            signalled = thread.submit(signal_the_follower)
            with pytest.raises(Interrupted):
                bench.create("follower")
            signalled.result(TIMEOUT_SECONDS)
            somebody.execute("COMMIT")
            assert answers[0].result(TIMEOUT_SECONDS) == Written(7)
    finally:
        signal.signal(signal.SIGUSR1, before)
    assert bench.tasks() == {"leader"}


def test_a_commit_to_a_file_that_was_moved_away_meanwhile_is_unknown(bench: Bench):
    def take_away(statement: str) -> None:
        if statement == "COMMIT":
            bench.path.rename(bench.path.with_name("away.db"))

    bench.traced(take_away)
    assert isinstance(bench.create("one"), Unknown)
    assert isinstance(bench.create("other"), Unavailable)


def test_a_full_file_makes_writes_unavailable_until_there_is_space(bench: Bench):
    with bench.connections.writer() as opened:
        opened.connection.execute("PRAGMA max_page_count = 1")
    assert isinstance(bench.create("one", dead_letter=b"x" * 100_000), Unavailable)
    assert bench.tasks() == set()
    assert bench.create("one", dead_letter=b"x" * 100_000) == Written(7)
