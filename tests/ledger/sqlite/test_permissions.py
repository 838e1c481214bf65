"""What the SQLite ledger makes is private; what is there already is only warned of."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from taskhandler.errors import ConfigError
from taskhandler.ledger.opening import open_storage
from taskhandler.ledger.storage import Key, Storage, Written
from tests.ledger.programs.start import TIMEOUT_SECONDS, output_of, start
from tests.ledger.samples import FIRST
from tests.ledger.sqlite.local_storage import raw_connection

KEY = Key("project/location", "queue", "task-1")


@pytest.fixture(params=[0o022, 0o000, 0o077, 0o277], ids="{:04o}".format)
def umask(request: pytest.FixtureRequest) -> Iterator[None]:
    before = os.umask(request.param)
    yield
    os.umask(before)


def mode_of(path: Path) -> int:
    return stat.S_IMODE(path.lstat().st_mode)


def parts(path: Path) -> list[Path]:
    return [path, Path(f"{path}-wal"), Path(f"{path}-shm")]


def used(url: str) -> Storage:
    """A ledger that has been written to, so that all of its files are there."""
    storage = open_storage(url)
    assert isinstance(storage.create(KEY, FIRST), Written)
    return storage


def problem_of(url: str) -> str:
    with pytest.raises(ConfigError) as caught:
        open_storage(url)
    return caught.value.problem


@pytest.mark.usefixtures("umask")
@pytest.mark.parametrize(
    ("query", "file", "folder"),
    [("", 0o600, 0o700), ("?mode=0600", 0o600, 0o700), ("?mode=0660", 0o660, 0o770)],
)
def test_a_created_file_and_folder_have_the_configured_mode_under_any_umask(
    tmp_path: Path, query: str, file: int, folder: int, caplog: pytest.LogCaptureFixture
):
    path = tmp_path / "outer" / "inner" / "ledger.db"
    storage = used(f"sqlite://{path}{query}")
    assert [mode_of(part) for part in parts(path)] == [file] * 3
    assert [mode_of(part) for part in (path.parent, path.parent.parent)] == [folder] * 2
    storage.close()
    assert list(path.parent.iterdir()) == [path]
    assert caplog.messages == []


@pytest.mark.usefixtures("umask")
def test_wal_and_shm_created_by_another_process_have_the_mode_of_the_file(tmp_path: Path):
    path = tmp_path / "ledger.db"
    open_storage(f"sqlite://{path}?mode=0660").close()
    assert not parts(path)[1].exists()
    assert output_of("other_writer", path) == "0660 0660"


def test_a_created_folder_inherits_the_setgid_bit(tmp_path: Path):
    tmp_path.chmod(0o2770)
    path = tmp_path / "inner" / "ledger.db"
    used(f"sqlite://{path}?mode=0660").close()
    assert mode_of(path.parent) == 0o2770


@pytest.mark.parametrize(("there", "query"), [(0o644, ""), (0o666, ""), (0o660, ""), (0o600, "?mode=0660")])
def test_the_mode_of_an_existing_file_is_kept_and_one_line_says_which_chmod_corrects_it(
    tmp_path: Path, there: int, query: str, caplog: pytest.LogCaptureFixture
):
    path = tmp_path / "led ger.db"
    path.touch()
    path.chmod(there)
    wanted = 0o660 if query else 0o600
    used(f"sqlite://{str(path).replace(' ', '%20')}{query}").close()
    assert mode_of(path) == there
    (line,) = caplog.messages
    assert f"{path} has {there:04o}" in line
    assert f"chmod {wanted:04o} '{path}'" in line


def test_a_wrong_mode_of_wal_and_shm_is_warned_of(tmp_path: Path, caplog: pytest.LogCaptureFixture):
    path = tmp_path / "ledger.db"
    storage = used(f"sqlite://{path}")
    Path(f"{path}-wal").chmod(0o644)
    open_storage(f"sqlite://{path}").close()
    storage.close()
    (line,) = caplog.messages
    assert f"chmod 0600 {path}-wal" in line


@pytest.mark.parametrize(("there", "remedy"), [(0o777, "0755"), (0o775, "0755"), (0o770, "0750")])
def test_a_folder_that_others_can_write_to_is_kept_and_warned_of_once(
    tmp_path: Path, there: int, remedy: str, caplog: pytest.LogCaptureFixture
):
    tmp_path.chmod(there)
    used(f"sqlite://{tmp_path}/ledger.db").close()
    assert mode_of(tmp_path) == there
    (line,) = caplog.messages
    assert f"chmod {remedy} {tmp_path}" in line


@pytest.mark.parametrize(("there", "query"), [(0o700, ""), (0o755, ""), (0o1777, ""), (0o770, "?mode=0660")])
def test_a_sticky_folder_is_not_warned_of(
    tmp_path: Path, there: int, query: str, caplog: pytest.LogCaptureFixture
):
    tmp_path.chmod(there)
    used(f"sqlite://{tmp_path}/ledger.db{query}").close()
    assert caplog.messages == []


def test_a_folder_may_be_a_symbolic_link(tmp_path: Path, caplog: pytest.LogCaptureFixture):
    (tmp_path / "real").mkdir(0o700)
    (tmp_path / "link").symlink_to("real")
    used(f"sqlite://{tmp_path}/link/inner/ledger.db").close()
    assert mode_of(tmp_path / "real" / "inner" / "ledger.db") == 0o600
    assert caplog.messages == []


@pytest.mark.parametrize("content", [None, b"", b"secret"])
def test_a_symbolic_link_in_place_of_the_file_is_not_followed(tmp_path: Path, content: bytes | None):
    target, link = tmp_path / "target", tmp_path / "ledger.db"
    if content is not None:
        target.write_bytes(content)
    link.symlink_to(target)
    assert "symbolic link" in problem_of(f"sqlite://{link}")
    assert target.read_bytes() == content if content is not None else not target.exists()


def test_a_folder_or_a_pipe_in_place_of_the_file_is_refused_without_waiting(tmp_path: Path):
    (tmp_path / "folder.db").mkdir()
    os.mkfifo(tmp_path / "pipe.db")
    for name in ("folder.db", "pipe.db"):
        assert "not a regular file" in problem_of(f"sqlite://{tmp_path}/{name}")


def test_a_pipe_in_place_of_an_open_ledger_blocks_no_call(tmp_path: Path, caplog: pytest.LogCaptureFixture):
    path = tmp_path / "ledger.db"
    storage = used(f"sqlite://{path}")
    storage.close()
    path.unlink()
    os.mkfifo(path)
    assert not isinstance(storage.create(KEY, FIRST), Written)
    assert "not a regular file" in caplog.text


def test_a_symbolic_link_to_a_missing_folder_is_an_error(tmp_path: Path):
    (tmp_path / "link").symlink_to("gone")
    assert "No such file" in problem_of(f"sqlite://{tmp_path}/link/ledger.db")


def test_threads_that_create_the_same_ledger_at_once_create_one(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
):
    path = tmp_path / "inner" / "ledger.db"
    with ThreadPoolExecutor(8) as threads:
        for storage in threads.map(lambda _: open_storage(f"sqlite://{path}"), range(16)):
            storage.close()
    assert list(path.parent.iterdir()) == [path]
    assert mode_of(path) == 0o600
    assert caplog.messages == []


def test_processes_that_start_at_once_create_one_intact_ledger(tmp_path: Path):
    path = tmp_path / "inner" / "ledger.db"
    started = [start("open_ledger", f"sqlite://{path}") for _ in range(8)]
    for process in started:
        process.communicate(timeout=TIMEOUT_SECONDS)
    assert [process.returncode for process in started] == [0] * 8
    assert list(path.parent.iterdir()) == [path]
    with raw_connection(path) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
