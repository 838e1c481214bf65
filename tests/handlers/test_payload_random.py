"""Random bodies: they become a payload, or a payload error."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import pydantic
import pytest
from hypothesis import given
from hypothesis import strategies as st

from taskhandler.handlers.payload import PayloadError
from taskhandler.handlers.signature import read_signature


class Task:
    """Stands for the task: all that is asked of it here is to be a type."""


@dataclass
class Order:
    id: str
    cents: int | None = None


class Model(pydantic.BaseModel):
    id: str
    cents: int | None = None


ANNOTATIONS = (Any, None, bytes, str, dict, list[int], Order, Order | None, Model, datetime)

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=10,
)
NEARLY = st.one_of(
    st.fixed_dictionaries({"id": JSON}, optional={"cents": JSON}).map(json.dumps).map(str.encode),
    JSON.map(json.dumps).map(str.encode),
    st.text(alphabet='{}[]:,"\\uD8019.eE+-NaInfity tr\n').map(str.encode),
    st.binary(),
)


def decoder(annotation: object) -> Callable[[bytes], object]:
    def handler(payload: object) -> None: ...

    handler.__annotations__["payload"] = annotation
    return read_signature(handler, task_type=Task).decode


DECODERS = [decoder(annotation) for annotation in ANNOTATIONS]


def refusal(decode: Callable[[bytes], object], body: bytes) -> str | None:
    try:
        decode(body)
    except PayloadError as error:
        return error.reason
    return None


@pytest.mark.parametrize("decode", DECODERS, ids=map(str, ANNOTATIONS))
@given(body=NEARLY)
def test_a_body_becomes_a_payload_or_a_payload_error(decode: Callable[[bytes], object], body: bytes) -> None:
    reason = refusal(decode, body)
    assert reason is None or (0 < len(reason) <= 500 and reason.isprintable())


@given(JSON)
def test_json_is_decoded_unchanged(value: object) -> None:
    assert DECODERS[0](json.dumps(value).encode()) == value


@given(st.binary())
def test_bytes_are_decoded_unchanged(body: bytes) -> None:
    assert DECODERS[2](body) == body
