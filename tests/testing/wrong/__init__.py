"""Storages that break the contract, each in one way, over a right one: the contract's tests must fail them.

They inherit from a storage, unlike all else here, so that what is wrong with each is all there is to see.
"""

from __future__ import annotations

from types import ModuleType
from urllib.parse import unquote, urlsplit

from examples.table_ledger import TableStorage
from taskhandler.ledger import Storage
from taskhandler.ledger.bootclock import now_ns
from taskhandler.ledger.memory import MemoryStorage
from tests.testing.wrong import company, listings, reads, retentions, writes

Kind = type[MemoryStorage] | type[TableStorage]


def open_wrong(url: str) -> Storage:
    """The storage at `wrong://NameOfItsClass/path`."""
    parts = urlsplit(url)
    kind = KINDS[parts.netloc]
    if issubclass(kind, TableStorage):
        return kind(unquote(parts.path))
    return kind(clock=now_ns)


def _kinds(module: ModuleType) -> dict[str, Kind]:
    return {
        name: kind
        for name, kind in vars(module).items()
        if isinstance(kind, type) and issubclass(kind, MemoryStorage | TableStorage)
    }


KINDS = {
    name: kind
    for module in (writes, reads, listings, retentions, company)
    for name, kind in _kinds(module).items()
}
