"""Which user makes a SQLite ledger: never one who runs a command beside the service."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from taskhandler.ledger.opening import open_storage
from tests.ledger.programs.other_user import NOBODY
from tests.ledger.sqlite.test_permissions import mode_of, parts, problem_of, used
from tests.mirror import ROOT

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="only root can be another user")


@pytest.fixture
def open_folder() -> Iterator[Path]:
    """A folder that other users can reach."""
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o755)
        yield Path(folder)


def as_nobody(url: str) -> str:
    """What the error says to another user who opens the ledger."""
    command = [sys.executable, "-m", "tests.ledger.programs.other_user", url]
    done = subprocess.run(command, cwd=ROOT, stderr=subprocess.PIPE, text=True, check=False)
    return done.stderr


@pytest.mark.parametrize("folders", ["", "/not/there"])
@pytest.mark.parametrize("query", ["", "?mode=0660"])
def test_root_creates_no_ledger_in_a_folder_of_another_user(tmp_path: Path, folders: str, query: str):
    os.chown(tmp_path, NOBODY, NOBODY)
    problem = problem_of(f"sqlite://{tmp_path}{folders}/ledger.db{query}")
    assert f"{tmp_path} belongs to user {NOBODY}" in problem
    assert "user 0 must not create it" in problem
    assert list(tmp_path.iterdir()) == []


def test_root_leaves_an_existing_ledger_usable_by_its_owner(tmp_path: Path):
    path = tmp_path / "ledger.db"
    open_storage(f"sqlite://{path}").close()
    for owned in (tmp_path, path):
        os.chown(owned, NOBODY, NOBODY)
    storage = used(f"sqlite://{path}")
    assert [(part.stat().st_uid, mode_of(part)) for part in parts(path)] == [(NOBODY, 0o600)] * 3
    storage.close()


def test_a_user_creates_a_ledger_in_a_folder_of_another_user_only_with_the_shared_mode(open_folder: Path):
    os.chown(open_folder, 12345, NOBODY)
    open_folder.chmod(0o770)
    assert "belongs to user 12345" in as_nobody(f"sqlite://{open_folder}/ledger.db")
    assert list(open_folder.iterdir()) == []
    assert as_nobody(f"sqlite://{open_folder}/ledger.db?mode=0660") == ""
    assert mode_of(open_folder / "ledger.db") == 0o660


def test_a_user_creates_a_ledger_in_a_writable_folder_of_root(open_folder: Path):
    open_folder.chmod(0o1777)
    assert as_nobody(f"sqlite://{open_folder}/ledger.db") == ""
    assert (open_folder / "ledger.db").stat().st_uid == NOBODY


def test_a_ledger_of_another_user_or_a_folder_that_cannot_be_written_is_an_error_at_the_start(
    open_folder: Path,
):
    assert "Permission denied" in as_nobody(f"sqlite://{open_folder}/ledger.db")
    open_storage(f"sqlite://{open_folder}/ledger.db").close()
    assert "unable to open" in as_nobody(f"sqlite://{open_folder}/ledger.db")
