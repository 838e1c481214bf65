"""How a body becomes a handler's payload, or why it does not."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timezone
from enum import Enum
from typing import Annotated, Any, Literal, NamedTuple, TypedDict

import attrs
import msgspec
import pytest

from taskhandler.errors import TaskHandlerError
from taskhandler.handlers.payload import PayloadCodeError, PayloadError
from taskhandler.handlers.signature import read_signature


class Task:
    """Stands for the task: all that is asked of it here is to be a type."""


class Colour(Enum):
    RED = "red"


@dataclass
class Line:
    sku: str
    count: int = 1


@dataclass
class Order:
    id: str
    lines: list[Line] = field(default_factory=list)


class Slip(TypedDict):
    id: str


class Point(NamedTuple):
    x: int
    y: int = 0


class Strict(msgspec.Struct, forbid_unknown_fields=True):
    id: str


@attrs.define
class Parcel:
    grams: int = attrs.field(validator=attrs.validators.gt(0), converter=float)


@dataclass
class Odd:
    error: str

    def __post_init__(self) -> None:
        raise {"value": ValueError, "type": TypeError, "key": KeyError, "memory": MemoryError}[self.error](
            "no\tsuch\nthing"
        )


@dataclass
class Unspeakable:
    id: str

    def __post_init__(self) -> None:
        raise Mute


class Mute(Exception):  # noqa: N818 - it has nothing to say
    def __str__(self) -> str:
        raise RuntimeError


def decoder(annotation: object) -> Callable[[bytes], object]:
    def handler(payload: object) -> None: ...

    handler.__annotations__["payload"] = annotation
    return read_signature(handler, task_type=Task).decode


def reason(annotation: object, body: bytes) -> str:
    with pytest.raises(PayloadError) as caught:
        decoder(annotation)(body)
    assert str(caught.value) == caught.value.reason
    return caught.value.reason


@pytest.mark.parametrize(
    ("annotation", "body", "payload"),
    [
        (str, b'"a"', "a"),
        (int, b"1", 1),
        (int, b"1" + b"0" * 30, 10**30),
        (float, b"1", 1.0),
        (dict, b'{"a": [1, null]}', {"a": [1, None]}),
        (list[int], b"[1, 2]", [1, 2]),
        (dict[int, str], b'{"1": "a"}', {1: "a"}),
        (Any, b" true\n", True),
        (object, b'{"a": 1}', {"a": 1}),
        (int | str, b'"a"', "a"),
        (Order, b'{"id": "o", "lines": [{"sku": "s"}]}', Order("o", [Line("s")])),
        (Slip, b'{"id": "o"}', {"id": "o"}),
        (Point, b"[1]", Point(1)),
        (Strict, b'{"id": "o"}', Strict("o")),
        (Parcel, b'{"grams": 5}', Parcel(5)),
        (Colour, b'"red"', Colour.RED),
        (datetime, b'"2022-10-25T04:07:35Z"', datetime(2022, 10, 25, 4, 7, 35, tzinfo=timezone.utc)),
        (Annotated[int, msgspec.Meta(gt=0)], b"1", 1),
        (Order | None, b"null", None),
        (bytes, b"\xff\x00", b"\xff\x00"),
        (Annotated[bytes, "raw"], b"1", b"1"),
    ],
)
def test_a_body_becomes_what_the_annotation_says(annotation: object, body: bytes, payload: object) -> None:
    decoded = decoder(annotation)(body)
    assert decoded == payload
    assert type(decoded) is type(payload)


@pytest.mark.parametrize(
    ("annotation", "body", "why"),
    [
        (Any, b"NaN", "JSON is malformed: invalid character"),
        (Any, b"[Infinity]", "JSON is malformed: invalid character"),
        (Any, b"1e999", "Number out of range"),
        (Any, b'{"a": ', "Input data was truncated"),
        (Any, b"1 2", "JSON is malformed: trailing characters"),
        (Any, b" ", "Input data was truncated"),
        (int, b"9" * 5000, "Integer value out of range"),
        (int, b'"1"', "Expected `int`, got `str`"),
        (int, b"1.5", "Expected `int`, got `float`"),
        (dict, b"[]", "Expected `object`, got `array`"),
        (Order, b'{"id": "o", "lines": [{"sku": 1}]}', "Expected `str`, got `int`"),
        (Order, b"{}", "Object missing required field `id`"),
        (Order, b"null", "Expected `object`, got `null`"),
        (Strict, b'{"id": "o", "z": 1}', "Object contains unknown field"),
        (Parcel, b'{"grams": 0}', "ValueError in the payload's own code"),
        (Colour, b'"blue"', "Invalid enum value"),
        (Annotated[int, msgspec.Meta(gt=0)], b"0", "Expected `int` >= 1"),
        (Odd, b'{"error": "value"}', "ValueError in the payload's own code"),
        (Odd, b'{"error": "type"}', "TypeError in the payload's own code"),
    ],
)
def test_a_body_that_cannot_be_the_payload_is_refused_with_a_reason(
    annotation: object, body: bytes, why: str
) -> None:
    assert why in reason(annotation, body)


@pytest.mark.parametrize("body", [b'"\xff"', b'"\xed\xa0\x80"', b'"\\ud800"', b'{"\xff": 1}'])
def test_text_that_is_not_unicode_is_refused(body: bytes) -> None:
    assert reason(Any, body)


@pytest.mark.parametrize("annotation", [Any, list, dict[str, Any]])
@pytest.mark.parametrize("opening", [b"[", b'{"a":'])
def test_a_body_nested_too_deeply_is_refused(annotation: object, opening: bytes) -> None:
    assert reason(annotation, opening * 100_000)


def test_a_value_error_of_a_payloads_own_code_makes_the_body_invalid() -> None:
    assert reason(Odd, b'{"error": "key"}') == "KeyError in the payload's own code"
    with pytest.raises(PayloadError) as caught:
        decoder(Odd)(b'{"error": "key"}')
    assert not isinstance(caught.value, PayloadCodeError)


def test_another_error_of_a_payloads_own_code_does_not_make_the_body_invalid() -> None:
    with pytest.raises(PayloadCodeError) as caught:
        decoder(Unspeakable)(b'{"id": "o"}')
    assert caught.value.reason == "Mute in the payload's own code"


@pytest.mark.parametrize("body", [b"", b"{}"])
def test_an_error_of_a_payloads_own_code_is_not_blamed_on_an_empty_body(body: bytes) -> None:
    class Model:
        @staticmethod
        def model_validate_json(_body: bytes) -> object:
            raise ConnectionError("the database is away")

    with pytest.raises(PayloadCodeError) as caught:
        decoder(Model)(body)
    assert caught.value.reason == "ConnectionError in the payload's own code"


def test_a_memory_error_while_decoding_is_not_a_payload_error() -> None:
    with pytest.raises(MemoryError):
        decoder(Odd)(b'{"error": "memory"}')


def test_a_reason_is_one_printable_line_of_at_most_500_characters() -> None:
    assert PayloadError("a\r\n b\x00\ud800").reason == "a b??"
    assert len(PayloadError("x" * 10_000).reason) == 500
    assert reason(Colour, json.dumps("é" * 100_000).encode()) == "Invalid enum value"


def test_a_payload_error_is_a_value_error_of_this_package() -> None:
    assert isinstance(PayloadError("no"), TaskHandlerError)
    assert isinstance(PayloadError("no"), ValueError)


def test_the_last_of_repeated_keys_is_read() -> None:
    assert decoder(dict)(b'{"a": 1, "a": 2}') == {"a": 2}
    assert decoder(Slip)(b'{"id": "a", "id": "b"}') == {"id": "b"}
    assert reason(Slip, b'{"id": 1, "id": "b"}')  # but each of them must be possible


def test_unknown_fields_of_a_body_are_ignored() -> None:
    assert decoder(Order)(b'{"id": "o", "new": {"a": [1]}}') == Order("o")


@pytest.mark.parametrize(
    "body",
    [
        b'\xef\xbb\xbf{"id": "\xc3\xa9"}',
        b"\xff\xfe" + '{"id": "é"}'.encode("utf-16-le"),
        b"\xfe\xff" + '{"id": "é"}'.encode("utf-16-be"),
        b"\xff\xfe\0\0" + '{"id": "é"}'.encode("utf-32-le"),
        b"\0\0\xfe\xff" + '{"id": "é"}'.encode("utf-32-be"),
    ],
)
@pytest.mark.parametrize("annotation", [dict, Slip, Any])
def test_json_with_a_byte_order_mark_is_read_as_flask_reads_it(annotation: object, body: bytes) -> None:
    assert decoder(annotation)(body) == json.loads(body) == {"id": "é"}


@pytest.mark.parametrize("mark", [b"\xef\xbb\xbf", b"\xff\xfe"])
def test_a_byte_order_mark_alone_is_an_empty_body(mark: bytes) -> None:
    assert decoder(Order | None)(mark) is None
    assert reason(Order, mark)


@pytest.mark.parametrize(
    "body",
    [b"\xef\xbb\xbf" * 2 + b"1", b"1\xef\xbb\xbf", b"\xff\xfe1", b"\xff\xfe\0\xd8", b"\xff\xfe\0\0abc"],
)
def test_a_byte_order_mark_elsewhere_or_before_something_else_is_refused(body: bytes) -> None:
    assert reason(Any, body)


def test_bytes_keep_their_byte_order_mark() -> None:
    assert decoder(bytes)(b"\xef\xbb\xbf{}") == b"\xef\xbb\xbf{}"


def test_an_empty_body_is_decoded_as_empty_bytes() -> None:
    assert decoder(bytes)(b"") == b""


@pytest.mark.parametrize(
    "annotation",
    [
        None,
        int | None,
        Literal["a", None],  # noqa: PYI061 - this spelling has a way of its own through the code
        Any | None,
        Annotated[Order | None, "annotated"],
    ],
)
def test_an_empty_body_is_decoded_as_none_where_the_annotation_allows_none(annotation: object) -> None:
    assert decoder(annotation)(b"") is None


@pytest.mark.parametrize(
    ("annotation", "name"),
    [(Any, "Any"), (dict, "dict"), (list[int], "list[int]"), (Order, "tests.handlers.test_payload.Order")],
)
def test_an_empty_body_is_refused_where_the_annotation_needs_a_value(annotation: object, name: str) -> None:
    assert reason(annotation, b"") == f"the body is empty; it must be JSON for {name}"
