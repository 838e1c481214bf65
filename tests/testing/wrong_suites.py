"""The contract's tests for each wrong storage; pytest is started on this file by `contract_failures`."""

from __future__ import annotations

from pathlib import Path

import pytest

from examples.table_ledger import TableStorage
from taskhandler.testing.contract import Batch, StorageContract
from tests.testing.wrong import KINDS


class Suite(StorageContract):
    opener = "tests.testing.wrong:open_wrong"

    @pytest.fixture
    def url(self, tmp_path: Path) -> str:
        return f"wrong://{type(self).__name__.removeprefix('Test')}{tmp_path}/ledger"

    @pytest.fixture
    def batch(self) -> Batch:
        written = list[int]()
        return Batch([lambda: written.append(1)], lambda: written == [1])


for _name, _kind in KINDS.items():
    _is_joint = issubclass(_kind, TableStorage) or _name == "ProcessesAreApart"
    globals()[f"Test{_name}"] = type(f"Test{_name}", (Suite,), {"is_joint": _is_joint})
