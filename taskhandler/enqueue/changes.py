"""Finds what a payload would lose on its way: JSON turns NaN into null, and handlers ignore unknown keys.

A value arrives unchanged if JSON can represent it, or if the handler decodes the same value from JSON, such
as a `datetime` in a field that is annotated with that type. Tuples may arrive as lists. What the handler's
own validators turn a value of JSON into is up to them.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator
from typing import Any

from msgspec import UNSET, Raw

from taskhandler.enqueue.members import Name, find_inputs, list_members, list_names

_PLAIN = frozenset({str, int, float, bool})

Part = tuple[str, object, object, object]
"""The step to a part, then what is sent, what JSON says and what the handler reads there."""


def find_first_change(
    sent: object, json: object, read: object, *, fields: frozenset[str], at: str = "$"
) -> str | None:
    """The first part that would not arrive as it is sent, for people; None if all would.

    Args:
        sent: the payload, or a part of it.
        json: what JSON says in its place; UNSET where there is nothing.
        read: what the handler reads there; UNSET where that is unknown.
        fields: names that may be shown; nothing else of a payload may.
        at: the place of `sent` in the payload.
    """
    sent, read = json if isinstance(sent, Raw) else _unwrap_root(sent), _unwrap_root(read)
    if type(sent) in _PLAIN and type(sent) is type(json) and sent == json:  # by far the most
        return f"the int at {at} would lose digits as a float" if _loses_digits(sent, read) else None
    if sent is UNSET or _arrives(sent, json) or _arrives(sent, read):
        return None
    parts = _list_parts(sent, json, read, fields)
    if parts is None:
        return f"the {type(sent).__qualname__} at {at} would {_describe_arrival(json)}"
    if lost := _find_lost(sent, json, read, f"the {type(sent).__qualname__} at {at}"):
        return lost
    changes = (find_first_change(*part, fields=fields, at=f"{at}{step}") for step, *part in parts)
    return next((change for change in changes if change is not None), None)


def _unwrap_root(value: Any) -> object:  # noqa: ANN401 - pydantic is not imported
    """The value inside a RootModel, which stands for it in JSON."""
    return value.root if getattr(type(value), "__pydantic_root_model__", False) else value


def _loses_digits(sent: Any, read: object) -> bool:  # noqa: ANN401 - a payload
    return type(sent) is int and type(read) is float and read != sent and read == float(sent)


def _arrives(sent: object, there: object) -> bool:
    alone = not isinstance(sent, dict | list | tuple) and list_members(sent) is None
    return alone and type(sent) is type(there) and bool(sent == there)


def _find_lost(sent: object, json: object, read: object, where: str) -> str | None:
    """The keys or items of a value that would be lost."""
    if isinstance(sent, dict) and isinstance(json, dict) and len(sent) != len(json):
        return f"keys of {where} would be equal in JSON"
    names = _list_names(json)
    lost = _find_unread(names, read)
    if lost and list_names(sent).issuperset(lost):
        return f"the handler would not read {', '.join(map(str, lost))} of {where}"
    items = "items" if isinstance(json, list) else "keys"
    return f"the handler would not read {len(lost)} of {len(names)} {items} of {where}" if lost else None


def _list_names(json: object) -> list[Name]:
    """The keys of an object in JSON, or the indexes of an array."""
    if isinstance(json, dict):
        return list(json)
    return list(range(len(json))) if isinstance(json, list) else []


def _find_unread(names: list[Name], read: object) -> list[Name]:
    """The names in JSON that the handler passes over."""
    if isinstance(read, dict):
        passed_over = [name for name in names if name not in read]
        return passed_over[: max(0, len(names) - len(read))]  # the others are keys that are not text
    inputs = find_inputs(read)
    if inputs is None or not inputs.is_all:
        return []
    return [name for name in names if name not in inputs.members]


def _list_parts(sent: Any, json: object, read: object, fields: frozenset[str]) -> Iterator[Part] | None:  # noqa: ANN401 - a payload
    """The parts of a value; None if it has none."""
    if isinstance(sent, dict):
        return _list_parts_of_dict(sent, json, read, fields)
    in_json, in_read = _make_lookup(json), _make_lookup(read)
    if isinstance(sent, list | tuple):
        return ((f"[{index}]", part, in_json(index, 0), in_read(index, 0)) for index, part in enumerate(sent))
    members = list_members(sent)
    if members is None:
        return None
    names = {name: _find_name(json, name, others) for name, others in members.items()}
    return (
        (f".{name}", getattr(sent, name, UNSET), in_json(other, 0), in_read(other, 0))
        for name, other in names.items()
    )


def _list_parts_of_dict(
    sent: dict[Any, object], json: object, read: object, fields: frozenset[str]
) -> Iterator[Part]:
    in_json, in_read = _make_lookup(json, like=len(sent)), _make_lookup(read, like=len(sent))
    read_keys = {key: type(key) for key in read} if isinstance(read, dict) else {}
    for place, (key, part) in enumerate(sent.items()):
        step = f".{key}" if key in fields else "[...]"
        if type(key) is str or read_keys.get(key) is type(key):
            yield step, part, in_json(key, place), in_read(key, place)
        else:
            yield f"{step} (a key)", key, str(key), UNSET


def _make_lookup(holder: Any, *, like: int = 0) -> Callable[[Any, int], object]:  # noqa: ANN401 - the same
    """Looks up what there is under a name of JSON; else, among `like` keys that are not text, at a place."""
    if isinstance(holder, dict):
        in_order = list(holder.values()) if like and len(holder) == like else []
        return lambda name, place: holder[name] if name in holder else in_order[place] if in_order else UNSET
    if isinstance(holder, list | tuple | deque):
        return lambda name, _: holder[name] if isinstance(name, int) and name < len(holder) else UNSET
    inputs = find_inputs(holder)
    members = {} if inputs is None else inputs.members
    return lambda name, _: getattr(holder, members.get(name) or "", UNSET)


def _find_name(json: object, name: str, others: tuple[Name, ...]) -> Name:
    """The name that a member has in JSON, out of its names."""
    if isinstance(json, list):
        return next(iter(others), name)
    return next((other for other in others if isinstance(json, dict) and other in json), name)


def _describe_arrival(json: object) -> str:
    if json is UNSET:
        return "be left out"
    if json is None:
        return "arrive as null"
    return "arrive as an int" if isinstance(json, int) else f"arrive as a {type(json).__name__}"
