"""What the collector does not look at (`gc=False`) must not be able to lead to what is not ours.

An object of the user (an exception with its traceback, say) may lead back to the struct that holds it;
a ring through a struct that the collector does not look at is never freed.
"""

from __future__ import annotations

import importlib
import pkgutil
import types
from collections.abc import Iterator
from datetime import datetime, timedelta
from enum import Enum
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints

import msgspec
import pytest

import taskhandler

SCALARS = (int, float, str, bytes, bool, type(None), datetime, timedelta)
CONTAINERS = (tuple, list, dict, set, frozenset)


def modules() -> Iterator[types.ModuleType]:
    yield taskhandler
    for found in pkgutil.walk_packages(taskhandler.__path__, "taskhandler."):
        if not found.name.endswith("__main__"):
            yield importlib.import_module(found.name)


def uncollected() -> list[type[msgspec.Struct]]:
    """All structs of the package with `gc=False`, in the order of their names."""
    found = {
        thing
        for module in modules()
        for thing in vars(module).values()
        if isinstance(thing, type) and issubclass(thing, msgspec.Struct) and not thing.__struct_config__.gc
    }
    ours = [struct for struct in found if struct.__module__.startswith("taskhandler")]
    return sorted(ours, key=lambda struct: (struct.__module__, struct.__qualname__))


def foreign(annotation: Any) -> Iterator[object]:  # noqa: ANN401 - an annotation may be anything
    """The parts of `annotation` that an object of the user fits."""
    if get_origin(annotation) is Literal or annotation is Ellipsis:
        return
    if get_origin(annotation) in (*CONTAINERS, types.UnionType, Union):
        for part in get_args(annotation):
            yield from foreign(part)
    elif not _is_harmless(annotation):
        yield annotation


def _is_harmless(annotation: object) -> bool:
    if not isinstance(annotation, type) or annotation in CONTAINERS:  # a container of no matter what
        return False
    if issubclass(annotation, msgspec.Struct):
        return not annotation.__struct_config__.gc  # which is looked at itself
    return annotation in SCALARS or issubclass(annotation, Enum)


@pytest.mark.parametrize(
    "struct", uncollected(), ids=lambda struct: f"{struct.__module__}.{struct.__qualname__}"
)
def test_a_struct_without_gc_can_hold_no_object_of_the_user(struct: type[msgspec.Struct]):
    hints = get_type_hints(struct)
    found = {field: [*foreign(hints[field])] for field in struct.__struct_fields__}
    assert not {field: parts for field, parts in found.items() if parts}


class Held(msgspec.Struct):
    error: Exception | None = None


class Flat(msgspec.Struct, gc=False):
    number: int = 0


@pytest.mark.parametrize(
    "annotation",
    [
        Any,
        object,
        Exception,
        Exception | None,
        tuple[object, ...],
        dict[str, Any],
        list[Held],
        Held | None,
        tuple,
    ],
    ids=str,
)
def test_an_annotation_that_fits_an_object_of_the_user_is_found(annotation: object):
    assert [*foreign(annotation)]


@pytest.mark.parametrize(
    "annotation",
    [
        int,
        str | None,
        tuple[int, ...],
        tuple[Flat | bytes, ...],
        dict[str, float],
        Literal["a", "b"],
        datetime,
    ],
    ids=str,
)
def test_an_annotation_that_fits_only_values_is_accepted(annotation: object):
    assert not [*foreign(annotation)]
