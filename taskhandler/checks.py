"""Checks what users choose, in options, settings and arguments; msgspec does the checking.

What a value must be is an `Annotated` type. The description of its `msgspec.Meta` completes "must be ...".
"""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from numbers import Real
from typing import Annotated, Any, get_args, get_origin

from msgspec import Meta, convert

Count = Annotated[int, Meta(ge=1, description="an integer of at least 1")]


def seconds(least: float, most: float) -> Meta:
    """The range of a duration, which users write as a number of seconds or as a timedelta."""
    description = f"seconds (a number) or a timedelta, from {least:.12g} to {most:.12g}"
    return Meta(ge=least, le=most, description=description)


def check(value: object, kind: Any) -> Any:  # noqa: ANN401 - an Annotated type, and its values
    """Return `value` as a value of the type `kind`.

    Raises:
        ValueError: it is not one. The message is "must be ..."; the caller adds the name and the value.
    """
    try:
        return convert(_as_seconds(value) if kind.__origin__ is float else value, kind)
    except (ValueError, OverflowError, RecursionError) as error:
        description = kind.__metadata__[0].description
        raise ValueError(f"must be {description}{_wrong_item(value, kind)}") from error


def is_number(value: object) -> bool:
    """Whether it is a number of any type; True is not."""
    return isinstance(value, Real | Decimal) and not isinstance(value, bool)


def _as_seconds(value: Any) -> object:  # noqa: ANN401 - anything
    if isinstance(value, timedelta):
        return value.total_seconds()
    return float(value) if is_number(value) else value


def _wrong_item(value: object, kind: Any) -> str:  # noqa: ANN401 - the same
    """The first wrong item of a list, which may be a long one."""
    if get_origin(kind.__origin__) is not tuple or not isinstance(value, list | tuple | set | frozenset):
        return ""
    item_kind = get_args(kind.__origin__)[0]
    return next((f"; {item!r} is not one" for item in value if not _fits(item, item_kind)), "")


def _fits(value: object, kind: Any) -> bool:  # noqa: ANN401 - the same
    try:
        convert(value, kind)
    except ValueError:
        return False
    return True
