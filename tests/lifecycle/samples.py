"""Records, and a claim, for the tests of the rules."""

from __future__ import annotations

from msgspec.structs import replace

from taskhandler.lifecycle.record import Record, Snapshot, State
from taskhandler.lifecycle.rules import Claim
from taskhandler.lifecycle.verdict import Transition

CLAIM = Claim(lease_id="mine", digest="d", handler="h", lease=30.0, retention=900.0)
OURS = Record(
    state=State.RUNNING,
    attempt=1,
    fence=1,
    lease_id="mine",
    lease=30.0,
    digest="d",
    retention=900.0,
    handler="h",
)
THEIRS = replace(OURS, lease_id="theirs", attempt=3, fence=4, lease=20.0, retention=800.0)


def snapshot(record: Record, *, age: float = 0.0) -> Snapshot:
    return Snapshot(record, version=7, age=age)


def written(step: Transition) -> Record:
    assert step.write is not None
    return step.write
