"""Payloads of which the handler would read less than is sent."""

from __future__ import annotations

import enum
from dataclasses import dataclass
from typing import Any, TypedDict

import attrs
import msgspec
import pydantic
import pytest

from taskhandler.enqueue.body import LIMIT_BYTES, encode_body
from taskhandler.errors import UsageError
from taskhandler.handlers.signature import read_signature

SECRET = "4000-secret"
NAN = float("nan")


class Task:
    """Stands for the task: all that is asked of it here is to be a type."""


@dataclass
class Order:
    id: str


class Slip(TypedDict):
    id: str
    names: dict[int, str]


class Line(msgspec.Struct, rename="camel", tag=True):
    line_id: int


@attrs.define
class Parcel:
    grams: int


class Model(pydantic.BaseModel):
    cents: int = pydantic.Field(alias="amount")


class Rooted(pydantic.RootModel[list[Model]]):
    """A list of models."""


@dataclass
class Larger(Order):
    more: int = 0


class LargerModel(Model):
    more: int = 0


class Prepared(pydantic.BaseModel):
    cents: int = 0

    @pydantic.model_validator(mode="before")
    @classmethod
    def prepare(cls, _value: object) -> dict[str, int]:
        return {"cents": 5}


class Aliased(pydantic.BaseModel):
    """Read by a name, written by an alias, and with nothing that must be there."""

    cents: int = pydantic.Field(0, serialization_alias="amount")


class Infinite(pydantic.BaseModel, ser_json_inf_nan="constants"):
    x: float


class Sulking(enum.Enum):
    """Not to be compared."""

    A = "a"
    __hash__ = None  # type: ignore[assignment]  # it defines __eq__

    def __eq__(self, _: object) -> bool:
        raise KeyError(SECRET)


def sent(annotation: object, payload: object) -> bytes:
    def handler(payload: object) -> None: ...

    handler.__annotations__["payload"] = annotation
    return encode_body(payload, read_signature(handler, task_type=Task), limit=LIMIT_BYTES).content


def refusal(annotation: object, payload: object) -> str:
    with pytest.raises(UsageError) as refused:
        sent(annotation, payload)
    assert (refused.value.__cause__, refused.value.__context__) == (None, None)
    assert "secret" not in str(refused.value)
    return str(refused.value)


@pytest.mark.parametrize(
    ("annotation", "payload", "said"),
    [
        (Order, {"id": "a", "4000-secret": NAN}, "the handler would not read 1 of 2 keys of the dict at $. "),
        (
            Order,
            {"id": "a", "of a newer revision": 1},
            "the handler would not read 1 of 2 keys of the dict at $",
        ),
        (Order, Larger("a", more=1), "the handler would not read more of the Larger at $. "),
        (list[Order], [Order("a"), Larger("a")], "the handler would not read more of the Larger at $[1]. "),
        (
            dict[int, Order],
            {1: {"id": "a", "typo": 1}},
            "the handler would not read 1 of 2 keys of the dict at $[...]",
        ),
        (
            Slip,
            {"id": "a", "names": {}, "typo": 1},
            "the handler would not read 1 of 3 keys of the dict at $. ",
        ),
        (
            Line,
            {"type": "Line", "lineId": 1, "line_id": 1},
            "the handler would not read 1 of 3 keys of the dict at $",
        ),
        (Parcel, {"grams": 1, "typo": 1}, "the handler would not read 1 of 2 keys of the dict at $. "),
        (Model, {"amount": 1, "cents": 1}, "the handler would not read 1 of 2 keys of the dict at $. "),
        (Rooted, [{"amount": 1, "typo": 1}], "the handler would not read 1 of 2 keys of the dict at $[0]. "),
        (Model, LargerModel(amount=1, more=2), "the handler would not read more of the LargerModel at $. "),
        (
            Order,
            msgspec.Raw(b'{"id":"a","typo":1}'),
            "the handler would not read 1 of 2 keys of the dict at $. ",
        ),
        (float, 2**53 + 1, "the int at $ would lose digits as a float. "),
        (dict[str, float], {"a": -(2**60) - 1}, "the int at $[...] would lose digits as a float. "),
        (dict[int, str], {1: "a", "1": "b"}, "keys of the dict at $ would be equal in JSON. "),
        (
            Any,
            msgspec.Raw(b"{bad"),
            "a msgspec.Raw in it, or one of its serializers, gave something that is not JSON",
        ),
        (dict, {"a": msgspec.Raw(b'"\xff"')}, "gave something that is not JSON"),
        (dict, {"a": msgspec.Raw(b'1,"b":2')}, "keys of the dict at $ would be equal in JSON"),
        (Infinite, Infinite(x=float("inf")), "gave something that is not JSON"),
    ],
)
def test_a_member_that_the_handler_would_not_read_is_refused(annotation: object, payload: object, said: str):
    assert said in refusal(annotation, payload)


@pytest.mark.parametrize(
    ("annotation", "payload", "content"),
    [
        (Prepared, {"anything": 1}, b'{"anything":1}'),
        (Aliased, Aliased(cents=5), b'{"cents":5}'),
        (Line, {"type": "Line", "lineId": 1}, b'{"type":"Line","lineId":1}'),
    ],
)
def test_a_member_that_the_handler_reads_by_another_name_is_sent(
    annotation: object, payload: object, content: bytes
):
    assert sent(annotation, payload) == content


def test_a_payload_that_cannot_be_compared_is_refused():
    assert "KeyError was raised while it was compared with what would arrive" in refusal(Sulking, Sulking.A)


class Exhausting:
    @staticmethod
    def model_dump_json(*_: object, **__: object) -> str:
        raise MemoryError


class Exhausted(enum.Enum):
    A = "a"
    __hash__ = None  # type: ignore[assignment]  # it defines __eq__

    def __eq__(self, _: object) -> bool:
        raise MemoryError


@pytest.mark.parametrize(("annotation", "payload"), [(Any, Exhausting()), (Exhausted, Exhausted.A)])
def test_a_memory_error_while_checking_a_payload_goes_up(annotation: object, payload: object):
    with pytest.raises(MemoryError):
        sent(annotation, payload)
