"""Checks what users choose by name: faults, the limits of a queue, ports; msgspec does the checking.

An option's type is `Annotated` with a `msgspec.Meta` whose description completes the sentence "must be ...".
"""

from __future__ import annotations

import reprlib
from collections.abc import Mapping
from typing import Any, get_type_hints

import msgspec

from taskhandler.errors import UsageError
from taskhandler.text import one_line
from taskhandler.validation import find_closest

_SHOWN_CHARACTERS = 100


def between(least: float, most: float, what: str) -> msgspec.Meta:
    """Return the range of a number, and its description."""
    return msgspec.Meta(ge=least, le=most, description=f"{what} from {least} to {most}")


def option_types(*owners: type) -> dict[str, Any]:
    """Return the types of the attributes of these classes, by name."""
    hints = [get_type_hints(owner, include_extras=True) for owner in owners]
    return {name: kind for each in hints for name, kind in each.items()}


def read_options(what: str, chosen: Mapping[str, object], types: Mapping[str, Any]) -> dict[str, Any]:
    """Return the chosen options, each converted to its type; `what` is what an error calls one of them.

    Raises:
        UsageError: `types` does not have a name, or a value does not fit its type.
    """
    for name in chosen:
        if name not in types:
            raise _make_unknown(what, name, types)
    return {name: _convert(name, value, types[name], strict=True) for name, value in chosen.items()}


def read_number(name: str, text: str, kind: Any) -> Any:  # noqa: ANN401 - an Annotated type, and its values
    """Return the number that a text says, or raise UsageError."""
    return _convert(name, text, kind, strict=False)


def _make_unknown(what: str, name: str, types: Mapping[str, Any]) -> UsageError:
    near = find_closest(name, types)
    guess = f"did you mean {near!r}?" if near else f"choose from {', '.join(types)}"
    return UsageError(f"unknown {what} {_shorten(name)}; {guess}")


def _convert(name: str, value: object, kind: Any, *, strict: bool) -> Any:  # noqa: ANN401 - the same
    try:
        return msgspec.convert(value, kind, strict=strict)
    except msgspec.ValidationError as error:
        rule = kind.__metadata__[0].description
        raise UsageError(f"{name}={_shorten(value)}: must be {rule}") from error


def _shorten(value: object) -> str:
    # reprlib: it may be of any size and depth
    return one_line(reprlib.repr(value), limit=_SHOWN_CHARACTERS)
