"""Checks what users choose, in options, settings and arguments; msgspec does the checking.

What a value must be is an `Annotated` type. The description of its `msgspec.Meta` completes "must be ...".
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping
from datetime import timedelta
from decimal import Decimal
from numbers import Real
from typing import Annotated, Any, get_args, get_origin

from msgspec import Meta, convert

_LISTS = (tuple, frozenset)

_LONGEST_GUESSED_CHARACTERS = 50
"""Of a misspelt name; the cost of guessing grows with the square."""

Count = Annotated[int, Meta(ge=1, description="an integer of at least 1")]
Email = Annotated[str, Meta(pattern=r"\A[^@\s,]+@[^@\s,]+\.[^@\s,]+\Z", description="one e-mail address")]


def seconds(least: float, most: float) -> Meta:
    """The range of a duration, which users write as a number of seconds or as a timedelta."""
    description = f"seconds (a number) or a timedelta, from {least:.12g} to {most:.12g}"
    return Meta(ge=least, le=most, description=description)


LeaseSeconds = Annotated[float, seconds(1, 1800)]


def check(value: object, kind: Any) -> Any:  # noqa: ANN401 - a type, and its values
    """Return `value` as a value of `kind`: an Annotated type, or that or None.

    Raises:
        ValueError: it is not one. The message is "must be ..."; the caller adds the name and the value.
    """
    if not hasattr(kind, "__metadata__"):
        return None if value is None else check(value, get_args(kind)[0])
    try:
        return convert(_prepare(value, kind.__origin__), kind)
    except (ValueError, OverflowError, RecursionError) as error:
        description = kind.__metadata__[0].description
        raise ValueError(f"must be {description}{_find_wrong_item(value, kind.__origin__)}") from error


def find_closest(name: str, known: Iterable[str]) -> str | None:
    """The known name that a misspelt one probably means; None if none is like it."""
    near = difflib.get_close_matches(name[:_LONGEST_GUESSED_CHARACTERS], list(known), n=1)
    return near[0] if near else None


def is_number(value: object) -> bool:
    """Whether it is a number of any type; True is not."""
    return isinstance(value, Real | Decimal) and not isinstance(value, bool)


def _prepare(value: Any, plain: Any) -> object:  # noqa: ANN401 - anything, and a type
    """The value as msgspec can read it: a duration in seconds, any iterable as a tuple."""
    if get_origin(plain) in _LISTS and _is_list(value):
        return tuple(value)
    if plain is not float:
        return value
    return (
        value.total_seconds() if isinstance(value, timedelta) else float(value) if is_number(value) else value
    )


def _is_list(value: object) -> bool:
    return isinstance(value, Iterable) and not isinstance(value, str | bytes | Mapping)


def _find_wrong_item(value: Any, plain: Any) -> str:  # noqa: ANN401 - the same
    """The first wrong item of a list, which may be a long one."""
    if get_origin(plain) not in _LISTS or not _is_list(value):
        return ""
    item_kind = get_args(plain)[0]
    return next((f"; {item!r} is not one" for item in value if not _fits(item, item_kind)), "")


def _fits(value: object, kind: Any) -> bool:  # noqa: ANN401 - the same
    try:
        convert(value, kind)
    except ValueError:
        return False
    return True
