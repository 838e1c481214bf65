"""What is sent for a payload: what the handler can read, and nothing that JSON has changed."""

from __future__ import annotations

import datetime as dt
import enum
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, TypedDict

import attrs
import msgspec
import pydantic
import pytest

from taskhandler.enqueue.body import LIMIT_BYTES, Body, encode_body
from taskhandler.errors import UsageError
from taskhandler.handlers.signature import Signature, read_signature

SECRET = "4000-secret"
NAN = float("nan")
DAY = dt.datetime(2030, 1, 1, tzinfo=dt.timezone.utc)


class Task:
    """Stands for the task: all that is asked of it here is to be a type."""


class Colour(enum.Enum):
    RED = "red"


class Word(str, enum.Enum):
    RED = "red"


@dataclass
class Order:
    id: str
    price: Decimal | None = None
    day: dt.datetime | None = None
    tags: set[str] = field(default_factory=set)
    colour: Colour | None = None


class Slip(TypedDict):
    id: str
    names: dict[int, str]


class Line(msgspec.Struct, rename="camel", tag=True):
    line_id: int
    raw: bytes = b""
    note: str | msgspec.UnsetType = msgspec.UNSET


@attrs.define
class Parcel:
    grams: int


class Model(pydantic.BaseModel):
    cents: int = pydantic.Field(alias="amount")
    day: dt.datetime | None = None


class ByName(pydantic.BaseModel, populate_by_name=True):
    cents: int = pydantic.Field(serialization_alias="amount")


class Secret(pydantic.BaseModel):
    word: pydantic.SecretStr


class Rooted(pydantic.RootModel[list[Model]]):
    """A list of models."""


class Grumpy(pydantic.BaseModel):
    @pydantic.model_serializer
    def refuse(self) -> dict[str, str]:
        raise ValueError(SECRET)


class Foreign:
    @staticmethod
    def model_dump_json(*_: object, **__: object) -> str:
        raise KeyError(SECRET)


def nothing() -> None: ...


def signature(annotation: object) -> Signature:
    if annotation is nothing:
        return read_signature(nothing, task_type=Task)

    def handler(payload: object) -> None: ...

    handler.__annotations__["payload"] = annotation
    return read_signature(handler, task_type=Task)


def sent(payload: object, annotation: object = Any) -> bytes:
    return encode_body(payload, signature(annotation), limit=LIMIT_BYTES).content


def refusal(payload: object, annotation: object = Any) -> str:
    with pytest.raises(UsageError) as refused:
        sent(payload, annotation)
    assert (refused.value.__cause__, refused.value.__context__) == (None, None)
    assert "secret" not in str(refused.value)
    return str(refused.value)


@pytest.mark.parametrize(
    ("annotation", "payload", "content"),
    [
        (Any, None, b"null"),
        (Any, {"a": [1, None, "ü", True, 1.5, -0.0]}, '{"a":[1,null,"ü",true,1.5,-0.0]}'.encode()),
        (Any, {"a": (1, [2])}, b'{"a":[1,[2]]}'),
        (Any, 2**70, b"1180591620717411303424"),
        (Any, msgspec.Raw(b'{"a":1}'), b'{"a":1}'),
        (dict | None, None, b"null"),
        (float, 1, b"1"),
        (dict[int, str], {1: "a"}, b'{"1":"a"}'),
        (set[int], {1}, b"[1]"),
        (dt.datetime, DAY, b'"2030-01-01T00:00:00Z"'),
        (Slip, {"id": "a", "names": {1: "a"}}, b'{"id":"a","names":{"1":"a"}}'),
        (
            Order,
            Order("a", Decimal("1.10"), DAY, {"x"}, Colour.RED),
            b'{"id":"a","price":"1.10","day":"2030-01-01T00:00:00Z","tags":["x"],"colour":"red"}',
        ),
        (
            Order,
            {"id": "a", "day": DAY, "tags": {"x"}},
            b'{"id":"a","day":"2030-01-01T00:00:00Z","tags":["x"]}',
        ),
        (dict[int, str], {"1": "a"}, b'{"1":"a"}'),
        (set[int], [1, 1, 2], b"[1,1,2]"),
        (float, 2**53, b"9007199254740992"),
        (dict, Parcel(1), b'{"grams":1}'),
        (Parcel, {"grams": 1}, b'{"grams":1}'),
        (Line, Line(1, b"\xff"), b'{"type":"Line","lineId":1,"raw":"/w=="}'),
        (Line, Line(1, b"", "n"), b'{"type":"Line","lineId":1,"raw":"","note":"n"}'),
        (Model, Model(amount=5), b'{"amount":5,"day":null}'),
        (Model, Model(amount=5, day=DAY), b'{"amount":5,"day":"2030-01-01T00:00:00Z"}'),
        (Model, {"amount": 5}, b'{"amount":5}'),
        (dict, [Model(amount=5)][0], b'{"amount":5,"day":null}'),
        (list, [Model(amount=5)], b'[{"amount":5,"day":null}]'),
        (ByName, ByName(cents=5), b'{"cents":5}'),
        (Rooted, Rooted([Model(amount=5)]), b'[{"amount":5,"day":null}]'),
        (Rooted, [{"amount": 5}], b'[{"amount":5}]'),
    ],
)
def test_a_payload_that_arrives_unchanged_is_sent(annotation: object, payload: object, content: bytes):
    assert encode_body(payload, signature(annotation), limit=LIMIT_BYTES) == Body(content, "application/json")


