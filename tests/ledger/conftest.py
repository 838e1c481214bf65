"""Every storage there is, each to be put through the one contract."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from taskhandler.ledger.opening import open_storage
from taskhandler.ledger.sqlite.storage import SQLiteStorage
from taskhandler.ledger.storage import Storage
from tests.ledger.emulator import emulated
from tests.ledger.filed import Hands, opened


@dataclass(frozen=True)
class Site:
    """A fresh storage.

    Attributes:
        storage: empty.
        url: names it.
    """

    storage: Storage
    url: str


@contextmanager
def memory() -> Iterator[Site]:
    yield Site(open_storage("memory://"), "memory://")


@contextmanager
def sqlite() -> Iterator[Site]:
    with tempfile.TemporaryDirectory() as folder:
        url = f"sqlite://{folder}/ledger.db"
        storage = open_storage(url)
        try:
            yield Site(storage, url)
        finally:
            storage.close()


@contextmanager
def firestore() -> Iterator[Site]:
    with emulated() as project:
        url = f"firestore://{project}?warm=1"
        storage = open_storage(url)
        try:
            yield Site(storage, url)
        finally:
            storage.close()


STORAGES: dict[str, Callable[[], AbstractContextManager[Site]]] = {
    "memory": memory,
    "sqlite": sqlite,
    "firestore": firestore,
}


@pytest.fixture(params=STORAGES)
def site(request: pytest.FixtureRequest) -> Iterator[Site]:
    """Each storage in turn."""
    with STORAGES[request.param]() as fresh:
        yield fresh


@pytest.fixture
def storage(site: Site) -> Storage:
    """Each storage in turn, for tests that need not know where it is."""
    return site.storage


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Where a SQLite ledger may be made."""
    return tmp_path / "ledger.db"


@pytest.fixture
def hands() -> Hands:
    """The hands of the clocks of `filed`."""
    return Hands()


@pytest.fixture
def filed(path: Path, hands: Hands) -> Iterator[SQLiteStorage]:
    """A SQLite ledger at `path`."""
    storage = opened(path, hands.clock())
    yield storage
    storage.close()
