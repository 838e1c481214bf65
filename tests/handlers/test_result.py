"""How a handler's return value becomes JSON, or why it is not kept."""

from __future__ import annotations

import json
from dataclasses import dataclass

import msgspec
import pydantic
import pytest
from hypothesis import given
from hypothesis import strategies as st

from taskhandler.handlers.result import Dropped, encode_result


class Receipt(pydantic.BaseModel):
    id: str = pydantic.Field(serialization_alias="receipt")


@dataclass
class Paid:
    cents: int


class Stubborn(pydantic.BaseModel):
    @pydantic.model_serializer
    def refuse(self) -> dict[str, str]:
        raise LookupError


def why(value: object, *, limit: int = 65536) -> str:
    dropped = encode_result(value, limit=limit)
    assert isinstance(dropped, Dropped)
    return dropped.why


def test_a_handler_that_returns_none_leaves_no_result() -> None:
    assert encode_result(None) is None


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ({"receipt": "r", "n": [1, None]}, '{"receipt":"r","n":[1,null]}'),
        ("é", '"é"'),
        (False, "false"),
        (Paid(5), '{"cents":5}'),
        (Receipt(id="r"), '{"id":"r"}'),
        ([{"paid": Receipt(id="r")}], '[{"paid":{"id":"r"}}]'),
        (float("nan"), "null"),
        (b"\xff", '"/w=="'),
        (("", 204), '["",204]'),
    ],
)
def test_a_return_value_is_kept_as_json(value: object, text: str) -> None:
    assert encode_result(value) == text


def test_a_value_that_json_cannot_hold_is_dropped_with_its_type_named() -> None:
    assert why(object()) == "TypeError: JSON cannot represent a object"
    assert why({"a": iter(())}) == "TypeError: JSON cannot represent a tuple_iterator"
    assert why({(1, 2): 3}) == "TypeError: JSON cannot represent a tuple"
    assert why("\ud800").startswith("UnicodeEncodeError")
    assert why(msgspec.Raw(b'"\xff"')).startswith("UnicodeDecodeError")


def test_a_value_that_holds_itself_is_dropped() -> None:
    ring: list[object] = []
    ring.append(ring)
    assert why(ring).startswith("RecursionError")


def test_a_value_that_raises_is_dropped() -> None:
    assert why(Stubborn()) == "PydanticSerializationError was raised while it was encoded as JSON"


class Paper(pydantic.BaseModel):
    pages: int = 0


class Quoting:
    @property
    def model_dump_json(self) -> object:
        raise AssertionError

    def __repr__(self) -> str:
        return "4000-secret"


class Leaky(pydantic.BaseModel):
    @pydantic.model_serializer
    def refuse(self) -> dict[str, str]:
        raise ValueError("4000-secret")


def test_a_model_with_a_value_of_another_type_is_kept_without_a_warning() -> None:
    assert encode_result(Paper.model_construct(pages="4000-secret")) == '{"pages":"4000-secret"}'


@pytest.mark.parametrize("value", [Leaky(), {"a": Leaky()}, [Quoting()], "4000-secret\ud800"])
def test_the_reason_for_dropping_a_value_does_not_contain_it(value: object) -> None:
    assert "secret" not in why(value)


def test_a_result_may_be_64_kib_long_and_no_longer() -> None:
    assert encode_result("x" * 65534) == '"' + "x" * 65534 + '"'
    assert why("x" * 65535) == "it has 65537 bytes as JSON, more than 65536"
    assert why("é", limit=3) == "it has 4 bytes as JSON, more than 3"


@given(st.recursive(st.none() | st.booleans() | st.integers() | st.text(), st.lists, max_leaves=9))
def test_json_values_are_kept_unchanged(value: object) -> None:
    text = encode_result([value])
    assert isinstance(text, str)
    assert json.loads(text) == [value]
