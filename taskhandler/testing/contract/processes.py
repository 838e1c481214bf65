"""What holds for processes: those forked off, those on the same ledger, those that are killed or stopped."""

from __future__ import annotations

import signal
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

import pytest

from taskhandler.ledger.storage import Key, Stale, Storage, TaskBody
from taskhandler.testing.contract.fixtures import Fixtures
from taskhandler.testing.contract.samples import FIRST, SECOND, THIRD, fresh_key, read, written
from taskhandler.testing.programs.racing import SHARED
from taskhandler.testing.programs.start import TIMEOUT_SECONDS, output_of, resolve, start

PROCESSES = 4
RECORDS = 60
THREADS = 4

CALL_SECONDS = 5.0
"""What a call may take, by the contract."""

BUSY_SECONDS = 10.0
"""More, for a machine that is busy with other things."""


class Processes(Fixtures):
    """Several processes on one ledger, unless `is_joint` is false."""

    def test_a_forked_child_goes_on_with_a_storage_that_its_parent_used(self, url: str) -> None:
        assert output_of("forking", self.opener, url, 0, 2) == "2 children, 0 threads"

    def test_another_storage_of_the_ledger_shows_at_once_what_was_written(
        self, storage: Storage, url: str
    ) -> None:
        self._need_other_processes()
        other, key, body = resolve(self.opener)(url), fresh_key(), TaskBody(b"body", "text/plain")
        version = written(storage.create(key, FIRST, dead_letter=body)).version
        seen = read(other, key)
        assert (seen.record, seen.version, other.dead_letter(key)) == (FIRST, version, body)
        read(storage, key)
        written(other.replace(key, SECOND, seen.version))
        assert read(storage, key).record == SECOND
        assert storage.replace(key, THIRD, version) == Stale()
        other.close()

    def test_processes_create_each_record_once_and_lose_no_amendment(
        self, storage: Storage, url: str
    ) -> None:
        self._need_other_processes()
        with ThreadPoolExecutor(PROCESSES) as racers:
            outputs = list(
                racers.map(lambda _: output_of("racing", self.opener, url, RECORDS), range(PROCESSES))
            )
        assert read(storage, SHARED).record.heartbeats == PROCESSES * RECORDS
        assert sum(int(created) for created in outputs) == RECORDS

    @pytest.mark.parametrize("lines", [1, 40, 300])
    def test_a_write_that_was_answered_before_its_process_was_killed_is_kept(
        self, storage: Storage, url: str, lines: int
    ) -> None:
        self._need_other_processes()
        with self._writer(url) as writer:
            assert writer.stdout is not None
            printed = [writer.stdout.readline() for _ in range(lines)]
            writer.send_signal(signal.SIGKILL)
            printed += writer.stdout.readlines()
        tasks = [line.strip() for line in printed if line.endswith("\n")]
        assert len(tasks) >= lines
        assert [task for task in tasks if storage.read(_key(task)) is None] == []
        written(storage.create(_key("after"), FIRST))

    def test_a_stopped_process_delays_no_call_beyond_its_limit(self, storage: Storage, url: str) -> None:
        self._need_other_processes()
        key = fresh_key()
        version = written(storage.create(key, FIRST)).version
        calls: list[Callable[[], object]] = [
            lambda: storage.read(key),
            lambda: storage.create(fresh_key(), FIRST),
            lambda: storage.replace(key, SECOND, version),
            lambda: storage.dead_letter(key),
        ]
        with self._writer(url) as writer:
            assert writer.stdout is not None
            writer.stdout.readline()
            for _ in range(3):  # a stop finds it within a write, where it has the lock if there is one
                writer.send_signal(signal.SIGSTOP)
                assert _slowest_seconds(calls) < CALL_SECONDS + BUSY_SECONDS
                writer.send_signal(signal.SIGCONT)

    def _need_other_processes(self) -> None:
        if not self.is_joint:
            pytest.skip("this storage is for one process: is_joint is False")

    @contextmanager
    def _writer(self, url: str) -> Iterator[subprocess.Popen[str]]:
        with start("writing", self.opener, url, THREADS) as writer:
            try:
                yield writer
            finally:
                writer.kill()
                writer.wait(TIMEOUT_SECONDS)


def _slowest_seconds(calls: list[Callable[[], object]]) -> float:
    """What the slowest of the calls takes, each in a thread of its own; infinite if it does not return."""
    taken = dict.fromkeys(range(len(calls)), float("inf"))

    def measure(number: int) -> None:
        begun = time.monotonic()
        calls[number]()
        taken[number] = time.monotonic() - begun

    threads = [threading.Thread(target=measure, args=(number,), daemon=True) for number in taken]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(CALL_SECONDS + BUSY_SECONDS)
    return max(taken.values())


def _key(task: str) -> Key:
    return Key("namespace", "queue", task)
