"""The storages that are built in, and a SQLite ledger whose clocks are set by hand."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

import pytest

from taskhandler.ledger.opening import open_storage
from taskhandler.ledger.sqlite.storage import SQLiteStorage
from taskhandler.ledger.storage import Storage
from tests.ledger.emulator import emulated
from tests.ledger.sqlite.local_storage import Clocks, open_local


@contextmanager
def memory() -> Iterator[str]:
    yield "memory://"


@contextmanager
def sqlite() -> Iterator[str]:
    with tempfile.TemporaryDirectory() as folder:
        yield f"sqlite://{folder}/ledger.db"


@contextmanager
def firestore() -> Iterator[str]:
    with emulated() as project:
        yield f"firestore://{project}?warm=1"


URLS: dict[str, Callable[[], AbstractContextManager[str]]] = {
    "memory": memory,
    "sqlite": sqlite,
    "firestore": firestore,
}


@pytest.fixture(params=URLS)
def storage(request: pytest.FixtureRequest) -> Iterator[Storage]:
    """Each storage that is built in, empty."""
    with URLS[request.param]() as url:
        storage = open_storage(url)
        yield storage
        storage.close()


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Where a SQLite ledger may be made."""
    return tmp_path / "ledger.db"


@pytest.fixture
def clocks() -> Clocks:
    """The clocks of `local`, set by hand."""
    return Clocks()


@pytest.fixture
def local(path: Path, clocks: Clocks) -> Iterator[SQLiteStorage]:
    """A SQLite ledger at `path`."""
    storage = open_local(path, clocks.clock())
    yield storage
    storage.close()
