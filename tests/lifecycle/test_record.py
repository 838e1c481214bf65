"""What a record says of itself."""

from __future__ import annotations

import msgspec
import pytest
from msgspec.structs import replace

from taskhandler.lifecycle.record import (
    MOST_LINES,
    TERMINAL,
    Record,
    Snapshot,
    State,
    Step,
    check_decoded,
    end_of,
)

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
        (State.CANCELLED, True),
    ],
)
def test_four_states_are_terminal(state: State, ended: bool):  # noqa: FBT001 - a parameter of the test
    assert replace(RECORD, state=state).is_terminal is ended
    assert (state in TERMINAL) is ended
    assert end_of(Snapshot(replace(RECORD, state=state), 1)) is (state if ended else None)


def test_a_snapshot_without_a_record_is_not_an_end():
    assert end_of(None) is None


def test_drained_attempts_are_not_charged():
    assert RECORD.charged == 3


def test_more_drained_attempts_than_attempts_are_an_error():
    check_decoded(replace(RECORD, drained=5))
    with pytest.raises(ValueError, match="drained is 6, of 5 attempts"):
        check_decoded(replace(RECORD, drained=6))


def test_the_attempt_that_reaches_the_limit_is_the_last():
    limits = [None, 2, 3, 4]
    assert [RECORD.is_last(max_attempts=limit) for limit in limits] == [False, True, True, False]


def test_a_step_is_found_by_its_name():
    record = replace(RECORD, steps=(Step("r", 1), Step("s", 2, "5")))
    assert (record.find_step("s"), record.find_step("t")) == (Step("s", 2, "5"), None)


def test_the_oldest_line_of_a_full_history_is_dropped():
    full = replace(RECORD, history=tuple(f"{n} lost" for n in range(MOST_LINES)))
    assert full.noted("drained").history == (*(f"{n} lost" for n in range(1, MOST_LINES)), "5 drained")


def test_a_record_is_encoded_and_decoded_unchanged():
    record = replace(
        RECORD, steps=(Step("s", 6), Step("t", 6, "1")), history=("5 lost",), reason="ü", result="{}"
    )
    assert msgspec.json.decode(msgspec.json.encode(record), type=Record) == record


@pytest.mark.parametrize("field", ["attempt", "fence", "lease", "retention", "drained", "heartbeats"])
def test_a_negative_number_is_not_decoded(field: str):
    with pytest.raises(msgspec.ValidationError, match=field):
        msgspec.convert({**msgspec.to_builtins(RECORD), field: -1}, Record)


def test_a_fresh_record_is_encoded_briefly():
    written = set(msgspec.to_builtins(replace(RECORD, drained=0)))
    assert written == {"state", "attempt", "fence", "lease_id", "lease", "digest", "retention"}


@pytest.mark.parametrize("state", State)
@pytest.mark.parametrize(("age", "is_past"), [(59.9, False), (60.0, True), (1e9, True)])
def test_an_end_expires_when_it_is_as_old_as_its_retention(state: State, age: float, *, is_past: bool):
    snapshot = Snapshot(replace(RECORD, state=state, retention=60.0), 1, age)
    assert snapshot.has_expired == (is_past and state in TERMINAL)


def test_records_are_compared_by_value():
    assert {Snapshot(RECORD, 1), Snapshot(replace(RECORD), 1)} == {Snapshot(RECORD, 1, age=0.0)}
    with pytest.raises(AttributeError):
        setattr(RECORD, "attempt", 6)  # noqa: B010 - type checkers would not let it be tried otherwise
