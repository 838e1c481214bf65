"""Pydantic models as payloads: recognised by their attributes, since pydantic is never imported here."""

from __future__ import annotations

import sys
import typing
from collections.abc import Callable, Iterator
from functools import cache
from typing import Any

from taskhandler.handlers.payload_schema import SwallowedError, end_early, has_generator

LARGE_BYTES = 1 << 14
"""Of a longer body only the first wrong item of each list is looked for. Pydantic collects every error,
1.3 µs and 450 bytes each with the interpreter lock held: of 1 MB of wrong items 0.9 s and 300 MB."""

MOST_ERRORS = 50
"""More errors are only counted: listing them takes ten times as long."""

SHOWN_ERRORS = 5
"""Errors that a reason names; the others are counted."""


def make_builder(model: Any) -> Callable[[bytes], object]:  # noqa: ANN401 - pydantic is not imported
    """What builds a `model` from a body: its `model_validate_json`, or an equivalent that stops early."""
    own: Callable[[bytes], object] = model.model_validate_json

    @cache
    def of_large_bodies() -> Callable[[bytes], object] | None:
        return _make_early_validator(model)

    def build(body: bytes) -> object:
        early = of_large_bodies() if len(body) > LARGE_BYTES else None
        if early is None:
            return own(body)
        try:
            return early(body)
        except SwallowedError:
            return own(body)

    return build


def is_lazy(model: Any) -> bool:  # noqa: ANN401 - the same
    """Whether the model leaves something unchecked until the handler iterates over it."""
    return has_generator(_read_schema(model))


def _read_schema(model: Any) -> object:  # noqa: ANN401 - the same
    """The model's core schema, built now if it was deferred; another object or None where there is none."""
    if hasattr(model, "model_rebuild") and not isinstance(model.__pydantic_core_schema__, dict):
        model.model_rebuild(raise_errors=False)
    return getattr(model, "__pydantic_core_schema__", None)


def find_field_names(model: Any) -> frozenset[str]:  # noqa: ANN401 - the same
    """The names that the model's fields, and those of the models within it, have in JSON."""
    return frozenset(_walk_names(model, set()))


def is_validation_error(error: Exception) -> bool:
    """Whether it is pydantic's own."""
    return type(error).__module__.startswith("pydantic_core") and hasattr(error, "error_count")


def find_raised(error: Any) -> list[object]:  # noqa: ANN401 - the same
    """What validators raised that pydantic turned into this error; not looked for among too many errors."""
    if not is_validation_error(error) or error.error_count() > MOST_ERRORS:
        return []
    problems = error.errors(include_url=False, include_input=False)
    return [problem.get("ctx", {}).get("error") for problem in problems]


def describe_errors(error: Any, fields: frozenset[str]) -> str:  # noqa: ANN401 - the same
    """Where the payload is wrong, and the kinds of errors; no message, since a validator's may quote it."""
    count: int = error.error_count()
    if count > MOST_ERRORS:
        return f"{count} errors"
    problems = error.errors(include_url=False, include_context=False, include_input=False)
    lines = [_describe_error(problem, fields) for problem in problems[:SHOWN_ERRORS]]
    more = [f"and {count - SHOWN_ERRORS} more"] if count > SHOWN_ERRORS else []
    return "; ".join([*lines, *more])


def _describe_error(problem: dict[str, Any], fields: frozenset[str]) -> str:
    place = ".".join(str(step) if isinstance(step, int) or step in fields else "*" for step in problem["loc"])
    kind = problem["type"] if problem["type"] in _list_own_kinds() else "custom_error"
    return f"{place}: {kind}" if place else kind


@cache
def _list_own_kinds() -> frozenset[str]:
    """The kinds of errors that pydantic defines, in contrast to those of a validator."""
    return frozenset(typing.get_args(sys.modules["pydantic_core.core_schema"].ErrorType))


def _walk_names(hint: Any, seen: set[int]) -> Iterator[str]:  # noqa: ANN401 - an annotation
    if id(hint) in seen:
        return
    seen.add(id(hint))
    for name, field in getattr(hint, "model_fields", {}).items():
        yield name
        yield from _walk_alias_names(field.validation_alias)
        yield from _walk_names(field.annotation, seen)
    for inner in typing.get_args(hint):
        yield from _walk_names(inner, seen)


def _walk_alias_names(alias: object) -> Iterator[str]:
    if isinstance(alias, str):
        yield alias
    for part in getattr(alias, "choices", None) or getattr(alias, "path", None) or ():
        yield from _walk_alias_names(part)


def _make_early_validator(model: Any) -> Callable[[bytes], object] | None:  # noqa: ANN401 - pydantic is not imported
    """The model's validator, with lists that end at their first error; None if it cannot be made."""
    library = sys.modules.get("pydantic_core")
    schema = _read_schema(model)
    parent = next((cls for cls in model.__mro__ if cls.__module__ == "pydantic.main"), None)
    plain = parent is not None and model.model_validate_json.__func__ is parent.model_validate_json.__func__
    if library is None or not plain or type(model.__pydantic_validator__) is not library.SchemaValidator:
        return None
    try:
        return _make_validator(library, end_early(schema))
    except library.SchemaError:  # a release of pydantic whose schemas differ
        return None


def _make_validator(library: Any, schema: object) -> Callable[[bytes], object]:  # noqa: ANN401 - pydantic is not imported
    try:
        # Without the flag it takes the validators that the classes have, and does not look at our schema.
        validator = library.SchemaValidator(schema, _use_prebuilt=False)
    except TypeError:  # before the flag: up to 2.10 there was nothing to take; 2.11 and 2.12 take it
        validator = library.SchemaValidator(schema)
    return typing.cast("Callable[[bytes], object]", validator.validate_json)
