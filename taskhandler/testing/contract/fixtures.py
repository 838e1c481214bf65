"""What a test of the contract is given: a storage, and a batch for it if it has batches."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import ClassVar

import pytest
from msgspec import Struct

from taskhandler.ledger.storage import Storage
from taskhandler.testing.programs.start import resolve


class Batch(Struct, frozen=True):
    """Writes that are to commit with a record.

    Attributes:
        writes: for `Storage.replace`.
        is_written: says whether they have been committed.
    """

    writes: Sequence[object]
    is_written: Callable[[], bool]


class Fixtures:
    """What `StorageContract` says of them holds here."""

    opener: ClassVar[str] = "taskhandler.ledger.opening:open_storage"
    is_joint: ClassVar[bool] = True
    encoded_values: ClassVar[tuple[bytes, bytes]] = (b'"text"', b'{"nested":[1,null]}')

    @pytest.fixture
    def url(self) -> str:
        """To be overridden."""
        pytest.fail(f"{type(self).__name__} has no fixture 'url': it must name an empty ledger")

    @pytest.fixture
    def storage(self, url: str) -> Iterator[Storage]:
        """The storage at `url`, closed after the test."""
        storage = resolve(self.opener)(url)
        yield storage
        storage.close()

    @pytest.fixture
    def batch(self) -> Batch | None:
        """None: the storage has no batches."""
        return None
