"""Every field of a record is read as it was written, and those of newer versions are kept."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from taskhandler.ledger.storage import Storage, Unavailable, Written
from taskhandler.lifecycle.record import (
    FORMAT,
    MOST_ACTS,
    MOST_ROUNDS,
    OperatorAct,
    Record,
    Round,
    State,
    Step,
)
from taskhandler.lifecycle.verdict import Refused
from taskhandler.testing.contract.fixtures import Fixtures
from taskhandler.testing.contract.samples import FIRST, SECOND, fresh_key, read, written

NAMES = ("", "a name", "é 漢 🚀", 'a "quote" \\ and / \n\t\0\u2028', " spaces ", "null")
TEXTS = (*NAMES, "long " * 2000)
COUNTS = (0, 1, 2**31, 2**53 + 1, 2**62)
MOST_ATTEMPTS = replace(FIRST, attempt=max(COUNTS))
"""As many of them as there may be can have been drained."""
JSON = (None, "", "null", "[]", '{"a":"é"}', f'"{"x" * 20_000}"')

SAMPLES: dict[str, tuple[object, ...]] = {
    "state": tuple(State),
    "attempt": COUNTS,
    "fence": COUNTS,
    "lease_id": NAMES,
    "lease": (0.001, 0.1 + 0.2, 30.0, 1800.0),
    "digest": NAMES,
    "retention": (86_400.0, 3_024_000.5, 315_360_000.0),
    "handler": NAMES,
    "drained": COUNTS,
    "heartbeats": COUNTS,
    "on_dead_called": (False, True),
    "reason": TEXTS,
    "result": JSON,
    "steps": (
        (),
        (Step("", 2**62),),
        tuple(
            Step(name, number, value) for number, (name, value) in enumerate(zip(NAMES, JSON, strict=True))
        ),
        tuple(Step(f"step {number}", number, f'"{"x" * 500}"') for number in range(200)),
    ),
    "history": ((), NAMES, ("the same", "the same"), ("x" * 1000,) * 10),
    "error_type": NAMES,
    "trace": NAMES,
    "generation": COUNTS,
    "claimed_by": NAMES,
    "rounds": (
        (),
        tuple(Round(name_hash=name, state=state) for name, state in zip(NAMES, State, strict=False)),
        tuple(Round(name_hash=f"{number:064}", state=State.COMPLETED) for number in range(MOST_ROUNDS)),
    ),
    "acts": (
        (),
        tuple(OperatorAct(action="reset", who=name, why=name, at=1.7e9 + 0.123) for name in NAMES),
        tuple(OperatorAct(action="cancel", who="who", why="w" * 500, at=0.0) for _ in range(MOST_ACTS)),
    ),
    "format": (FORMAT, FORMAT + 1),
    "min_reader": (FORMAT,),
}
"""Values of each field. `unknown` has tests of its own."""


class Records(Fixtures):
    """`Record`, and the structs in it."""

    @pytest.mark.parametrize("field", SAMPLES)
    def test_every_value_of_a_field_is_read_as_it_was_written(self, storage: Storage, field: str) -> None:
        for value in SAMPLES[field]:
            created, replaced = fresh_key(), fresh_key()
            record = replace(MOST_ATTEMPTS, **{field: value})
            written(storage.create(created, record))
            version = written(storage.create(replaced, SECOND)).version
            written(storage.replace(replaced, record, version))
            assert read(storage, created).record == record
            assert read(storage, replaced).record == record

    def test_a_field_that_is_taken_away_is_gone(self, storage: Storage) -> None:
        full = replace(FIRST, **{field: values[-1] for field, values in SAMPLES.items()})
        key = fresh_key()
        version = written(storage.create(key, full)).version
        assert read(storage, key).record == full
        written(storage.replace(key, FIRST, version))
        assert read(storage, key).record == FIRST

    def test_a_text_that_is_half_a_surrogate_pair_is_refused_or_kept(self, storage: Storage) -> None:
        key = fresh_key()
        record = replace(FIRST, reason="half a \ud800 pair")
        answer = storage.create(key, record)
        assert isinstance(answer, Written | Refused)
        if isinstance(answer, Written):
            assert read(storage, key).record == record

    def test_fields_of_a_newer_version_are_read_and_written_back(self, storage: Storage) -> None:
        key, newer = fresh_key(), self._newer()
        version = written(storage.create(key, newer)).version
        found = read(storage, key).record
        assert found == newer
        written(storage.replace(key, replace(found, heartbeats=1), version))
        assert read(storage, key).record == replace(newer, heartbeats=1)

    def test_fields_of_a_newer_version_are_shown_by_a_scan_too(self, storage: Storage) -> None:
        key, newer = fresh_key(), self._newer()
        written(storage.create(key, newer))
        assert [shown.record for _, shown in storage.scan()] == [newer]

    def test_a_record_that_only_a_newer_version_may_act_on_is_unavailable(self, storage: Storage) -> None:
        key = fresh_key()
        written(storage.create(key, replace(FIRST, format=FORMAT + 1, min_reader=FORMAT + 1)))
        found = storage.read(key)
        assert isinstance(found, Unavailable)
        assert found.why
        assert found.is_lasting
        assert not isinstance(storage.create(key, FIRST), Written)

    def _newer(self) -> Record:
        """A record with fields that this version does not know, in every struct that it has."""
        one, other = self.encoded_values
        return replace(
            FIRST,
            format=FORMAT + 1,
            unknown=(("a_later_field", one), ("z_another", other)),
            steps=(Step("a", 1, unknown=(("a_later_field", other),)), Step("b", 2, "3")),
            rounds=(Round(name_hash="0" * 64, state=State.DEAD, unknown=(("a_later_field", one),)),),
            acts=(OperatorAct(action="reset", who="w", why="y", at=1.5, unknown=(("x", one),)),),
        )
