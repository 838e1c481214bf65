"""Calls a user's function: the one place where its errors become values."""

from __future__ import annotations

import inspect
from collections.abc import Awaitable, Callable
from types import AsyncGeneratorType, GeneratorType
from typing import Any

from msgspec import Struct

from taskhandler.errors import Interrupted, UsageError
from taskhandler.handlers import http_answer


class Returned(Struct, frozen=True):
    """The function returned."""

    value: object


class Raised(Struct, frozen=True):
    """The function raised, or stopped at a checkpoint."""

    error: Exception | Interrupted


UNRUN = (Awaitable, GeneratorType, AsyncGeneratorType)
"""Values that stand for code that has not run."""

_PLAIN = frozenset({type(None), bool, int, float, str, dict, list})
"""What most handlers return; it needs no further check."""


def check_has_run(value: object) -> None:
    """Raise if `value` shows that the function's code has not run, and will not run."""
    if inspect.iscoroutine(value):
        value.close()  # else Python warns that it was never awaited
    if isinstance(value, UNRUN):
        raise UsageError(
            f"the function's code has not run: it returned a {type(value).__name__}. A decorator's wrapper "
            "around an async function must be async itself; a generator must be iterated over, not returned"
        )


def check_result(value: object) -> None:
    """Raise if `value` cannot be a handler's result: it has not run, or is meant for HTTP or to be raised."""
    if type(value) in _PLAIN:
        return
    check_has_run(value)
    if problem := http_answer.find_problem(value):
        raise UsageError(problem)


def run(
    function: Callable[..., object],
    arguments: dict[str, Any],
    *,
    check: Callable[[object], None] = check_result,
) -> Returned | Raised:
    """Call a user's function. What ends the worker goes on up.

    Args:
        function: a handler, or something else of the user's.
        arguments: by name.
        check: raises for a value that the function cannot have been meant to return.
    """
    try:
        value = function(**arguments)
        check(value)
    except (Exception, Interrupted) as error:  # noqa: BLE001 - the edge of the user's code
        return Raised(error)
    return Returned(value)
