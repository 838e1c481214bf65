"""Pydantic's core schemas, changed so that a list is given up at its first wrong item.

Pydantic collects every error, and a body can be wrong in each of its bytes. Wrap validators notice the
change only by the errors that are missing. One that raises an error, this or another, refuses the body in
any case; one that goes on after an error may need all of them, and then the body must be validated without
this change.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

_LISTS = frozenset(
    {"list", "tuple", "set", "frozenset", "deque", "dict", "frozendict", "ordered-dict", "counter"}
)
_WITHIN = frozenset(
    {
        "schema",
        "items_schema",
        "keys_schema",
        "values_schema",
        "extras_schema",
        "lax_schema",
        "strict_schema",
        "json_schema",
        "python_schema",
        "arguments_schema",
        "choices",
        "definitions",
        "fields",
        "steps",
    }
)
"""Where a core schema holds others."""


class SwallowedError(BaseException):
    """A wrap validator went on after an error. Not an `Exception`, which other validators could catch."""


def end_early(schema: Any) -> Any:  # noqa: ANN401 - a core schema, or a part of one
    """The same schema, with lists that end at their first error.

    A validator made from it raises `SwallowedError` where the unchanged schema might say otherwise.
    """
    if isinstance(schema, list | tuple):
        return type(schema)(map(end_early, schema))
    if not isinstance(schema, dict):
        return schema
    early = {key: _end_part_early(inner) if key in _WITHIN else inner for key, inner in schema.items()}
    if schema.get("type") == "function-wrap":
        function = schema["function"]
        early["function"] = {**function, "function": _watch(function["function"])}
    return early | {"fail_fast": True} if schema.get("type") in _LISTS else early


def has_generator(schema: object) -> bool:
    """Whether a part of what the schema makes is checked only when it is iterated over."""
    if isinstance(schema, list | tuple):
        return any(map(has_generator, schema))
    if not isinstance(schema, dict):
        return False
    inner = (part for key, part in schema.items() if key in _WITHIN)
    return schema.get("type") == "generator" or any(map(has_generator, map(_list_schemas, inner)))


def _end_part_early(inner: Any) -> Any:  # noqa: ANN401 - the same
    return {name: end_early(one) for name, one in inner.items()} if _is_named(inner) else end_early(inner)


def _list_schemas(inner: Any) -> object:  # noqa: ANN401 - the same
    return list(inner.values()) if _is_named(inner) else inner


def _is_named(inner: object) -> bool:
    """Whether it is a dict of schemas by name, not one schema."""
    return isinstance(inner, dict) and not isinstance(inner.get("type"), str)


def _watch(validator: Callable[..., object]) -> Callable[..., object]:
    """A wrap validator that may not go on after an error of what it wraps."""

    def watched(value: object, handler: Callable[..., object], *context: object) -> object:
        failed = False

        def inner(*arguments: object, **named: object) -> object:
            nonlocal failed
            if failed:
                raise SwallowedError
            try:
                return handler(*arguments, **named)
            except Exception:
                failed = True
                raise

        result = validator(value, inner, *context)
        if failed:
            raise SwallowedError
        return result

    return watched
