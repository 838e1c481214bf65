"""Why a body was refused: where and what kind of error, and nothing of the body."""

from __future__ import annotations

import datetime as dt
import decimal
import enum
import gc
import json
import re
import ssl
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal, TypedDict

import attrs
import msgspec
import pydantic
import pytest
from hypothesis import given
from hypothesis import strategies as st

from taskhandler.handlers.payload import PayloadError
from taskhandler.handlers.payload_model import find_raised
from taskhandler.handlers.payload_reason import describe_error, describe_raised, is_fault_of_body
from taskhandler.handlers.signature import read_signature

SECRET = "4000-secret"


class Task:
    """Stands for the task: all that is asked of it here is to be a type."""


class Colour(enum.Enum):
    RED = "red"


@dataclass
class Card:
    number: str

    def __post_init__(self) -> None:
        if self.number == "its own":
            raise msgspec.ValidationError(f"Expected {SECRET}")
        raise {"key": KeyError, "value": ValueError, "type": TypeError}[self.number](
            f"{SECRET} - at `$.{SECRET}`"
        )


class Cat(msgspec.Struct, tag="cat", tag_field="kind"):
    lives: int = 9


class Dog(msgspec.Struct, tag="dog", tag_field="kind"):
    name: str = ""


class Order(msgspec.Struct, forbid_unknown_fields=True):
    card: Card | None = None
    cards: list[Card] = []
    colour: Colour = Colour.RED
    word: Literal["a", 5] = "a"
    counts: dict[str, int] = {}
    numbers: dict[int, int] = {}
    day: dt.date | None = None
    price: decimal.Decimal | None = None
    id: uuid.UUID | None = None
    pet: Cat | Dog | None = None
    long: str = msgspec.field(default="", name="long name")


class Slip(TypedDict):
    id: str
    counts: dict[str, int]


@attrs.define
class Parcel:
    grams: str = attrs.field(validator=attrs.validators.in_(["light"]))


class Model(pydantic.BaseModel):
    id: int = 0
    items: list[int] = []


def read(annotation: object) -> Callable[[bytes], object]:
    def handler(payload: object) -> None: ...

    handler.__annotations__["payload"] = annotation
    return read_signature(handler, task_type=Task).type.read


def reason(annotation: object, body: bytes) -> str:
    refused = read(annotation)(body)
    assert isinstance(refused, PayloadError)
    return refused.reason


@pytest.mark.parametrize(
    ("annotation", "body", "said"),
    [
        (Order, {SECRET: 1}, "Object contains unknown field"),
        (Order, {"card": {"number": "value"}}, "ValueError in the payload's own code - at $.card"),
        (Order, {"card": {"number": "type"}}, "TypeError in the payload's own code - at $.card"),
        (Order, {"card": {"number": "key"}}, "KeyError in the payload's own code"),
        (Order, {"cards": [{"number": "value"}]}, "ValueError in the payload's own code - at $.cards[0]"),
        (Card, {"number": "its own"}, "ValidationError"),
        (Order, {"colour": SECRET}, "Invalid enum value - at $.colour"),
        (Order, {"word": SECRET}, "Invalid enum value - at $.word"),
        (Order, {"word": 4000}, "Invalid enum value - at $.word"),
        (Order, {"counts": {SECRET: "x"}}, "Expected `int`, got `str` - at $.counts[...]"),
        (Order, {"numbers": {SECRET: 1}}, "Expected `int`, got `str` - at a key of $.numbers"),
        (Order, {"day": SECRET}, "Invalid RFC3339 encoded date - at $.day"),
        (Order, {"price": SECRET}, "Invalid decimal string - at $.price"),
        (Order, {"id": SECRET}, "Invalid UUID - at $.id"),
        (Order, {"pet": {"kind": SECRET}}, "Invalid value - at $.pet.kind"),
        (Order, {"long name": 4000}, "Expected `str`, got `int` - at $.long name"),
        (Order, {"colour": f"{SECRET}` - at `$.{SECRET}`"}, "Invalid enum value - at $.colour"),
        (Order, {f"x` - at `$.{SECRET}": 1}, "Object contains unknown field - at $.*"),
        (Slip, {"id": "a"}, "Object missing required field `counts`"),
        (Slip, {"id": "a", "counts": {SECRET: SECRET}}, "Expected `int`, got `str` - at $.counts[...]"),
        (Parcel, {"grams": SECRET}, "ValueError in the payload's own code"),
        (Model, {"id": SECRET}, "id: int_parsing"),
    ],
)
def test_a_reason_says_where_and_what_is_wrong_and_nothing_of_the_body(
    annotation: object, body: object, said: str
):
    assert reason(annotation, json.dumps(body).encode()) == said


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (b'"4000-secret\xff"', "the body is not valid Unicode"),
        (b"\xff\xfe4", "the body is not valid Unicode"),
        (b"[" * 100_000, "the body is nested too deeply"),
        (b"4" * 5000, "Integer value out of range"),
        (b'{"a": 4000-secret}', "JSON is malformed: "),
        (b'"4000-secret', "Input data was truncated"),
    ],
)
def test_the_reason_for_a_body_that_is_not_json_contains_nothing_of_it(body: bytes, said: str):
    assert reason(Any, body).startswith(said)
    assert "secret" not in reason(Any, body)


def test_a_long_value_in_a_msgspec_message_is_not_searched():
    body = json.dumps({"colour": "` - at `$" * 50_000}).encode()
    assert reason(Order, body) == "Invalid enum value - at $.colour"