@pytest.mark.parametrize("raw", [b"\xff\x00", bytearray(b"\xff\x00"), memoryview(b"\xff\x00")])
def test_bytes_are_sent_as_they_are(raw: bytes):
    assert encode_body(raw, signature(bytes), limit=9) == Body(b"\xff\x00", "application/octet-stream")


def test_a_handler_that_takes_no_payload_gets_an_empty_body():
    assert encode_body(None, signature(nothing), limit=9) == Body(b"", "")


@pytest.mark.parametrize(
    ("payload", "change"),
    [
        ({"a": NAN}, "the float at $[...] would arrive as null"),
        ([float("inf")], "the float at $[0] would arrive as null"),
        ({1: 2}, "the int at $[...] (a key) would arrive as a str"),
        ({1.5: 2}, "the float at $[...] (a key) would arrive as a str"),
        ({Word.RED: 2}, "the Word at $[...] (a key) would arrive as a str"),
        ({"a": {1}}, "the set at $[...] would arrive as a list"),
        ({"a": Decimal(1)}, "the Decimal at $[...] would arrive as a str"),
        ({"a": DAY}, "the datetime at $[...] would arrive as a str"),
        ({"a": DAY.replace(tzinfo=None)}, "the datetime at $[...] would arrive as a str"),
        ({"a": b"4000-secret"}, "the bytes at $[...] would arrive as a str"),
        (Colour.RED, "the Colour at $ would arrive as a str"),
        ({"a": Word.RED}, "the Word at $[...] would arrive as a str"),
        (Order("a", tags={"x"}), "the set at $.tags would arrive as a list"),
    ],
)
def test_a_payload_that_json_would_change_is_refused(payload: object, change: str):
    remedy = "Convert it, or annotate the handler's payload with a type that holds it"
    said = refusal(payload)
    assert said in (f"{change}. {remedy}", f"{change.replace('.tags', '[...]')}. {remedy}")


@pytest.mark.parametrize(
    ("annotation", "payload", "said"),
    [
        (Order, {"id": "a", "price": NAN}, "the float at $.price would arrive as null. "),
        (
            list[float],
            [NAN],
            "the handler takes list[float] and could not read this list: Expected `float`, got ",
        ),
        (Model, Model.model_construct(cents=5, day=SECRET), "the handler takes "),
        (Secret, Secret(word=pydantic.SecretStr(SECRET)), "the SecretStr at $.word would arrive as a str. "),
        (dict, Model(amount=5, day=DAY), "the datetime at $.day would arrive as a str. "),
        (
            dict,
            [SECRET],
            "the handler takes dict and could not read this list: Expected `object`, got `array`",
        ),
        (
            dict[str, int],
            {"a": SECRET},
            "the handler takes dict[str, int] and could not read this dict: Expected ",
        ),
        (Model, {"amount": SECRET}, "and could not read this dict: amount: int_parsing"),
        (dict, None, "the handler takes dict: pass a payload to enqueue()"),
        (Model, None, "Model: pass a payload to enqueue()"),
        (bytes, None, "the handler takes bytes, not NoneType. "),
        (bytes, SECRET, "the handler takes bytes, not str. Encode it as the handler decodes it"),
        (
            dict,
            b'{"a": "4000-secret"}',
            "the handler takes JSON for dict, not bytes. Pass the value itself, or ",
        ),
        (
            nothing,
            {"a": SECRET},
            "the handler takes no payload. Add a parameter for the payload, or enqueue without one",
        ),
        (nothing, b"", "the handler takes no payload. "),
    ],
)
def test_a_payload_that_the_handler_could_not_decode_is_refused(
    annotation: object, payload: object, said: str
):
    assert said in refusal(payload, annotation)


@pytest.mark.parametrize(
    ("payload", "why"),
    [
        (object(), "JSON cannot represent type object"),
        ({"a": iter(())}, "JSON cannot represent type tuple_iterator"),
        ({None: 1}, "JSON cannot represent type NoneType"),
        ("4000-secret\ud800", "it has text with lone surrogates"),
        ({"4000-secret\ud800": 1}, "it has text with lone surrogates"),
        (Grumpy(), "PydanticSerializationError was raised while it was encoded"),
        (Foreign(), "KeyError was raised while it was encoded"),
    ],
)
def test_a_payload_that_json_cannot_hold_is_refused(payload: object, why: str):
    assert refusal(payload) == f"a payload of type {type(payload).__name__} cannot be encoded as JSON: {why}"


def test_an_integer_of_too_many_digits_is_refused():
    assert (
        refusal(10**5000)
        == "a payload of type int cannot be encoded as JSON: ValueError was raised while it was encoded"
    )


def test_a_payload_that_holds_itself_is_refused():
    ring: list[object] = []
    ring.append(ring)
    assert refusal(ring).endswith("it contains itself, or is nested too deeply")


def test_a_payload_nested_too_deeply_to_be_checked_is_refused():
    deep: list[object] = []
    for _ in range(900):
        deep = [deep]
    assert "nested too deeply" in refusal(deep)


@pytest.mark.parametrize(("limit", "most"), [(100, 100), (LIMIT_BYTES + 1, LIMIT_BYTES)])
def test_a_payload_longer_than_the_service_or_cloud_tasks_accepts_is_refused(limit: int, most: int):
    text = signature(str)
    assert len(encode_body("x" * (most - 2), text, limit=limit).content) == most
    with pytest.raises(UsageError, match=f"the payload has {most + 1} bytes; at most {most} can be sent"):
        encode_body("x" * (most - 1), text, limit=limit)
