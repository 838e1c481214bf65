"""What would arrive otherwise than it was sent."""

from __future__ import annotations

from collections import OrderedDict, deque
from dataclasses import dataclass
from typing import Any, NamedTuple

import attrs
import msgspec
import pydantic
import pytest
from msgspec import UNSET

from taskhandler.enqueue.changes import find_first_change


class Point(NamedTuple):
    x: int
    y: set[int]


class Row(msgspec.Struct, array_like=True, tag="row"):
    a: int
    b: set[int]


class Bare(msgspec.Struct, array_like=True):
    a: int


class Lost(msgspec.Struct, omit_defaults=True):
    a: float = 5


class Tagged(msgspec.Struct, tag="row"):
    a: set[int]


@dataclass
class Both:
    a: int
    more: int


class Left(pydantic.BaseModel, extra="allow"):
    a: int = 1
    b: int = pydantic.Field(default=5, exclude=True)


class Empty(msgspec.Struct):
    pass


@attrs.define
class Parcel:
    a: set[int]


@dataclass(eq=False)
class Alone:
    """Equal only to itself."""

    a: set[int]


def change(sent: object, json: object, read: object = UNSET) -> str | None:
    return find_first_change(sent, json, read, fields=frozenset({"a", "b"}))


@pytest.mark.parametrize(
    ("sent", "json", "read"),
    [
        (1, 1, UNSET),
        ({1}, [1], {1}),
        ([{1}], [[1]], [{1}]),
        ((1, {2}), [1, [2]], (1, {2})),
        (Point(1, {2}), [1, [2]], Point(1, {2})),
        (OrderedDict(a=1), {"a": 1}, UNSET),
        (Row(1, {2}), ["row", 1, [2]], Row(1, {2})),
        (Bare(1), [1], UNSET),
        (Parcel({1}), {"a": [1]}, Parcel({1})),
        ({1: {2}}, {"1": [2]}, {1: {2}}),
        ({"z": 1}, {"z": 1}, UNSET),
        ({"z": 1}, {"z": 1}, None),
        ({"a": {1}, "type": "row"}, {"a": [1], "type": "row"}, Tagged({1})),
        (["row", 1, {2}], ["row", 1, [2]], Row(1, {2})),
        ([1, 1, 2], [1, 1, 2], {1, 2}),
        ([{1}], [[1]], deque([{1}])),
        ([1, 1], [1, 1], [1]),
        ({"1": {2}}, {"1": [2]}, {1: {2}}),
        ({1: 2}, {"1": 2}, {1: 2.0}),
        ({"A": 1}, {"A": 1}, {"a": 1}),
        (2**53, 2**53, 2.0**53),
        (2**53 + 1, 2**53 + 1, 2**53 + 1),
        (3, 3, 1.5),
        ("a", "a", "A"),
        ("a", "b", "a"),
        (Lost(), {}, Lost()),
        (Left(), {"a": 1}, Left()),
        (Left.model_validate({"c": 2}), {"a": 1, "c": 2}, Left.model_validate({"c": 2})),
        (Empty(), {}, UNSET),
        (Alone({1}), {"a": [1]}, Alone({1})),
        ({"a": {1}}, {"a": [1]}, Alone({1})),
        (pydantic.RootModel[set[int]]({1}), [1], pydantic.RootModel[set[int]]({1})),
        (UNSET, UNSET, UNSET),
        (msgspec.Raw(b"1"), 1, 1),
    ],
)
def test_a_value_that_json_holds_or_the_handler_reads_is_not_a_change(
    sent: object, json: object, read: object
):
    assert change(sent, json, read) is None


@pytest.mark.parametrize(
    ("sent", "json", "read", "said"),
    [
        ({1}, [1], [1], "the set at $ would arrive as a list"),
        ({1}, [1], frozenset({1}), "the set at $ would arrive as a list"),
        ([1, {2}], [1, [2]], [1], "the set at $[1] would arrive as a list"),
        (Row(1, {2}), ["row", 1, [2]], UNSET, "the set at $.b would arrive as a list"),
        (Left(b=6), {"a": 1}, Left(), "the int at $.b would be left out"),
        (Lost(), {}, {}, "the int at $.a would be left out"),
        (Alone({1}), {"a": [1]}, Alone({2}), "the set at $.a would arrive as a list"),
        (True, 1, 1, "the bool at $ would arrive as an int"),
        (1.5, None, UNSET, "the float at $ would arrive as null"),
        ({"c": b""}, {"c": ""}, UNSET, "the bytes at $[...] would arrive as a str"),
        (
            {"a": {1}, "z": 1},
            {"a": [1], "z": 1},
            Alone({1}),
            "the handler would not read 1 of 2 keys of the dict at $",
        ),
        (Both(1, 2), {"a": 1, "more": 2}, Lost(1), "the handler would not read more of the Both at $"),
        (
            Left.model_validate({"a": 1, "secret": 2}),
            {"a": 1, "secret": 2},
            Lost(1),
            "the handler would not read 1 of 2 keys of the Left at $",
        ),
        ([1, 2], [1, 2], Bare(1), "the handler would not read 1 of 2 items of the list at $"),
        (
            {"a": 1, "z": 1},
            {"a": 1, "z": 1},
            {"a": 1},
            "the handler would not read 1 of 2 keys of the dict at $",
        ),
        (
            {"A": 1, "a": 2},
            {"A": 1, "a": 2},
            {"a": 2},
            "the handler would not read 1 of 2 keys of the dict at $",
        ),
        ({1: 1, "1": 2}, {"1": 2}, {1: 2}, "keys of the dict at $ would be equal in JSON"),
        (
            {"z": {"z": 1}},
            {"z": {"z": 1}},
            {"z": Lost()},
            "the handler would not read 1 of 1 keys of the dict at $[...]",
        ),
        (
            {"1": {"z": 1}},
            {"1": {"z": 1}},
            {1: Lost()},
            "the handler would not read 1 of 1 keys of the dict at $[...]",
        ),
        (msgspec.Raw(b"{}"), {"z": 1}, Lost(), "the handler would not read 1 of 1 keys of the dict at $"),
        (2**53 + 1, 2**53 + 1, 2.0**53, "the int at $ would lose digits as a float"),
        ({"a": 2**53 + 1}, {"a": 2**53 + 1}, Lost(2.0**53), "the int at $.a would lose digits as a float"),
        (
            {"a": {1: 2}},
            {"a": {"1": 2}},
            {"a": {1.0: 2}},
            "the int at $.a[...] (a key) would arrive as a str",
        ),
    ],
)
def test_a_value_that_would_change_is_named_by_its_place_and_type(
    sent: object, json: object, read: object, said: str
):
    assert change(sent, json, read) == said


def test_a_refusal_repeats_field_names_and_no_keys_of_the_payload():
    sent: Any = {"4000-secret": {"a": {2}}}
    assert change(sent, {"4000-secret": {"a": [2]}}) == "the set at $[...].a would arrive as a list"