LETTERS = st.text(alphabet=st.characters(codec="utf-8"), min_size=3).map("§{}".format)
WRONG: list[tuple[object, Callable[[str], object]]] = [
    (Order, lambda text: {"counts": {text: text}}),
    (Order, lambda text: {text: text}),
    (Order, lambda text: {"colour": text}),
    (Order, lambda text: {"word": text}),
    (Order, lambda text: {"pet": {"kind": text}}),
    (Order, lambda text: {"id": text}),
    (dict[int, int], lambda text: {text: 1}),
    (Parcel, lambda text: {"grams": text}),
    (Model, lambda text: {"id": text}),
    (Model, lambda text: {"items": [text]}),
]


@pytest.mark.parametrize(("annotation", "made_of"), WRONG)
@given(text=LETTERS)
def test_no_text_of_a_payload_is_in_a_reason(annotation: object, made_of: Callable[[str], object], text: str):
    refused = read(annotation)(json.dumps(made_of(text)).encode())
    assert not isinstance(refused, PayloadError) or text not in refused.reason


@pytest.mark.parametrize("annotation", [Order, Model, Card, Parcel])
def test_a_payload_error_holds_neither_the_body_nor_what_was_raised(annotation: object):
    def handler(payload: object) -> None: ...

    handler.__annotations__["payload"] = annotation
    body = b'{"number": "value", "id": "4000-secret", "grams": "4000-secret"}'
    with pytest.raises(PayloadError) as caught:
        read_signature(handler, task_type=Task).decode(body[:])
    error = caught.value
    assert (error.__cause__, error.__context__) == (None, None)
    assert error.__traceback__ is not None
    below = error.__traceback__.tb_next
    assert below is not None
    assert below.tb_next is None
    assert not any(held is body for held in gc.get_referents(below.tb_frame))
    assert "body" not in below.tb_frame.f_locals


def test_a_reason_contains_only_names_of_the_type():
    assert re.fullmatch(r"[\w:`$.' -]+", reason(Order, b'{"card": {"number": "value"}}'))


def raised_by(check: Callable[[], object]) -> Exception:
    with pytest.raises(Exception, match=r".") as caught:
        check()
    return caught.value


@pytest.mark.parametrize(
    ("check", "said"),
    [
        (lambda: pydantic.TypeAdapter(dict[str, int]).validate_python({SECRET: SECRET}), "*: int_parsing"),
        (lambda: pydantic.TypeAdapter(list[int]).validate_json(b'["4000-secret"]'), "0: int_parsing"),
        (lambda: pydantic.TypeAdapter(list[int]).validate_python(["x"] * 51), "51 errors"),
        (lambda: msgspec.json.decode(b'"4000-secret"', type=Colour), "Invalid enum value"),
        (lambda: msgspec.convert({SECRET: SECRET}, dict[str, int]), "Expected `int`, got `str` - at $[...]"),
        (lambda: msgspec.convert({"number": "value"}, Card), "ValueError in the payload's own code - at $.*"),
        (
            lambda: msgspec.json.decode(b"{4000-secret"),
            "JSON is malformed: object keys must be strings (byte 1)",
        ),
        (lambda: int(SECRET), None),
        (lambda: msgspec.json.encode(object()), None),
    ],
)
def test_the_reason_of_a_validation_error_in_a_handler_contains_no_values(
    check: Callable[[], object], said: str | None
):
    assert describe_raised(raised_by(check)) == said


class Host(msgspec.Struct):
    host: str

    def __post_init__(self) -> None:
        raise ssl.SSLCertVerificationError(SECRET)


class Reachable(pydantic.BaseModel):
    host: str

    @pydantic.field_validator("host")
    @classmethod
    def reached(cls, _value: str) -> str:
        raise ssl.SSLCertVerificationError(SECRET)


class MuteError(msgspec.ValidationError):
    def __str__(self) -> str:
        raise RuntimeError(SECRET)


class NumberError(msgspec.DecodeError):
    def __str__(self) -> str:
        return 5  # type: ignore[return-value]  # noqa: PLE0307 - users do


class EndingError(msgspec.MsgspecError):
    def __str__(self) -> str:
        raise RecursionError


@pytest.mark.parametrize("error", [MuteError("x"), NumberError("x"), EndingError("x")])
def test_an_error_that_cannot_be_printed_is_named_by_its_type(error: msgspec.MsgspecError):
    kind = type(error).__name__
    assert describe_error(error, frozenset()) == kind
    assert describe_raised(error) == (kind if isinstance(error, msgspec.DecodeError) else None)


@pytest.mark.parametrize(
    ("error", "of_the_body"),
    [
        (ValueError(), True),
        (UnicodeError(), True),
        (KeyError(), True),
        (RecursionError(), True),
        (msgspec.ValidationError(), True),
        (RuntimeError(), False),
        (Exception(), False),
        (OSError(), False),
        (ssl.SSLCertVerificationError(), False),
        (raised_by(lambda: msgspec.convert({"number": "value"}, Card)), True),
        (raised_by(lambda: msgspec.convert({"host": "h"}, Host)), False),
        (raised_by(lambda: Reachable(host="h")), False),
        (raised_by(lambda: Reachable.model_validate_json("{}")), True),
    ],
    ids=repr,
)
def test_only_errors_that_a_value_can_cause_make_the_body_invalid(error: Exception, of_the_body: bool):  # noqa: FBT001 - a case
    assert is_fault_of_body(error) is of_the_body


def test_causes_within_very_many_errors_are_not_searched():
    error = raised_by(lambda: pydantic.TypeAdapter(list[Reachable]).validate_python([{"host": "h"}] * 51))
    assert is_fault_of_body(error)
    assert find_raised(error) == []
