"""A user's function is called, and what it returns or raises is a value."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterator

import pytest

from taskhandler.errors import Interrupted, Retry, UsageError
from taskhandler.handlers.call import Raised, Returned, run


def double(number: int) -> int:
    return 2 * number


def test_a_result_that_a_function_returns_becomes_a_value():
    assert run(double, {"number": 2}) == Returned(4)


@pytest.mark.parametrize(
    "error", [ValueError("no"), RecursionError(), MemoryError(), StopIteration(5), Interrupted("fenced")]
)
def test_an_error_that_a_function_raises_becomes_a_value(error: Exception | Interrupted):
    def fail() -> None:
        raise error

    assert run(fail, {}) == Raised(error)


@pytest.mark.parametrize("error", [SystemExit(1), KeyboardInterrupt()])
def test_a_base_exception_of_a_function_goes_up(error: BaseException):
    def end() -> None:
        raise error

    with pytest.raises(type(error)) as raised:
        run(end, {})
    assert raised.value is error


async def later(number: int) -> int:
    return number


def one_by_one(number: int) -> Iterator[int]:
    yield number


async def one_by_one_later(number: int) -> AsyncIterator[int]:
    yield number


class Promise:
    """Something to be awaited that is no coroutine."""

    def __await__(self) -> Iterator[None]:
        return iter([None])


@pytest.mark.parametrize("function", [later, one_by_one, one_by_one_later, lambda number: Promise()])  # noqa: ARG005 - it stands for a handler
def test_a_function_that_returns_a_coroutine_or_generator_has_failed(function: Callable[..., object]):
    ran = run(function, {"number": 1})
    assert isinstance(ran, Raised)
    assert str(ran.error).startswith("the function's code has not run: it returned a ")


@pytest.mark.parametrize("value", [("a body", 500), Retry("later")])
def test_a_value_that_is_meant_for_http_or_to_be_raised_is_a_usage_error(value: object):
    ran = run(lambda: value, {})
    assert isinstance(ran, Raised)
    assert isinstance(ran.error, UsageError)


@pytest.mark.parametrize("value", [None, 1, {"a": 1}, (1, 2), object()])
def test_any_other_value_is_returned(value: object):
    assert run(lambda: value, {}) == Returned(value)
