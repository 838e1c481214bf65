"""From a URL to a ledger, or to an error that says what is wrong with it and what to write instead."""

from __future__ import annotations

import gc
import sqlite3
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from taskhandler.errors import ConfigError
from taskhandler.ledger.memory import MemoryStorage
from taskhandler.ledger.opening import open_storage
from taskhandler.ledger.sqlite.file import Database
from taskhandler.ledger.sqlite.storage import SQLiteStorage
from taskhandler.ledger.storage import Key, Storage, Unavailable, Written
from tests.ledger.samples import FIRST
from tests.ledger.sqlite.local_storage import raw_connection

KEY = Key("project/location", "queue", "task-1")
NOT_OURS = """
import sys
from taskhandler.ledger.opening import open_storage
open_storage("memory://")
sys.exit(" ".join({"sqlite3", "google.cloud", "grpc"} & set(sys.modules)) or 0)
"""
WRONG = [
    "",
    "ledger.db",
    "/var/ledger.db",
    "postgres://host/ledger",
    "http://[half",
    "memory:",
    "memory://here",
    "memory://?synchronous=full",
    "sqlite:",
    "sqlite://",
    "sqlite:///",
    "sqlite:////",
    "sqlite:ledger.db",
    "sqlite://ledger.db",
    "sqlite://host/ledger.db",
    "sqlite:///./ledger.db",
    "sqlite:///../ledger.db",
    "sqlite:///var/../ledger.db",
    "sqlite:///var/",
    "sqlite:///:memory:",
    "sqlite:///ledger%00.db",
    "sqlite:///ledger.db#part",
    "sqlite:///ledger.db?synchronous=off",
    "sqlite:///ledger.db?synchronous=",
    "sqlite:///ledger.db?synchronous=full&synchronous=full",
    "sqlite:///ledger.db?mode=memory",
]


def use(storage: Storage) -> None:
    assert isinstance(storage.create(KEY, FIRST), Written)
    assert storage.read(KEY) is not None
    storage.close()


def error_of(url: str) -> ConfigError:
    with pytest.raises(ConfigError) as caught:
        open_storage(url)
    assert caught.value.key == "TASKHANDLER_LEDGER"
    assert caught.value.value == url
    return caught.value


def test_memory_is_opened_by_its_name():
    storage = open_storage("memory://")
    assert isinstance(storage, MemoryStorage)
    use(storage)


