"""A user's function as `@tasks.handler` returns it."""

from __future__ import annotations

import copy
import pickle
from collections.abc import AsyncIterator, Callable, Iterator
from typing import Any

import pytest

from taskhandler.errors import UsageError
from taskhandler.handlers.handler import Handler
from taskhandler.handlers.options import Options, check_options
from taskhandler.task import Task
from taskhandler.task_ref import TaskRef


def double(number: int) -> int:
    """Twice as many."""
    return 2 * number


def handler_of(function: Callable[..., Any], **options: object) -> Handler[Any, Any]:
    return Handler(function, name="double", options=check_options("double", options))


def test_a_handler_is_still_callable_as_the_plain_function():
    handler = handler_of(double)
    assert (handler(2), handler(number=3), handler.__wrapped__) == (4, 6, double)
    assert (handler.__doc__, repr(handler)) == ("Twice as many.", "<Handler 'double'>")
    assert (handler.__name__, handler.__module__) == ("double", __name__)  # type: ignore[attr-defined]  # of its function


def _half(number: int) -> int:
    return number // 2


def test_a_handler_is_pickled_and_copied_as_the_one_that_it_is(monkeypatch: pytest.MonkeyPatch):
    handler = handler_of(_half)
    monkeypatch.setitem(globals(), "_half", handler)
    assert pickle.loads(pickle.dumps(handler)) is handler  # noqa: S301 - our own
    assert copy.copy(handler) is copy.deepcopy(handler) is handler


def test_an_attribute_of_the_function_does_not_hide_one_of_the_handler():
    def marked() -> None: ...

    marked.name = marked.enqueue = "the function's own"  # type: ignore[attr-defined]  # what decorators leave
    handler = handler_of(marked)
    assert (handler.name, handler.enqueue.__func__) == ("double", Handler.enqueue)  # type: ignore[attr-defined]  # of a method


def test_a_function_whose_arguments_cannot_be_filled_is_refused_where_it_is_declared():
    def two(_one: int, _other: int) -> None: ...

    with pytest.raises(UsageError, match="could all get the payload"):
        handler_of(two)


def test_enqueue_of_a_handler_without_a_blueprint_is_refused():
    with pytest.raises(UsageError, match="<Handler 'double'> does not belong to a blueprint"):
        handler_of(double).enqueue(1)


def test_enqueue_hands_its_arguments_to_post():
    posted, ref = [], TaskRef("n", "projects/…", created=True)

    def post(*arguments: object, **named: object) -> TaskRef:
        posted.append((arguments, named))
        return ref

    handler = Handler(double, name="double", options=Options(), post=post)
    assert handler.enqueue(5, name="n", delay=3) is ref
    assert posted == [((handler, 5), {"name": "n", "delay": 3})]


def alert(_task: Task, _error: Exception | None) -> None: ...


async def alert_later(_task: Task, _error: Exception | None) -> None: ...


def test_on_dead_returns_the_plain_function():
    handler = handler_of(double)
    assert handler.on_dead(alert) is alert
    assert handler.on_dead_function is alert


def test_on_dead_refuses_a_second_function():
    handler = handler_of(double)
    handler.on_dead(alert)
    with pytest.raises(UsageError, match="'double' already has an on_dead function"):
        handler.on_dead(lambda *_: None)
    assert handler.on_dead_function is alert


@pytest.mark.parametrize("function", [alert_later, None, "alert"])
def test_on_dead_refuses_a_function_that_would_not_run_when_called(function: Any):  # noqa: ANN401 - what is being tried
    with pytest.raises(UsageError, match="must be a plain function"):
        handler_of(double).on_dead(function)


def one_by_one(number: int) -> Iterator[int]:
    yield number


async def one_by_one_later(number: int) -> AsyncIterator[int]:
    yield number


@pytest.mark.parametrize("function", [one_by_one, one_by_one_later])
def test_a_generator_is_refused_where_it_is_declared(function: Callable[..., object]):
    with pytest.raises(UsageError, match="'double' is a generator: calling it runs nothing"):
        handler_of(function)
