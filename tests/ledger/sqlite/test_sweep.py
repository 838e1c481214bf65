"""Expired records are deleted in passing, a few at a time, and no others."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from msgspec.structs import replace

from taskhandler.ledger.sqlite.storage import SQLiteStorage
from taskhandler.ledger.sqlite.sweep import EXPIRED, GRACE_NS, MOST_BODY_BYTES, REST_NS, ROWS_PER_WRITE
from taskhandler.ledger.storage import Key
from taskhandler.lifecycle.record import Snapshot, State
from tests.ledger.samples import FIRST
from tests.ledger.sqlite.local_storage import SECOND, Clocks, raw_connection
from tests.ledger.sqlite.sweeping import A_MINUTE, A_YEAR, SHORT, pass_by, put, tasks

UNENDED = [state for state in State if not replace(FIRST, state=state).is_terminal]


def test_an_expired_record_goes_with_its_dead_letter_in_a_later_commit(
    path: Path, local: SQLiteStorage, clocks: Clocks
):
    put(local, "old", replace(SHORT, state=State.DEAD), body=b"body")
    clocks.boot += A_MINUTE * SECOND + GRACE_NS
    assert tasks(path) == {"old"}
    pass_by(local, 1)
    assert tasks(path) == tasks(path, "dead_letters") == set()


def test_a_record_is_kept_for_its_retention_and_a_little_longer(
    path: Path, local: SQLiteStorage, clocks: Clocks
):
    put(local, "old")
    clocks.boot += A_MINUTE * SECOND + GRACE_NS - 1
    pass_by(local, 3)
    assert tasks(path) == {"old"}
    clocks.boot += REST_NS
    pass_by(local, 1, name="passing later")
    assert tasks(path) == set()


@pytest.mark.parametrize("state", UNENDED)
def test_a_task_that_has_not_ended_is_kept_however_old(
    path: Path, local: SQLiteStorage, clocks: Clocks, state: State
):
    put(local, "old", replace(SHORT, state=state))
    clocks.boot += A_YEAR * SECOND
    pass_by(local, 3)
    assert tasks(path) == {"old"}


def test_a_record_that_was_claimed_again_is_kept(path: Path, local: SQLiteStorage, clocks: Clocks):
    put(local, "old")
    clocks.boot += A_MINUTE * SECOND + GRACE_NS
    found = local.read(Key("", "queue", "old"))
    assert isinstance(found, Snapshot)
    local.replace(Key("", "queue", "old"), replace(SHORT, state=State.RUNNING), found.version)
    pass_by(local, 3)
    assert tasks(path) == {"old"}


def test_a_commit_deletes_a_few_and_the_next_ones_go_on(path: Path, local: SQLiteStorage, clocks: Clocks):
    for number in range(10):
        put(local, str(number))
    clocks.boot += A_MINUTE * SECOND + GRACE_NS
    left = []
    for number in range(5):
        put(local, f"passing {number}", FIRST)
        left.append(len(tasks(path)))
    assert left == [10 - ROWS_PER_WRITE * commits for commits in range(1, 6)]


def test_a_commit_deletes_no_more_dead_letters_than_one_of_the_largest_size(
    path: Path, local: SQLiteStorage, clocks: Clocks
):
    body = os.urandom(MOST_BODY_BYTES)
    for number in range(3):
        put(local, str(number), replace(SHORT, state=State.DEAD), body=body)
    clocks.boot += A_MINUTE * SECOND + GRACE_NS
    left = []
    for number in range(3):
        put(local, f"passing {number}", FIRST)
        left.append(len(tasks(path, "dead_letters")))
    assert left == [2, 1, 0]


STUCK = {
    "not JSON": "record = '{'",
    "for a newer version": "min_reader = 2",
    "said to have expired before it has": "expires_ns = 0, record = replace(record, '60.0', '6e9')",
    "not terminal in its JSON": """record = replace(record, '"completed"', '"waiting"')""",
}


@pytest.mark.parametrize("edit", STUCK.values(), ids=STUCK)
def test_records_that_must_stay_do_not_stop_the_sweep(
    path: Path, local: SQLiteStorage, clocks: Clocks, edit: str
):
    stuck = {f"stuck {number}" for number in range(7)}
    for task in sorted(stuck):
        put(local, task)
    with raw_connection(path) as connection:
        connection.execute(f"UPDATE records SET {edit}")  # noqa: S608 - words of this file
        before = connection.execute("SELECT * FROM records ORDER BY task").fetchall()
    put(local, "old")
    clocks.boot += A_MINUTE * SECOND + GRACE_NS
    pass_by(local, 2 * len(stuck))
    assert tasks(path) == stuck
    with raw_connection(path) as connection:
        rows = connection.execute("SELECT * FROM records WHERE task LIKE 'stuck%' ORDER BY task")
        assert rows.fetchall() == before


def test_a_sweep_that_fails_is_logged_once_and_fails_no_write(
    path: Path, local: SQLiteStorage, clocks: Clocks, caplog: pytest.LogCaptureFixture
):
    put(local, "old")
    with raw_connection(path) as connection:
        connection.execute("ALTER TABLE dead_letters RENAME TO other")
        clocks.boot += A_MINUTE * SECOND + GRACE_NS
        pass_by(local, 3)
        (line,) = caplog.messages
        assert "cannot be deleted" in line
        assert tasks(path) == {"old"}
        connection.execute("ALTER TABLE other RENAME TO dead_letters")
    clocks.boot += REST_NS
    pass_by(local, 1, name="passing later")
    assert tasks(path) == set()


def test_a_deletion_that_fails_is_rolled_back_and_fails_no_write(
    path: Path, local: SQLiteStorage, clocks: Clocks
):
    put(local, "old", replace(SHORT, state=State.DEAD), body=b"body")
    with raw_connection(path) as connection:
        connection.execute(
            "CREATE TRIGGER no BEFORE DELETE ON dead_letters BEGIN SELECT RAISE(ABORT, 'no'); END"
        )
        clocks.boot += A_MINUTE * SECOND + GRACE_NS
        pass_by(local, 1)
        assert tasks(path) == tasks(path, "dead_letters") == {"old"}


def test_a_retention_without_end_is_kept(path: Path, local: SQLiteStorage, clocks: Clocks):
    put(local, "for ever", replace(SHORT, retention=1e300))
    clocks.boot += 60 * A_YEAR * SECOND
    pass_by(local, 3)
    assert tasks(path) == {"for ever"}


def test_expired_records_are_found_by_the_index(local: SQLiteStorage):
    with raw_connection(Path(local.database.path)) as connection:
        bound = (0,) * EXPIRED.count("?")
        plan = [step[-1] for step in connection.execute(f"EXPLAIN QUERY PLAN {EXPIRED}", bound)]
    assert plan[0].startswith("SEARCH records USING INDEX records_expiring (")
    assert "expires_ns<?" in plan[0]
    assert not [step for step in plan if "SCAN" in step or "TEMP B-TREE" in step]


def test_a_record_that_need_not_be_kept_at_all_outlives_the_commit_that_wrote_it(local: SQLiteStorage):
    put(local, "at once", replace(SHORT, retention=0.0))
    assert isinstance(local.read(Key("", "queue", "at once")), Snapshot)
