"""What people and disks do to the file of the SQLite ledger: answered truthfully, said once, outlived."""

from __future__ import annotations

import shutil
import tempfile
import time
from pathlib import Path
from urllib.parse import quote

import pytest
from msgspec.structs import replace

from taskhandler.errors import ConfigError, LedgerError
from taskhandler.ledger.opening import open_storage
from taskhandler.ledger.sqlite.storage import SQLiteStorage
from taskhandler.ledger.storage import Key, Unavailable, Written
from taskhandler.lifecycle.record import Snapshot
from tests.ledger.programs.start import output_of
from tests.ledger.samples import FIRST
from tests.ledger.sqlite.local_storage import Clocks, open_local, raw_connection

KEY = Key("project/location", "queue", "task-1")
OTHER = replace(KEY, task="task-2")
GARBAGE = b"\xa5" * 4096
LONGEST_CALL_SECONDS = 5.0
"""Seconds; no call takes longer."""


def assert_unavailable(storage: SQLiteStorage) -> None:
    assert isinstance(storage.read(KEY), Unavailable)
    assert isinstance(storage.dead_letter(KEY), Unavailable)
    assert isinstance(storage.create(OTHER, FIRST), Unavailable)
    assert isinstance(storage.replace(KEY, FIRST, 1), Unavailable)
    with pytest.raises(LedgerError, match="cannot be read"):
        next(storage.scan())


def assert_available(storage: SQLiteStorage) -> None:
    assert isinstance(storage.read(KEY), Snapshot)
    assert isinstance(storage.create(OTHER, FIRST), Written)


def test_a_missing_file_is_not_created_again_and_is_used_when_it_is_back(
    path: Path, local: SQLiteStorage, caplog: pytest.LogCaptureFixture
):
    local.create(KEY, FIRST)
    away = path.rename(path.with_name("away.db"))
    assert_unavailable(local)
    assert not path.exists()
    (line,) = caplog.messages
    assert str(path) in line
    assert "put it back" in line
    away.rename(path)
    assert_available(local)


def test_a_ledger_restored_from_a_backup_is_used_without_a_restart(path: Path, local: SQLiteStorage):
    local.create(KEY, FIRST)
    local.close()
    backup = shutil.copy(path, path.with_name("backup.db"))
    local.create(replace(KEY, task="after the backup"), FIRST)
    for part in path.parent.glob("ledger.db*"):
        part.unlink()
    assert_unavailable(local)
    shutil.copy(backup, path)
    assert_available(local)
    assert local.read(replace(KEY, task="after the backup")) is None


def test_a_file_that_another_program_has_replaced_is_not_used(path: Path, local: SQLiteStorage):
    local.create(KEY, FIRST)
    for part in path.parent.glob("ledger.db*"):
        part.unlink()
    with raw_connection(path) as connection:
        connection.execute("CREATE TABLE records (theirs)")
    assert_unavailable(local)


@pytest.mark.parametrize(
    ("at", "length"), [(0, 100), (0, 4096), (4096, 4096), (0, 40_960)], ids=["header", "page", "root", "all"]
)
def test_a_damaged_file_is_logged_and_is_used_when_it_is_restored(
    path: Path, local: SQLiteStorage, caplog: pytest.LogCaptureFixture, at: int, length: int
):
    local.create(KEY, FIRST)
    local.close()
    whole = path.read_bytes()
    path.write_bytes(whole[:at] + (GARBAGE * 10)[:length] + whole[at + length :])
    assert isinstance(local.read(KEY), Unavailable)
    assert isinstance(local.create(OTHER, FIRST), Unavailable)
    (line,) = caplog.messages
    assert str(path) in line
    assert "restore it from a backup" in line
    local.close()
    path.write_bytes(whole)
    assert_available(local)


def test_no_call_raises_whichever_page_is_damaged(path: Path, local: SQLiteStorage):
    keys = [replace(KEY, task=f"task-{number}") for number in range(100)]
    for key in keys:
        local.create(key, replace(FIRST, reason="long " * 100))
    local.close()
    whole = path.read_bytes()
    for at in range(0, len(whole), 4096):
        path.write_bytes(whole[:at] + GARBAGE + whole[at + 4096 :])
        for key in keys[::9]:
            assert isinstance(local.read(key), Snapshot | Unavailable | None)
            local.replace(key, FIRST, 1)
        local.close()


def test_a_write_is_not_answered_written_if_the_file_cannot_grow(path: Path):
    limited, unlimited = output_of("size_limit", f"sqlite://{path}").splitlines()
    assert set(limited.split(", ")) <= {"Written there", "Unknown absent", "Unavailable absent"}
    assert "absent" in limited
    assert unlimited == "Written there"


def test_a_read_only_file_is_unavailable_until_it_can_be_written():
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o755)
        outputs = output_of("read_only", folder).splitlines()
    assert outputs == ["Written Snapshot", "Unavailable Unavailable", "Written Snapshot"]


def test_a_stuck_writer_makes_others_unavailable_within_five_seconds(path: Path, local: SQLiteStorage):
    local.create(KEY, FIRST)
    with raw_connection(path) as stuck:
        stuck.execute("BEGIN IMMEDIATE")
        before = time.monotonic()
        assert isinstance(local.create(OTHER, FIRST), Unavailable)
        assert 1.0 < time.monotonic() - before < LONGEST_CALL_SECONDS
        assert isinstance(local.read(KEY), Snapshot)
        stuck.execute("ROLLBACK")
    assert_available(local)


def test_the_same_fault_is_logged_again_after_a_minute(
    path: Path, clocks: Clocks, caplog: pytest.LogCaptureFixture
):
    storage = open_local(path, clocks.clock())
    path.unlink()
    for _ in range(5):
        storage.read(KEY)
    clocks.boot += 60 * 10**9
    storage.read(KEY)
    assert len(caplog.messages) == 2


def test_control_characters_of_a_path_reach_neither_log_nor_reason(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
):
    path = tmp_path / "a\nWARNING forged\x1b[2J.db"
    path.touch()
    path.chmod(0o644)
    storage = open_local(path, Clocks().clock())
    storage.close()
    path.unlink()
    answer = storage.create(KEY, FIRST)
    assert isinstance(answer, Unavailable)
    assert answer.why.isprintable()
    path.mkdir()
    with pytest.raises(ConfigError) as caught:
        open_storage(f"sqlite://{quote(str(path))}")
    assert str(caught.value).isprintable()
    assert len(caplog.messages) == 2
    assert all(line.isprintable() for line in caplog.messages)