def test_a_memory_ledger_imports_neither_sqlite_nor_googles_libraries():
    done = subprocess.run([sys.executable, "-c", NOT_OURS], stderr=subprocess.PIPE, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize("slashes", ["//", "///"])
def test_a_sqlite_file_and_its_folder_are_made_when_it_is_opened(tmp_path: Path, slashes: str):
    file = tmp_path / "not there" / "nor that" / "ledger.db"
    storage = open_storage(f"sqlite:{slashes}{str(file).replace(' ', '%20')}")
    assert file.is_file()
    assert isinstance(storage, SQLiteStorage)
    assert storage.database == Database(str(file), "FULL")
    use(storage)


@pytest.mark.parametrize("name", ["100%25.db", "what%3F.db", "a%23b.db", "gr%C3%BC%C3%9Fe.db", "a&b=c.db"])
def test_a_sqlite_file_may_have_any_name(tmp_path: Path, name: str):
    use(open_storage(f"sqlite://{tmp_path}/{name}"))
    assert len(list(tmp_path.iterdir())) == 1


@pytest.mark.parametrize("synchronous", ["full", "normal"])
def test_the_url_sets_how_durable_a_commit_is(path: Path, synchronous: str):
    storage = open_storage(f"sqlite://{path}?synchronous={synchronous}")
    assert isinstance(storage, SQLiteStorage)
    assert storage.database.synchronous == synchronous.upper()
    use(storage)


SECRETS = ["postgres://user:secret@host/ledger", "sqlite:///ledger.db?key=secret", "http://us:secret@[half"]


@pytest.mark.parametrize("url", SECRETS)
def test_a_url_that_is_refused_is_shown_without_its_secrets(url: str):
    assert "secret" not in str(error_of(url))


@pytest.mark.parametrize("url", WRONG)
def test_a_url_that_names_no_ledger_is_refused_with_what_to_write(url: str):
    assert "Write " in error_of(url).remedy


def test_a_ledger_keeps_what_it_had_when_it_is_opened_again(path: Path):
    use(open_storage(f"sqlite://{path}"))
    again = open_storage(f"sqlite://{path}")
    assert again.read(KEY) is not None
    again.close()


def test_a_closed_ledger_leaves_no_file_beside_it(path: Path):
    use(open_storage(f"sqlite://{path}"))
    assert list(path.parent.iterdir()) == [path]


def test_an_unclosed_ledger_is_closed_when_it_is_collected(path: Path):
    storage: Storage | None = open_storage(f"sqlite://{path}")
    assert storage is not None
    storage.create(KEY, FIRST)
    assert len(list(path.parent.iterdir())) == 3
    storage = None
    gc.collect()
    assert list(path.parent.iterdir()) == [path]


def test_a_folder_that_cannot_be_created_is_an_error_at_opening(tmp_path: Path):
    (tmp_path / "file").touch()
    error = error_of(f"sqlite://{tmp_path}/file/ledger.db")
    assert f"{tmp_path}/file/ledger.db cannot be opened" in error.problem
    assert error.remedy


def test_a_folder_in_the_place_of_a_sqlite_file_is_refused(tmp_path: Path):
    assert "unable to open" in error_of(f"sqlite://{tmp_path}").problem


def test_a_file_that_is_not_a_database_is_refused_and_not_touched(path: Path):
    path.write_text("dear diary, " * 1000)
    assert "restore it from a backup" in error_of(f"sqlite://{path}").remedy
    assert path.read_text() == "dear diary, " * 1000


def test_a_database_of_another_program_is_refused_and_not_touched(path: Path):
    with raw_connection(path) as connection:
        connection.execute("CREATE TABLE records (theirs)")
    assert "another program's" in error_of(f"sqlite://{path}").problem
    with raw_connection(path) as connection:
        assert connection.execute("PRAGMA journal_mode").fetchall() == [("delete",)]


def test_a_sqlite_file_of_a_newer_layout_is_refused_and_not_touched(path: Path):
    use(open_storage(f"sqlite://{path}"))
    with raw_connection(path) as connection:
        connection.execute("PRAGMA user_version = 3")
    assert "newer taskhandler" in error_of(f"sqlite://{path}").problem


@pytest.mark.parametrize("leftover", ["-wal", "-shm"])
def test_a_leftover_journal_without_its_file_is_refused_and_not_mixed_with_a_new_one(
    path: Path, leftover: str
):
    part = Path(f"{path}{leftover}")
    part.write_bytes(b"the last commits")
    assert f"{part} exists without the file" in error_of(f"sqlite://{path}").problem
    assert not path.exists()


def test_a_ledger_with_a_writer_can_be_opened(path: Path):
    open_storage(f"sqlite://{path}").close()
    with raw_connection(path) as connection:
        connection.execute("BEGIN IMMEDIATE")
        storage = open_storage(f"sqlite://{path}")
        assert isinstance(storage.create(KEY, FIRST), Unavailable)
        connection.execute("ROLLBACK")
    use(storage)


def test_a_locked_file_that_is_not_a_ledger_yet_is_an_error_at_opening(path: Path):
    path.parent.mkdir(parents=True, exist_ok=True)
    with raw_connection(path) as connection:
        connection.execute("BEGIN EXCLUSIVE")
        assert "locked" in error_of(f"sqlite://{path}").problem


def test_many_processes_may_create_the_same_ledger_at_once(path: Path):
    with ThreadPoolExecutor(8) as threads:
        for storage in threads.map(lambda _: open_storage(f"sqlite://{path}"), range(24)):
            storage.close()
    with raw_connection(path) as connection:
        assert connection.execute("SELECT count(*) FROM records").fetchall() == [(0,)]


def test_a_sqlite_ledger_has_its_application_id(path: Path):
    use(open_storage(f"sqlite://{path}"))
    connection = sqlite3.connect(path)
    assert connection.execute("PRAGMA application_id").fetchall() == [(int.from_bytes(b"task", "big"),)]
    connection.close()
