"""Records and keys to try storages with, and what to expect of every answer."""

from __future__ import annotations

import secrets

from msgspec.structs import replace

from taskhandler.ledger.storage import Key, Storage, Written
from taskhandler.lifecycle.record import Record, Snapshot, State

FIRST = Record(
    state=State.RUNNING,
    attempt=1,
    fence=1,
    lease_id="lease-1",
    lease=30.0,
    digest="5" * 64,
    retention=3_024_000.0,
    handler="charge-order",
)
SECOND = replace(FIRST, heartbeats=1)
THIRD = replace(FIRST, state=State.COMPLETED, heartbeats=2, result='{"receipt":"r-1"}')


def fresh_key() -> Key:
    """A key that no other test has."""
    return Key("project/location", "queue", f"task-{secrets.token_hex(8)}")


def written(answer: object) -> Written:
    """The answer, which must be that it is written."""
    assert isinstance(answer, Written)
    return answer


def read(storage: Storage, key: Key) -> Snapshot:
    """The record, which must be there."""
    found = storage.read(key)
    assert isinstance(found, Snapshot)
    return found
