"""What every storage promises to processes: those forked off, those beside it, and those that are killed."""

from __future__ import annotations

import signal
import subprocess
from concurrent.futures import ThreadPoolExecutor

import pytest

from taskhandler.ledger.storage import Key, Written
from taskhandler.lifecycle.record import Snapshot
from tests.ledger.conftest import Site
from tests.ledger.programs.racing import SHARED
from tests.ledger.programs.running import PATIENCE, output_of, start
from tests.ledger.samples import FIRST

PROCESSES = 4
RECORDS = 60
THREADS = 4


def test_a_forked_child_goes_on_with_what_its_parent_used(site: Site):
    assert output_of("forking", site.url, 0, 2) == "2 children, 0 threads"


def test_processes_on_one_ledger_create_each_record_once_and_lose_no_amendment(joint: Site):
    with ThreadPoolExecutor(PROCESSES) as racers:
        told = list(racers.map(lambda _: output_of("racing", joint.url, RECORDS), range(PROCESSES)))
    shared = joint.storage.read(SHARED)
    assert isinstance(shared, Snapshot)
    assert shared.record.heartbeats == PROCESSES * RECORDS
    assert sum(int(created) for created in told) == RECORDS


@pytest.mark.parametrize("lines", [1, 40, 300])
def test_what_a_killed_writer_said_was_written_is_there(joint: Site, lines: int):
    tasks = told_before_its_death(joint.url, lines)
    assert len(tasks) >= lines
    assert [task for task in tasks if not isinstance(joint.storage.read(of(task)), Snapshot)] == []
    assert isinstance(joint.storage.create(of("after"), FIRST), Written)


def told_before_its_death(url: str, lines: int) -> list[str]:
    with start("writing", url, THREADS) as writer:
        try:
            assert writer.stdout is not None
            told = [writer.stdout.readline() for _ in range(lines)]
            writer.send_signal(signal.SIGKILL)
            told += writer.stdout.readlines()
            assert writer.wait(PATIENCE) == -signal.SIGKILL
        except subprocess.TimeoutExpired:
            pytest.fail("it cannot be killed")
        finally:
            writer.kill()
    return [line.strip() for line in told if line.endswith("\n")]


def of(task: str) -> Key:
    return Key("namespace", "queue", task)
