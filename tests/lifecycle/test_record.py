"""What a record says of itself."""

from __future__ import annotations

import msgspec
import pytest
from msgspec.structs import replace

from taskhandler.lifecycle.record import TERMINAL, Record, Snapshot, State, Step

RECORD = Record(
    state=State.RUNNING, attempt=5, fence=6, lease_id="a", lease=30.0, digest="d", retention=900.0, drained=2
)


@pytest.mark.parametrize(
    ("state", "ended"),
    [
        (State.RUNNING, False),
        (State.WAITING, False),
        (State.COMPLETED, True),
        (State.REJECTED, True),
        (State.DEAD, True),
    ],
)
def test_three_of_the_states_are_ends(state: State, ended: bool):  # noqa: FBT001 - a parameter of the test
    assert replace(RECORD, state=state).is_terminal is ended
    assert (state in TERMINAL) is ended


def test_drained_attempts_are_not_charged():
    assert RECORD.charged == 3


def test_a_record_survives_being_written_down():
    record = replace(
        RECORD, steps=(Step("s", 6), Step("t", 6, "1")), history=("5 lost",), reason="ü", result="{}"
    )
    assert msgspec.json.decode(msgspec.json.encode(record), type=Record) == record


def test_a_fresh_record_is_short_when_written_down():
    written = set(msgspec.to_builtins(replace(RECORD, drained=0)))
    assert written == {"state", "attempt", "fence", "lease_id", "lease", "digest", "retention"}


def test_records_are_values():
    assert {Snapshot(RECORD, 1), Snapshot(replace(RECORD), 1)} == {Snapshot(RECORD, 1, age=0.0)}
    with pytest.raises(AttributeError):
        setattr(RECORD, "attempt", 6)  # noqa: B010 - type checkers would not let it be tried otherwise
