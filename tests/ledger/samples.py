"""Records and keys to try storages with."""

from __future__ import annotations

from hypothesis import strategies as st
from msgspec.structs import replace

from taskhandler.lifecycle.record import Record, State, Step
from taskhandler.testing.contract.samples import FIRST, SECOND, THIRD, fresh_key

__all__ = ["ABSURD", "FIRST", "SECOND", "THIRD", "fresh_key", "records"]

ABSURD: list[tuple[str, int | float]] = [
    ("attempt", -1),
    ("attempt", 2**63 - 1),
    ("fence", -1),
    ("fence", 2**63 - 1),
    ("lease", -0.5),
    ("lease", 3601),
    ("retention", -1),
    ("drained", -1),
    ("drained", FIRST.attempt + 1),
    ("heartbeats", -1),
    ("heartbeats", 2**63 - 1),
    ("generation", -1),
]
"""Fields of `FIRST` that somebody edited by hand: the type is right, the value cannot be."""

_leases = st.floats(min_value=0, max_value=3600)
_longer_than_the_test = st.floats(min_value=86_400, max_value=1e12)
_whole = st.integers(min_value=0, max_value=2**62)
_steps = st.builds(Step, st.text(), _whole, st.none() | st.text())

_undrained = st.builds(
    Record,
    state=st.sampled_from(State),
    attempt=_whole,
    fence=_whole,
    lease_id=st.text(),
    lease=_leases,
    digest=st.text(),
    retention=_longer_than_the_test,
    handler=st.text(),
    heartbeats=_whole,
    on_dead_called=st.booleans(),
    reason=st.text(),
    result=st.none() | st.text(),
    steps=st.lists(_steps, max_size=4).map(tuple),
    history=st.lists(st.text(), max_size=10).map(tuple),
)

records = st.builds(
    lambda record, share: replace(record, drained=int(record.attempt * share)),
    _undrained,
    st.fractions(min_value=0, max_value=1),
)
