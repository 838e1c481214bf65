"""Records and keys to try storages with."""

from __future__ import annotations

import itertools

from hypothesis import strategies as st
from msgspec.structs import replace

from taskhandler.ledger.storage import Key
from taskhandler.lifecycle.record import Record, State, Step

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

_numbers = itertools.count(1)
_seconds = st.floats(min_value=0, allow_nan=False, allow_infinity=False)
_whole = st.integers(min_value=0, max_value=2**62)
_steps = st.builds(Step, st.text(), _whole, st.none() | st.text())

records = st.builds(
    Record,
    state=st.sampled_from(State),
    attempt=_whole,
    fence=_whole,
    lease_id=st.text(),
    lease=_seconds,
    digest=st.text(),
    retention=_seconds,
    handler=st.text(),
    drained=_whole,
    heartbeats=_whole,
    on_dead_called=st.booleans(),
    reason=st.text(),
    result=st.none() | st.text(),
    steps=st.lists(_steps, max_size=4).map(tuple),
    history=st.lists(st.text(), max_size=10).map(tuple),
)


def fresh_key() -> Key:
    """A key that no other test of this process has."""
    return Key("project/location", "queue", f"task-{next(_numbers)}")
