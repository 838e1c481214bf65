"""Finds what a payload would lose on its way through JSON: NaN becomes null, a set a list, a date text.

A value arrives as it is if JSON holds it, or if the handler makes of JSON what was sent: a `datetime` in a
field that is annotated so. Tuples may arrive as lists.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from itertools import count
from typing import Any

from msgspec import UNSET, Raw, Struct

_PLAIN = frozenset({str, int, float, bool})

Part = tuple[str, object, object, object]
"""The way to a part; what is sent, what JSON says and what the handler reads there."""


def first_change(
    sent: object, json: object, read: object, *, fields: frozenset[str], at: str = "$"
) -> str | None:
    """What would arrive otherwise than it is sent, for people; None if nothing would.

    Args:
        sent: the payload, or a part of it.
        json: what JSON says in its place; UNSET where there is nothing.
        read: what the handler reads there; UNSET where it reads nothing.
        fields: names that may be repeated; nothing else that stands in a payload may.
        at: the place.
    """
    if type(sent) in _PLAIN and type(sent) is type(json) and sent == json:  # by far the most
        return None
    sent, read = _root(sent), _root(read)
    if sent is UNSET or isinstance(sent, Raw) or _arrives(sent, json) or _arrives(sent, read):
        return None
    parts = _parts(sent, json, read, fields)
    if parts is None:
        return f"the {type(sent).__qualname__} at {at} would {_fate(json)}"
    changes = (first_change(*part, fields=fields, at=f"{at}{step}") for step, *part in parts)
    return next((change for change in changes if change is not None), None)


def _root(value: Any) -> object:  # noqa: ANN401 - pydantic is not imported
    """What stands for a RootModel in JSON."""
    return value.root if getattr(type(value), "__pydantic_root_model__", False) else value


def _arrives(sent: object, there: object) -> bool:
    alone = not isinstance(sent, dict | list | tuple) and _members(sent) is None
    return alone and type(sent) is type(there) and bool(sent == there)


def _parts(sent: Any, json: object, read: object, fields: frozenset[str]) -> Iterator[Part] | None:  # noqa: ANN401 - a payload
    """The parts of a value; None if it has none, and is a value by itself."""
    if isinstance(sent, dict):
        return _of_dict(sent, json, read, fields)
    if isinstance(sent, list | tuple):
        return (
            (f"[{index}]", part, _item(json, index), _item(read, index)) for index, part in enumerate(sent)
        )
    members = _members(sent)
    if members is None:
        return None
    return (
        (f".{name}", getattr(sent, name, UNSET), _item(json, *in_json, name), _item(read, *in_json, name))
        for name, in_json in members.items()
    )


def _of_dict(sent: dict[Any, object], json: object, read: object, fields: frozenset[str]) -> Iterator[Part]:
    read_keys = {key: type(key) for key in read} if isinstance(read, dict) else {}
    for key, part in sent.items():
        step = f".{key}" if key in fields else "[...]"
        if type(key) is str:
            yield step, part, _item(json, key), _item(read, key)
        elif read_keys.get(key) is type(key):
            yield step, part, UNSET, _item(read, key)
        else:
            yield f"{step} (a key)", key, str(key), UNSET


def _item(holder: object, *names: str | int) -> object:
    """What a part of JSON, or of what the handler reads, holds under one of the names."""
    if isinstance(holder, dict):
        return next((holder[name] for name in names if name in holder), UNSET)
    if isinstance(holder, list | tuple):
        return next((holder[name] for name in names if isinstance(name, int) and name < len(holder)), UNSET)
    for name, in_json in (_members(holder) or {}).items():
        if name in names or any(other in names for other in in_json):
            return getattr(holder, name, UNSET)
    return UNSET


def _members(value: Any) -> dict[str, tuple[str | int, ...]] | None:  # noqa: ANN401 - a payload
    """The members of an object, each with its other names in JSON; None if it is not one that has members."""
    cls: Any = type(value)
    if isinstance(value, Struct):
        config = cls.__struct_config__
        numbers = count(0 if config.tag is None else 1)
        in_json = numbers if config.array_like else cls.__struct_encode_fields__
        return {name: (other,) for name, other in zip(cls.__struct_fields__, in_json, strict=False)}
    if dataclasses.is_dataclass(cls):
        return {field.name: () for field in dataclasses.fields(cls)}
    if hasattr(cls, "__attrs_attrs__"):
        return {field.name: () for field in cls.__attrs_attrs__}
    if hasattr(cls, "model_fields"):
        aliases = {name: field.serialization_alias for name, field in cls.model_fields.items()}
        named = {name: (alias,) if alias else () for name, alias in aliases.items()}
        return named | dict.fromkeys(value.__pydantic_extra__ or (), ())
    return None


def _fate(json: object) -> str:
    if json is UNSET:
        return "be left out"
    if json is None:
        return "arrive as null"
    return "arrive as an int" if isinstance(json, int) else f"arrive as a {type(json).__name__}"
