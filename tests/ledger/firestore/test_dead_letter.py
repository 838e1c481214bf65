"""A dead letter's body in parts: as many as it takes, and whole or not at all."""

from __future__ import annotations

import os
from typing import Any

import pytest
from google.cloud.firestore_v1 import types
from hypothesis import given
from hypothesis import strategies as st

from taskhandler.ledger.firestore.dead_letter import (
    PART,
    dead_letter_of,
    fill_parts,
    is_part,
    packed,
    part_name,
    parts,
)
from taskhandler.ledger.firestore.transport import Failure, Look
from taskhandler.ledger.storage import Key, TaskBody

KEY = Key("n", "q", "t")
NAME = "projects/p/databases/d/documents/task_ledger/0a"


def documents_of(dead_letter: TaskBody) -> list[Any]:
    made: list[Any] = []

    def new(number: int) -> Any:  # noqa: ANN401 - a protobuf message
        assert number == len(made)
        made.append(types.Document.pb()(name=part_name(NAME, number)))
        return made[-1]

    fill_parts(new, KEY, dead_letter, packed(dead_letter))
    return made


def looked(documents: list[Any]) -> list[Look] | Failure:
    there = {document.name: document for document in documents}
    return parts(part_name(NAME, 0), lambda names: [Look(name, there.get(name), 0) for name in names])


def seen(documents: list[Any]) -> TaskBody:
    looks = looked(documents)
    assert not isinstance(looks, Failure)
    return dead_letter_of([look.document for look in looks])


@given(body=st.binary(max_size=500), content_type=st.text())
def test_a_letter_comes_back_as_it_was(body: bytes, content_type: str):
    dead_letter = TaskBody(body, content_type)
    assert seen(documents_of(dead_letter)) == dead_letter


@pytest.mark.parametrize(
    ("size", "count"), [(0, 1), (PART - 1000, 1), (PART, 2), (2**20, 2), (8 * 2**20, 10)]
)
def test_a_body_takes_as_many_parts_as_it_needs(size: int, count: int):
    dead_letter = TaskBody(os.urandom(size))
    documents = documents_of(dead_letter)
    assert len(documents) == count
    assert seen(documents) == dead_letter
    assert all(document.ByteSize() < 1_000_000 for document in documents)


def test_a_part_is_not_taken_for_a_record():
    assert is_part(part_name(NAME, 0))
    assert not is_part(NAME)
    assert not is_part("projects/p/databases/d/documents/a-letter-b/0a")


def test_nothing_is_no_letter():
    assert looked([]) == []


def test_a_failure_is_handed_on():
    failure = Failure("UNAVAILABLE", "")
    assert parts(part_name(NAME, 0), lambda _: failure) == failure


def test_half_a_letter_is_none():
    documents = documents_of(TaskBody(os.urandom(2**20)))
    with pytest.raises(ValueError, match="missing"):
        seen(documents[:1])
    with pytest.raises(ValueError, match="unpacked"):
        dead_letter_of(documents[:1])


@pytest.mark.parametrize("count", [0, -1, 10_000])
def test_an_impossible_number_of_parts_is_not_believed(count: int):
    documents = documents_of(TaskBody(b"body"))
    documents[0].fields["m"].map_value.fields["parts"].integer_value = count
    with pytest.raises(ValueError, match="parts"):
        looked(documents)


def test_a_body_that_is_no_bytes_is_told_as_that():
    documents = documents_of(TaskBody(b"body"))
    documents[0].fields["m"].map_value.fields["body"].string_value = "body"
    with pytest.raises(ValueError, match="not what was written"):
        dead_letter_of(documents)
