"""How a body becomes a handler's payload.

JSON is read as msgspec reads it, strictly: `"1"` is not an int, NaN is not a number, and nothing follows the
value. It is UTF-8, or has a byte order mark that says otherwise. Of equal keys the last one counts. Fields
that the type does not know are ignored, unless it is a Struct with `forbid_unknown_fields`. Dataclasses
and attrs classes are filled without their `__init__`: `__post_init__` and attrs' validators run, attrs'
converters do not.
"""

from __future__ import annotations

import codecs
import inspect
import typing
from collections.abc import Callable, Iterator
from types import UnionType
from typing import Annotated, Union

import msgspec
from msgspec import Struct
from msgspec.inspect import CustomType, Field, LiteralType, Type, type_info

from taskhandler.errors import TaskHandlerError, UsageError
from taskhandler.handlers import payload_model
from taskhandler.handlers.payload_reason import describe_error, is_fault_of_body
from taskhandler.text import one_line

REASON_LIMIT_CHARACTERS = 500
"""Characters of a reason."""

RAW = (bytes, bytearray, memoryview)
"""Types that are sent as they are."""


class PayloadError(TaskHandlerError, ValueError):
    """The body cannot be decoded as the handler's payload.

    Attributes:
        reason: one line, at most 500 characters; it holds nothing of the body.
    """

    def __init__(self, reason: str) -> None:
        """Make `reason` fit to be stored and logged."""
        self.reason = one_line(reason, limit=REASON_LIMIT_CHARACTERS)
        super().__init__(self.reason)


class PayloadCodeError(PayloadError):
    """The payload's own code failed (a validator whose database is down): the body may be valid."""


class PayloadType(Struct, frozen=True):
    """How a handler's payload is made from a body.

    Attributes:
        annotation: what the payload is annotated with, for people.
        build: makes the payload of a body.
        binary: whether the payload is the body itself, not read as JSON.
        empty: what an empty body is read as: JSON's null where the annotation names None.
        fields: the names that the type gives to its fields in JSON.
    """

    annotation: str
    build: Callable[[bytes], object]
    binary: bool = False
    empty: bytes = b""
    fields: frozenset[str] = frozenset()

    def read(self, body: bytes) -> object:
        """The payload, or a `PayloadError` that holds neither the body nor what its validator raised.

        It is a `PayloadCodeError` where the payload's own code failed for a reason that may lie outside of
        the body. A `MemoryError` is raised as it is.
        """
        try:
            return self.build((body if self.binary else _to_utf8(body)) or self.empty)
        except MemoryError:
            raise
        except Exception as error:  # noqa: BLE001 - a payload's validators are the user's code
            if not is_fault_of_body(error):
                return PayloadCodeError(describe_error(error, self.fields))
            if not body:
                return PayloadError(f"the body is empty; it must be JSON for {self.annotation}")
            return PayloadError(describe_error(error, self.fields))


def _ignore_body(_body: bytes) -> None:
    return None


NO_PAYLOAD = PayloadType("", _ignore_body, binary=True)
"""For handlers that take none: the body is not read."""

_MARKS = {
    codecs.BOM_UTF8: "utf-8",
    codecs.BOM_UTF32_LE: "utf-32-le",  # before UTF-16, whose mark it begins with
    codecs.BOM_UTF32_BE: "utf-32-be",
    codecs.BOM_UTF16_LE: "utf-16-le",
    codecs.BOM_UTF16_BE: "utf-16-be",
}
_ANY_MARK = tuple(_MARKS)


def _to_utf8(body: bytes) -> bytes:
    """JSON as UTF-8 without a byte order mark, as `json.loads` and Flask read it too (RFC 8259, 8.1)."""
    if not body.startswith(_ANY_MARK):
        return body
    mark = next(mark for mark in _MARKS if body.startswith(mark))
    text = body.removeprefix(mark)
    return text if mark == codecs.BOM_UTF8 else text.decode(_MARKS[mark]).encode()


def split_union(hint: object) -> tuple[object, ...]:
    """The types that a union is made of; of another type, itself."""
    if typing.get_origin(hint) is Annotated:
        return split_union(typing.get_args(hint)[0])
    if typing.get_origin(hint) in (Union, UnionType):
        return tuple(inner for member in typing.get_args(hint) for inner in split_union(member))
    return (hint,)


def read_payload_type(hint: object, where: str) -> PayloadType:
    """Read a payload's annotation.

    Args:
        hint: the annotation.
        where: the parameter that has it, for the error message.

    Raises:
        UsageError: a payload cannot have this type.
    """
    annotation, members = inspect.formatannotation(hint), split_union(hint)
    if members == (bytes,):
        return PayloadType(annotation, bytes, binary=True)
    if any(raw in members for raw in RAW):
        raise UsageError(f"{where}: write `bytes` alone for the raw body, or a type that JSON can represent")
    if len(members) == 1 and callable(getattr(members[0], "model_validate_json", None)):
        if payload_model.is_lazy(members[0]):
            raise UsageError(f"{where}: {_LAZY}")
        fields = payload_model.find_field_names(members[0])
        return PayloadType(annotation, payload_model.make_builder(members[0]), fields=fields)
    shape, build = _read_msgspec_type(hint, where)
    empty = b"null" if _names_none(shape) else b""
    return PayloadType(annotation, build, empty=empty, fields=frozenset(_find_field_names(shape)))


_LAZY = (
    "pydantic checks an Iterable or a Generator only while the handler iterates over it, when the body can "
    "no longer be refused. Write list"
)


def _read_msgspec_type(hint: object, where: str) -> tuple[Type, Callable[[bytes], object]]:
    try:
        shape, build = type_info(hint), msgspec.json.Decoder(hint).decode
    except Exception as error:  # any error of the user's type says the same
        raise UsageError(f"{where}: a payload cannot have this type: {error}") from error
    for unfit in _find_unfit(shape):
        raise UsageError(f"{where}: {inspect.formatannotation(unfit)} {_suggest_remedy(unfit)}")
    return shape, build


def _walk_parts(shape: object, seen: set[int]) -> Iterator[Type | Field]:
    """A type, and all of its parts."""
    if id(shape) in seen or not isinstance(shape, Type | Field | tuple):
        return
    seen.add(id(shape))
    if not isinstance(shape, tuple):
        yield shape
    for part in shape if isinstance(shape, tuple) else msgspec.structs.astuple(shape):
        yield from _walk_parts(part, seen)


def _find_unfit(shape: Type) -> Iterator[type]:
    """The types in `shape` that msgspec would not build, or not in the way that they define."""
    for part in _walk_parts(shape, set()):
        cls = getattr(part, "cls", object)
        if hasattr(cls, "__pydantic_validator__") or (isinstance(part, CustomType) and cls is not object):
            yield cls


def _find_field_names(shape: Type) -> Iterator[str]:
    for part in _walk_parts(shape, set()):
        name = part.encode_name if isinstance(part, Field) else getattr(part, "tag_field", None)
        if name is not None:
            yield name


def _suggest_remedy(unfit: type) -> str:
    if hasattr(unfit, "__pydantic_validator__"):
        return "is pydantic's: annotate with one BaseModel, or with a RootModel of this type"
    return "cannot be decoded from JSON: use a dataclass, TypedDict or Struct, or a dict that you convert"


def _names_none(shape: Type) -> bool:
    members = getattr(shape, "types", (shape,))
    return any(
        isinstance(member, msgspec.inspect.NoneType)
        or (isinstance(member, LiteralType) and None in member.values)
        for member in members
    )
