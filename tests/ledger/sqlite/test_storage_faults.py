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
from tests.ledger.filed import Hands, behind_its_back, opened
from tests.ledger.programs.running import output_of
from tests.ledger.samples import FIRST

KEY = Key("project/location", "queue", "task-1")
OTHER = replace(KEY, task="task-2")
GARBAGE = b"\xa5" * 4096
LONGEST = 5.0
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
    path: Path, filed: SQLiteStorage, caplog: pytest.LogCaptureFixture
):
    filed.create(KEY, FIRST)
    away = path.rename(path.with_name("away.db"))
    assert_unavailable(filed)
    assert not path.exists()
    (line,) = caplog.messages
    assert str(path) in line
    assert "put it back" in line
    away.rename(path)
    assert_available(filed)


def test_a_ledger_restored_from_a_backup_is_used_without_a_restart(path: Path, filed: SQLiteStorage):
    filed.create(KEY, FIRST)
    filed.close()
    backup = shutil.copy(path, path.with_name("backup.db"))
    filed.create(replace(KEY, task="after the backup"), FIRST)
    for part in path.parent.glob("ledger.db*"):
        part.unlink()
    assert_unavailable(filed)
    shutil.copy(backup, path)
    assert_available(filed)
    assert filed.read(replace(KEY, task="after the backup")) is None


def test_a_file_that_another_program_has_replaced_is_not_used(path: Path, filed: SQLiteStorage):
    filed.create(KEY, FIRST)
    for part in path.parent.glob("ledger.db*"):
        part.unlink()
    with behind_its_back(path) as connection:
        connection.execute("CREATE TABLE records (theirs)")
    assert_unavailable(filed)


@pytest.mark.parametrize(
    ("at", "length"), [(0, 100), (0, 4096), (4096, 4096), (0, 40_960)], ids=["header", "page", "root", "all"]
)
def test_a_damaged_file_is_logged_and_is_used_when_it_is_restored(
    path: Path, filed: SQLiteStorage, caplog: pytest.LogCaptureFixture, at: int, length: int
):
    filed.create(KEY, FIRST)
    filed.close()
    whole = path.read_bytes()
    path.write_bytes(whole[:at] + (GARBAGE * 10)[:length] + whole[at + length :])
    assert isinstance(filed.read(KEY), Unavailable)
    assert isinstance(filed.create(OTHER, FIRST), Unavailable)
    (line,) = caplog.messages
    assert str(path) in line
    assert "restore it from a backup" in line
    filed.close()
    path.write_bytes(whole)
    assert_available(filed)


def test_no_call_raises_whichever_page_is_damaged(path: Path, filed: SQLiteStorage):
    keys = [replace(KEY, task=f"task-{number}") for number in range(100)]
    for key in keys:
        filed.create(key, replace(FIRST, reason="long " * 100))
    filed.close()
    whole = path.read_bytes()
    for at in range(0, len(whole), 4096):
        path.write_bytes(whole[:at] + GARBAGE + whole[at + 4096 :])
        for key in keys[::9]:
            assert isinstance(filed.read(key), Snapshot | Unavailable | None)
            filed.replace(key, FIRST, 1)
        filed.close()


def test_a_write_is_not_answered_written_if_the_file_cannot_grow(path: Path):
    cramped, roomy = output_of("cramped", f"sqlite://{path}").splitlines()
    assert set(cramped.split(", ")) <= {"Written there", "Unknown absent", "Unavailable absent"}
    assert "absent" in cramped
    assert roomy == "Written there"


def test_a_read_only_file_is_unavailable_until_it_can_be_written():
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o755)
        told = output_of("forbidden", folder).splitlines()
    assert told == ["Written Snapshot", "Unavailable Unavailable", "Written Snapshot"]


def test_a_stuck_writer_makes_others_unavailable_within_five_seconds(path: Path, filed: SQLiteStorage):
    filed.create(KEY, FIRST)
    with behind_its_back(path) as stuck:
        stuck.execute("BEGIN IMMEDIATE")
        before = time.monotonic()
        assert isinstance(filed.create(OTHER, FIRST), Unavailable)
        assert 1.0 < time.monotonic() - before < LONGEST
        assert isinstance(filed.read(KEY), Snapshot)
        stuck.execute("ROLLBACK")
    assert_available(filed)


def test_the_same_fault_is_logged_again_after_a_minute(
    path: Path, hands: Hands, caplog: pytest.LogCaptureFixture
):
    storage = opened(path, hands.clock())
    path.unlink()
    for _ in range(5):
        storage.read(KEY)
    hands.boot += 60 * 10**9
    storage.read(KEY)
    assert len(caplog.messages) == 2


def test_control_characters_of_a_path_reach_neither_log_nor_reason(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
):
    path = tmp_path / "a\nWARNING forged\x1b[2J.db"
    path.touch()
    path.chmod(0o644)
    storage = opened(path, Hands().clock())
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
