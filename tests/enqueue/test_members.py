"""By which names JSON knows the members of objects, sent and read."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import attrs
import msgspec
import pydantic
import pytest
from pydantic.dataclasses import dataclass as checked_dataclass

from taskhandler.enqueue.members import Inputs, Name, find_inputs, list_members, list_names


class Line(msgspec.Struct, rename="camel", tag=True):
    line_id: int = 0


class Row(msgspec.Struct, array_like=True, tag="row"):
    a: int = 0
    b: int = 0


class Bare(msgspec.Struct, array_like=True):
    a: int = 0


@dataclass
class Order:
    id: str = ""


@attrs.define
class Parcel:
    grams: int = 0


class Model(pydantic.BaseModel, extra="allow"):
    cents: int = pydantic.Field(0, alias="amount")
    day: str = ""


class ByName(pydantic.BaseModel, populate_by_name=True):
    cents: int = pydantic.Field(0, alias="amount")


class Choices(pydantic.BaseModel):
    cents: int = pydantic.Field(
        0, validation_alias=pydantic.AliasChoices("a", pydantic.AliasPath("path", "to"), "b")
    )


@checked_dataclass
class Checked:
    cents: int = pydantic.Field(0, alias="amount")


class Before(pydantic.BaseModel):
    cents: int = 0

    @pydantic.model_validator(mode="before")
    @classmethod
    def prepare(cls, value: object) -> object:
        return value


class After(pydantic.BaseModel):
    cents: int = 0

    @pydantic.model_validator(mode="after")
    def look(self) -> After:
        return self


class Own(pydantic.BaseModel):
    cents: int = 0

    @classmethod
    def model_validate_json(cls, *_: Any, **__: Any) -> Own:  # noqa: ANN401 - as pydantic's
        return cls()


EXTRA = Model.model_validate({"4000": 1})


@pytest.mark.parametrize(
    ("value", "members"),
    [
        (Line(), {"line_id": ("lineId",)}),
        (Row(), {"a": (1,), "b": (2,)}),
        (Bare(), {"a": (0,)}),
        (Order(), {"id": ()}),
        (Parcel(), {"grams": ()}),
        (EXTRA, {"cents": ("amount",), "day": (), "4000": ()}),
        ({"a": 1}, None),
        ("a", None),
    ],
)
def test_an_object_is_sent_as_its_members(value: object, members: dict[str, tuple[Name, ...]] | None):
    assert list_members(value) == members


@pytest.mark.parametrize(
    ("value", "inputs"),
    [
        (Line(), Inputs({"type": "", "lineId": "line_id"})),
        (Row(), Inputs({0: "", 1: "a", 2: "b"})),
        (Bare(), Inputs({0: "a"})),
        (Order(), Inputs({"id": "id"})),
        (Parcel(), Inputs({"grams": "grams"})),
        (EXTRA, Inputs({"amount": "cents", "day": "day", "4000": "4000"})),
        (ByName.model_validate({}), Inputs({"amount": "cents", "cents": "cents"})),
        (Choices.model_validate({}), Inputs({"a": "cents", "path": "cents", "b": "cents"})),
        (Checked(amount=0), Inputs({"amount": "cents"})),
        (Before(), Inputs({"cents": "cents"}, is_all=False)),
        (After(), Inputs({"cents": "cents"})),
        (Own(), Inputs({"cents": "cents"}, is_all=False)),
        ({"a": 1}, None),
        ([1], None),
        (None, None),
    ],
)
def test_an_object_is_read_from_what_its_type_names(value: object, inputs: Inputs | None):
    assert find_inputs(value) == inputs


@pytest.mark.parametrize(
    ("value", "names"),
    [
        (Line(), {"line_id", "lineId"}),
        (Order(), {"id"}),
        (EXTRA, {"cents", "amount", "day"}),
        ({"4000": 1}, set()),
    ],
)
def test_names_that_only_a_value_has_are_not_its_types(value: object, names: set[Name]):
    assert list_names(value) == names
