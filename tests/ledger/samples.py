"""Records and keys to try storages with."""

from __future__ import annotations

from hypothesis import strategies as st

from taskhandler.lifecycle.record import Record, State, Step
from taskhandler.testing.contract.samples import FIRST, SECOND, THIRD, fresh_key

__all__ = ["FIRST", "SECOND", "THIRD", "fresh_key", "records"]

_seconds = st.floats(min_value=0, allow_nan=False, allow_infinity=False)
_longer_than_the_test = st.floats(min_value=86_400, max_value=1e12)
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
    retention=_longer_than_the_test,
    handler=st.text(),
    drained=_whole,
    heartbeats=_whole,
    on_dead_called=st.booleans(),
    reason=st.text(),
    result=st.none() | st.text(),
    steps=st.lists(_steps, max_size=4).map(tuple),
    history=st.lists(st.text(), max_size=10).map(tuple),
)
