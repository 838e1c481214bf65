"""Keys are distinguished by all of their four parts, character by character."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from taskhandler.ledger.storage import Key, Storage, TaskBody, Written
from taskhandler.lifecycle.verdict import Refused
from taskhandler.testing.contract.fixtures import Fixtures
from taskhandler.testing.contract.samples import FIRST, read, written

ALIKE = [
    Key("n", "q", "t"),
    Key("n", "q", "t", "x"),
    Key("n", "q", "x"),
    Key("n", "x", "t"),
    Key("x", "q", "t"),
    Key("n/q", "t", ""),
    Key("n", "q/t", ""),
    Key("n", "", "q/t"),
    Key("", "n/q", "t"),
    Key("n:q", "t", ""),
    Key("n", "q:t", ""),
    Key("n\0q", "t", ""),
    Key("n", "q\0t", ""),
    Key("n", "q", "T"),
    Key("n", "q", "t "),
    Key("n", "q", " t"),
    Key("n", "q", "t\0"),
    Key("n", "q", "t\N{COMBINING ACUTE ACCENT}"),
    Key("n", "q", "%"),
    Key("n", "q", "_"),
    Key("n", "q", "*"),
    Key("n", "q", "."),
    Key("n", "q", ".."),
    Key("n", "q", "é"),
    Key("n", "q", "e\N{COMBINING ACUTE ACCENT}"),
    Key("n", "q", "🚀" * 100),
    Key("n", "q", "t" * 500),
    Key("n", "q", "t" * 499 + "T"),
    Key("", "", ""),
]


class Keys(Fixtures):
    """`Key`, wherever it is taken or shown."""

    def test_keys_that_are_only_alike_are_different_rows(self, storage: Storage) -> None:
        reasons = {key: f"row {number}" for number, key in enumerate(ALIKE)}
        for key, reason in reasons.items():
            body = TaskBody(reason.encode())
            written(storage.create(key, replace(FIRST, reason=reason), dead_letter=body))
        assert {key: read(storage, key).record.reason for key in ALIKE} == reasons
        bodies = {key: TaskBody(reason.encode()) for key, reason in reasons.items()}
        assert {key: storage.dead_letter(key) for key in ALIKE} == bodies
        assert {key: shown.record.reason for key, shown in storage.scan()} == reasons

    @pytest.mark.parametrize("part", Key.__struct_fields__)
    def test_a_key_that_is_not_text_is_refused_or_kept_as_it_is(self, storage: Storage, part: str) -> None:
        key = replace(Key("n", "q", "t"), **{part: "half a \ud800 pair"})
        answer = storage.create(key, FIRST)
        assert isinstance(answer, Written | Refused)
        found = storage.read(key)
        assert (found is not None) == isinstance(answer, Written)
        assert storage.dead_letter(key) is None
