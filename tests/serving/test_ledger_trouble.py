"""An unavailable ledger: nothing runs and nothing is acknowledged until it is available again."""

from __future__ import annotations

import shutil
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest
from google.cloud import tasks_v2

from taskhandler.lifecycle.record import State
from tests.serving.conftest import Serve
from tests.serving.deliveries import begin, create, deliver, redeliver
from tests.serving.service import TIMEOUT_SECONDS


@contextmanager
def locked(ledger: Path) -> Iterator[None]:
    """Another process writes, and does not commit."""
    connection = sqlite3.connect(ledger, isolation_level=None)
    try:
        connection.execute("BEGIN EXCLUSIVE")
        yield
    finally:
        connection.close()


@contextmanager
def garbage(ledger: Path) -> Iterator[None]:
    """Something else was put into its place."""
    kept = ledger.parent.rename(ledger.parent.with_name("kept"))
    ledger.parent.mkdir()
    ledger.write_bytes(b"this is no ledger" * 1000)
    yield
    shutil.rmtree(ledger.parent)
    kept.rename(ledger.parent)


@contextmanager
def gone(ledger: Path) -> Iterator[None]:
    """Its folder is not there."""
    kept = ledger.parent.rename(ledger.parent.with_name("kept"))
    yield
    kept.rename(ledger.parent)


@pytest.mark.parametrize("trouble", [locked, garbage, gone])
def test_while_the_ledger_is_out_of_use_no_task_runs_until_it_is_repaired(
    serve: Serve, client: tasks_v2.CloudTasksClient, trouble: Callable[[Path], object]
):
    service = serve()
    assert deliver(service, "before").said == (200, "completed")
    with trouble(service.ledger):  # type: ignore[attr-defined]  # each is a context manager
        answers = [begin(service, f"t{number}", retry=number % 2) for number in range(6)]
        assert {answer.result(TIMEOUT_SECONDS).said for answer in answers} == {(503, "unavailable")}
        create(client, service, "queued")
    assert not service.effects("begun", "t0")
    service.until(lambda: service.state("queued") is State.COMPLETED)
    assert deliver(service, "t0", retry=1).said == (200, "completed")
    assert deliver(service, "before", retry=1).said == (200, "duplicate")
    assert len(service.effects("begun", "queued")) == 1
    assert "To fix it" in service.log.read_text()


def test_a_task_whose_end_cannot_be_recorded_is_not_acknowledged_and_taken_over(serve: Serve):
    service = serve()
    script = [["wait"]]
    holder = begin(service, "t", script)
    service.begun("t")
    with locked(service.ledger):
        service.open("t")
        answer = holder.result(TIMEOUT_SECONDS)
        assert (answer.said, answer.retry_after) == ((503, "unavailable"), "1")
        assert service.effects("done", "t")
    assert service.state("t") is State.RUNNING
    assert redeliver(service, "t", script).said == (200, "completed")
    record = service.recorded("t")
    assert (record.attempt, record.history) == (2, ("1 lost",))


def test_a_heartbeat_that_fails_once_does_not_lose_the_lease(serve: Serve):
    service = serve(TASKHANDLER_LEASE="6")
    holder = begin(service, "t", [["wait"]])
    service.begun("t")
    with locked(service.ledger):
        service.until(lambda: "is unavailable" in service.log.read_text())
    beaten = service.recorded("t").heartbeats
    service.until(lambda: service.recorded("t").heartbeats > beaten)
    service.open("t")
    assert holder.result(TIMEOUT_SECONDS).said == (200, "completed")
    assert service.recorded("t").attempt == 1


EDITS = {
    "negative-lease": "'$.state', 'running', '$.lease', -30",
    "lease-without-end": "'$.state', 'running', '$.lease', 1e300",
    "negative-attempt": "'$.state', 'waiting', '$.attempt', -5",
    "more-drained-than-attempts": "'$.state', 'waiting', '$.drained', 99",
    "negative-retention": "'$.retention', -1",
    "unknown-state": "'$.state', 'paused'",
}
"""By task: what somebody wrote into its record, as arguments of SQLite's `json_set`."""


def test_a_task_whose_record_was_edited_to_what_cannot_be_is_answered_503_at_once_and_not_run(serve: Serve):
    service = serve()
    assert {deliver(service, task).said for task in EDITS} == {(200, "completed")}
    with closing(sqlite3.connect(service.ledger, isolation_level=None)) as connection:
        for task, edit in EDITS.items():
            changed = f"UPDATE records SET record = json_set(record, {edit}) WHERE task = ?"  # noqa: S608 - words of this file
            assert connection.execute(changed, (task,)).rowcount == 1
    assert {deliver(service, task, retry=1).said for task in EDITS} == {(503, "unavailable")}
    assert [len(service.effects("begun", task)) for task in EDITS] == [1] * len(EDITS)
    log = service.log.read_text()
    assert "is left as it is" in log
    assert "Traceback" not in log
