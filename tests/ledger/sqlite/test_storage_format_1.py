"""The file of the first released version, which every later version must read and act on."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from pathlib import Path

import pytest
from msgspec.structs import replace

from taskhandler.ledger.ledger import Ledger
from taskhandler.ledger.opening import open_storage
from taskhandler.ledger.sqlite.storage import SQLiteStorage
from taskhandler.ledger.storage import Key, Listed, Page
from taskhandler.lifecycle.operator_rules import Cancel, Reset
from taskhandler.lifecycle.record import Record, Snapshot, State
from taskhandler.lifecycle.rules import Claim, Heartbeat, MarkNotified, Rule
from taskhandler.lifecycle.verdict import AlreadyEnded, Conflict, InFlight, Renewed, Run, Settled, Verdict
from tests.ledger.sqlite.format_1 import BODIES, DIGEST, RECORDS, RETENTION_SECONDS, key
from tests.ledger.sqlite.local_storage import SECOND, Clocks, open_local, raw_connection, wait

FIXTURE = Path(__file__).parent / "fixtures" / "format-1.sql"


@pytest.fixture
def clocks(clocks: Clocks) -> Clocks:
    """A minute after the file was written, on the same start of the machine."""
    clocks.boot += 86 * SECOND
    clocks.wall += 86
    return clocks


@pytest.fixture
def old(path: Path, clocks: Clocks) -> Iterator[SQLiteStorage]:
    """A copy of the file."""
    with raw_connection(path) as connection:
        connection.executescript(FIXTURE.read_text())
    storage = open_local(path, clocks.clock(), chance=itertools.count(5000).__next__)
    yield storage
    storage.close()


def found(storage: SQLiteStorage, key: Key) -> Snapshot:
    snapshot = storage.read(key)
    assert isinstance(snapshot, Snapshot)
    return snapshot


def verdict_of(storage: SQLiteStorage, rule: Rule, key: Key) -> Verdict:
    ledger = Ledger(storage, clock=iter(range(1000)).__next__, pause=wait)
    return ledger.amend(key, rule, found(storage, key), timeout=5.0).verdict


def claim(digest: str = DIGEST) -> Claim:
    return Claim(lease_id="new", digest=digest, handler="charge-order", lease=30.0, retention=60.0)


CANCEL = Cancel(nonce="n", reason="r", handler="charge-order", retention=60.0)


def test_the_file_has_a_record_in_every_state():
    assert {record.state for record in RECORDS.values()} == set(State)


@pytest.mark.parametrize(("key", "record"), RECORDS.items(), ids=lambda value: getattr(value, "task", ""))
def test_every_record_is_read_as_it_was_written(old: SQLiteStorage, key: Key, record: Record):
    snapshot = found(old, key)
    assert snapshot.record == record
    assert 60.0 <= snapshot.age <= 86.0
    assert snapshot.created_at is not None
    assert snapshot.updated_at == snapshot.created_at + 1.0


def test_every_dead_letter_is_read_as_it_was_written(old: SQLiteStorage):
    assert {key: old.dead_letter(key) for key in RECORDS} == {key: BODIES.get(key) for key in RECORDS}


def test_a_scan_shows_every_record(old: SQLiteStorage):
    assert {key: snapshot.record for key, snapshot in old.scan()} == RECORDS


def test_pages_show_what_is_to_be_listed(old: SQLiteStorage):
    page = old.list(list(Listed))
    assert isinstance(page, Page)
    assert {entry.key: entry.snapshot.record for entry in page.entries} == {
        key: record for key, record in RECORDS.items() if record.state is not State.COMPLETED
    }


ACTS: list[tuple[str, Rule, Verdict]] = [
    ("waiting", claim(), Run()),
    ("reset", claim(), Run()),
    ("running", claim(), Run()),  # the lease has lapsed
    ("running", Heartbeat("9c0ffee0" * 4), Renewed()),
    ("running-with-steps", Heartbeat("9c0ffee0" * 4), Renewed()),
    ("running", CANCEL, Settled(State.CANCELLED)),
    ("completed", claim(), AlreadyEnded(State.COMPLETED, on_dead_called=False)),
    ("completed", claim("other"), Conflict()),
    ("rejected", claim(), AlreadyEnded(State.REJECTED, on_dead_called=False)),
    ("dead", claim(), AlreadyEnded(State.DEAD, on_dead_called=False)),
    ("dead", MarkNotified(8), Settled(State.DEAD)),
    ("dead-and-notified", claim(), AlreadyEnded(State.DEAD, on_dead_called=True)),
    ("dead", Reset("nonce"), Settled(State.WAITING)),
    ("cancelled", claim("any"), AlreadyEnded(State.CANCELLED, on_dead_called=False)),
    ("cancelled-before-it-came", claim("any"), AlreadyEnded(State.CANCELLED, on_dead_called=False)),
]


@pytest.mark.parametrize(("task", "rule", "verdict"), ACTS)
def test_every_rule_acts_on_records_of_format_1(old: SQLiteStorage, task: str, rule: Rule, verdict: Verdict):
    assert verdict_of(old, rule, key(task)) == verdict


def test_a_lease_of_the_old_version_is_respected(old: SQLiteStorage, clocks: Clocks):
    clocks.boot -= 80 * SECOND
    assert isinstance(verdict_of(old, claim(), key("running")), InFlight)


def test_a_record_that_no_rule_changes_stays_as_it_is(old: SQLiteStorage, path: Path):
    def rows() -> list[object]:
        with raw_connection(path) as connection:
            return connection.execute(
                "SELECT * FROM records WHERE task <> 'waiting' ORDER BY task"
            ).fetchall()

    before = rows()
    assert verdict_of(old, claim(), key("waiting")) == Run()
    assert rows() == before


def test_an_end_is_kept_for_its_retention_and_then_deleted(old: SQLiteStorage, clocks: Clocks, path: Path):
    clocks.boot += int(RETENTION_SECONDS) * SECOND
    for number in range(len(RECORDS)):
        old.create(Key("", "queue", str(number)), replace(RECORDS[key("running")], lease_id=str(number)))
    with raw_connection(path) as connection:
        left = connection.execute("SELECT task FROM records WHERE queue = 'orders' ORDER BY task").fetchall()
        assert [task for (task,) in left] == ["reset", "running", "running-with-steps", "waiting"]
        assert connection.execute("SELECT count(*) FROM dead_letters").fetchall() == [(0,)]


def test_the_file_is_opened_by_its_url(path: Path):
    with raw_connection(path) as connection:
        connection.executescript(FIXTURE.read_text())
    storage = open_storage(f"sqlite://{path}")
    assert isinstance(storage, SQLiteStorage)
    assert found(storage, key("running")).record == RECORDS[key("running")]
    storage.close()
