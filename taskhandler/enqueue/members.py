"""The members of objects that are sent or read, and their names in JSON.

These are the classes that msgspec and pydantic know: Structs, dataclasses, attrs classes and models.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping
from itertools import count
from typing import Any

from msgspec import Struct

Name = str | int
"""A key of an object in JSON, or the index of an item in an array."""


class Inputs(Struct, frozen=True):
    """What an object was read from.

    Attributes:
        members: its members by their names in JSON; empty for a tag, which names only the type.
        is_all: whether everything else in JSON was ignored.
    """

    members: Mapping[Name, str]
    is_all: bool = True


def list_members(value: Any) -> dict[str, tuple[Name, ...]] | None:  # noqa: ANN401 - a payload
    """The members of an object, each with its other names in JSON; None if it is not one that has members."""
    cls: Any = type(value)
    if isinstance(value, Struct):
        return {name: (other,) for other, name in _read_struct(cls).items() if name}
    if dataclasses.is_dataclass(cls):
        return {field.name: () for field in dataclasses.fields(cls)}
    if hasattr(cls, "__attrs_attrs__"):
        return {field.name: () for field in cls.__attrs_attrs__}
    if hasattr(cls, "model_fields"):
        aliases = {name: field.serialization_alias for name, field in cls.model_fields.items()}
        named = {name: (alias,) if alias else () for name, alias in aliases.items()}
        return named | dict.fromkeys(value.__pydantic_extra__ or (), ())
    return None


def list_names(value: Any) -> frozenset[Name]:  # noqa: ANN401 - the same
    """The names that an object's type gives to its members, without those of a model's extra ones."""
    extra = getattr(value, "__pydantic_extra__", None) or ()
    members = (list_members(value) or {}).items()
    return frozenset(each for name, others in members if name not in extra for each in (name, *others))


def find_inputs(value: Any) -> Inputs | None:  # noqa: ANN401 - the same
    """What an object was read from; None if that is unknown."""
    cls: Any = type(value)
    if isinstance(value, Struct):
        return Inputs(_read_struct(cls))
    fields = getattr(cls, "model_fields", None) or getattr(cls, "__pydantic_fields__", None)
    if fields is not None:
        own = {name: name for name in getattr(value, "__pydantic_extra__", None) or ()}
        return Inputs(_read_model(cls, fields) | own, is_all=not _is_prepared(cls))
    members = list_members(value)
    return None if members is None else Inputs({name: name for name in members})


def _read_struct(cls: Any) -> dict[Name, str]:  # noqa: ANN401 - a type
    config = cls.__struct_config__
    tag = {} if config.tag is None else {0 if config.array_like else config.tag_field: ""}
    names = count(len(tag)) if config.array_like else cls.__struct_encode_fields__
    return tag | dict(zip(names, cls.__struct_fields__, strict=False))


def _read_model(cls: Any, fields: Mapping[str, Any]) -> dict[Name, str]:  # noqa: ANN401 - a type
    config = getattr(cls, "model_config", None) or getattr(cls, "__pydantic_config__", None) or {}
    by_name = config.get("populate_by_name") or config.get("validate_by_name")
    found: dict[Name, str] = {}
    for name, field in fields.items():
        aliases = list(_list_aliases(field.validation_alias))
        found |= dict.fromkeys(aliases, name)
        if by_name or not aliases:
            found[name] = name
    return found


def _list_aliases(alias: Any) -> Iterator[str]:  # noqa: ANN401 - pydantic is not imported
    """The keys at which pydantic looks for a field: of a path, the first."""
    if isinstance(alias, str):
        yield alias
    for choice in getattr(alias, "choices", ()):
        yield from _list_aliases(choice)
    yield from getattr(alias, "path", ())[:1]


def _is_prepared(cls: Any) -> bool:  # noqa: ANN401 - a type
    """Whether the model's own code sees the JSON before pydantic does, and may rename what is in it."""
    validators = cls.__pydantic_decorators__.model_validators.values()
    own = getattr(cls, "model_validate_json", None)
    return any(validator.info.mode != "after" for validator in validators) or (
        own is not None and own.__func__.__module__ != "pydantic.main"
    )
