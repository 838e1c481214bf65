"""A dead letter's body in parts: as many as it takes, and whole or not at all."""

from __future__ import annotations

import os

import pytest
from google.cloud.firestore_v1 import types
from hypothesis import given
from hypothesis import strategies as st

from taskhandler.ledger.firestore.dead_letter import (
    PART_BYTES,
    compress,
    decode_parts,
    encode_parts,
    fetch_parts,
    name_part,
)
from taskhandler.ledger.firestore.transport import Failure, Fetched
from taskhandler.ledger.storage import Key, TaskBody
from taskhandler.protobuf import Message

KEY = Key("n", "q", "t")
NAME = "projects/p/databases/d/documents/task_ledger/0a"


def documents_of(dead_letter: TaskBody) -> list[Message]:
    made: list[Message] = []

    def new(number: int) -> Message:
        assert number == len(made)
        made.append(types.Document.pb()(name=name_part(NAME, number)))
        return made[-1]

    encode_parts(new, KEY, dead_letter, compress(dead_letter))
    return made


def fetch(documents: list[Message]) -> list[Fetched] | Failure:
    there = {document.name: document for document in documents}
    return fetch_parts(
        name_part(NAME, 0), lambda names: [Fetched(name, there.get(name), 0) for name in names]
    )


def decode(documents: list[Message]) -> TaskBody:
    found = fetch(documents)
    assert not isinstance(found, Failure)
    return decode_parts([part.document for part in found])


@given(body=st.binary(max_size=500), content_type=st.text())
def test_a_dead_letter_is_decoded_as_it_was_encoded(body: bytes, content_type: str):
    dead_letter = TaskBody(body, content_type)
    assert decode(documents_of(dead_letter)) == dead_letter


@pytest.mark.parametrize(
    ("size", "count"), [(0, 1), (PART_BYTES - 1000, 1), (PART_BYTES, 2), (2**20, 2), (8 * 2**20, 10)]
)
def test_a_body_takes_as_many_parts_as_it_needs(size: int, count: int):
    dead_letter = TaskBody(os.urandom(size))
    documents = documents_of(dead_letter)
    assert len(documents) == count
    assert decode(documents) == dead_letter
    assert all(document.ByteSize() < 1_000_000 for document in documents)


def test_a_part_is_below_its_record_in_a_collection_of_the_same_id():
    assert name_part(NAME, 1) == f"{NAME}/task_ledger/dead-letter-1"


def test_a_record_without_parts_has_no_dead_letter():
    assert fetch([]) == []


def test_a_failure_to_fetch_the_parts_is_returned():
    failure = Failure("UNAVAILABLE", "")
    assert fetch_parts(name_part(NAME, 0), lambda _: failure) == failure


def test_a_dead_letter_with_a_missing_part_is_an_error():
    documents = documents_of(TaskBody(os.urandom(2**20)))
    with pytest.raises(ValueError, match="missing"):
        decode(documents[:1])
    with pytest.raises(ValueError, match="decompressed"):
        decode_parts(documents[:1])


@pytest.mark.parametrize("count", [0, -1, 10_000])
def test_an_impossible_number_of_parts_is_an_error(count: int):
    documents = documents_of(TaskBody(b"body"))
    documents[0].fields["record"].map_value.fields["parts"].integer_value = count
    with pytest.raises(ValueError, match="parts"):
        fetch(documents)


def test_a_body_that_is_not_bytes_is_an_error():
    documents = documents_of(TaskBody(b"body"))
    documents[0].fields["record"].map_value.fields["body"].string_value = "body"
    with pytest.raises(ValueError, match="not bytes"):
        decode_parts(documents)
