"""A user's function under its name, with its options, and what became of calling it."""

from __future__ import annotations

import functools
from collections.abc import AsyncIterator, Callable, Iterator
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest

from taskhandler.errors import Interrupted, UsageError
from taskhandler.handlers.handler import Handler, Options, Raised, Returned, named, options_of, run
from taskhandler.task import Task
from taskhandler.task_ref import TaskRef


def double(number: int) -> int:
    """Twice as many."""
    return 2 * number


def handler_of(function: Callable[..., Any], **options: object) -> Handler[Any, Any]:
    return Handler(function, name="double", options=options_of("double", options))


def test_a_handler_still_is_the_plain_function():
    handler = handler_of(double)
    assert (handler(2), handler(number=3), handler.__wrapped__) == (4, 6, double)
    assert (handler.__doc__, repr(handler)) == ("Twice as many.", "<Handler 'double'>")


def test_a_function_whose_arguments_cannot_be_filled_is_refused_where_it_is_declared():
    def two(_one: int, _other: int) -> None: ...

    with pytest.raises(UsageError, match="could all get the payload"):
        handler_of(two)


def test_a_handler_of_no_blueprint_has_no_queue():
    with pytest.raises(UsageError, match="<Handler 'double'> belongs to no blueprint"):
        handler_of(double).enqueue(1)


def test_what_is_enqueued_is_handed_to_the_post():
    handler, posted, ref = handler_of(double), [], TaskRef("n", "projects/…", created=True)

    def post(*arguments: object, **named: object) -> TaskRef:
        posted.append((arguments, named))
        return ref

    handler.post = post
    assert handler.enqueue(5, name="n", delay=3) is ref
    assert posted == [((handler, 5), {"name": "n", "delay": 3})]


def told(_task: Task, _error: Exception | None) -> None: ...


async def told_later(_task: Task, _error: Exception | None) -> None: ...


def test_who_is_told_of_a_death_stays_a_plain_function():
    handler = handler_of(double)
    assert handler.on_dead(told) is told
    assert handler.when_dead is told


def test_a_death_is_told_to_one_only():
    handler = handler_of(double)
    handler.on_dead(told)
    with pytest.raises(UsageError, match="'double' has an on_dead already"):
        handler.on_dead(lambda *_: None)
    assert handler.when_dead is told


@pytest.mark.parametrize("function", [told_later, None, "told"])
def test_a_death_is_not_told_to_what_nobody_would_run(function: Any):  # noqa: ANN401 - what is being tried
    with pytest.raises(UsageError, match="must be a plain function"):
        handler_of(double).on_dead(function)


@pytest.mark.parametrize("name", ["charge-order", "a", "7up", "A_b-C", "x" * 100])
def test_a_name_that_can_stand_in_a_url_is_kept(name: str):
    assert named(name, double) == name


def test_a_function_gives_its_own_name():
    assert named(None, double) == "double"


@pytest.mark.parametrize(
    "name", ["", "-a", "_a", "a/b", "a b", "a.b", "é", "a\n", "x" * 101, "%2F", "..", 5, b"a", ["a"]]
)
def test_a_name_that_cannot_is_refused(name: object):
    with pytest.raises(UsageError, match="cannot be the name of a handler"):
        named(name, double)


@pytest.mark.parametrize("function", [lambda: 1, functools.partial(double, 1)])
def test_a_function_without_a_name_needs_one(function: Callable[[], int]):
    with pytest.raises(UsageError, match="cannot be the name of a handler"):
        named(None, function)
    assert named("one", function) == "one"


def test_nothing_said_leaves_all_to_the_settings():
    assert options_of("h", {}) == Options()


@pytest.mark.parametrize(
    ("option", "value"),
    [
        ("lease", 1),
        ("lease", 1800.0),
        ("lease", Decimal(30)),
        ("max_attempts", 1),
        ("max_attempts", 10**6),
        ("on_invalid", "retry"),
        ("queue", "orders-2"),
        ("queue", "q" * 100),
    ],
)
def test_a_good_option_is_taken(option: str, value: object):
    assert getattr(options_of("h", {option: value}), option) == value


def test_a_lease_may_be_a_timedelta():
    assert options_of("h", {"lease": timedelta(minutes=2)}).lease == 120.0


@pytest.mark.parametrize("accounts", ["a@b.c", ["a@b.c"], {"a@b.c"}, ("a@b.c", "a@b.c"), iter(["a@b.c"])])
def test_accounts_are_one_or_many(accounts: object):
    assert options_of("h", {"service_accounts": accounts}).service_accounts == frozenset({"a@b.c"})


@pytest.mark.parametrize(
    ("option", "values"),
    [
        (
            "lease",
            [0, 0.9, 1801, float("nan"), float("inf"), "30", True, [], timedelta(0), timedelta(hours=1)],
        ),
        ("max_attempts", [0, -1, 1.0, 1.5, "3", True, 10**6 + 1, []]),
        ("on_invalid", ["drop", None, True, [], {}]),
        ("queue", ["", "a/b", "a b", "q_1", "q" * 101, "q\n", 5, []]),
        ("service_accounts", ["", [], 5, [5], [""], [[]], "nobody", b"a@b.c", ["a@b.c", None], {}]),
    ],
)
def test_a_wrong_option_is_refused_with_the_handler_and_the_value(option: str, values: list[object]):
    for value in values:
        with pytest.raises(UsageError) as refused:
            options_of("charge", {option: value})
        assert str(refused.value).startswith(f"handler 'charge': {option}={value!r}: ")


@pytest.mark.parametrize(
    ("option", "meant"),
    [("max_attempt", "max_attempts"), ("Lease", "lease"), ("service_account", "service_accounts")],
)
def test_an_unknown_option_is_refused_with_a_guess(option: str, meant: str):
    with pytest.raises(UsageError) as refused:
        options_of("charge", {option: 1})
    assert str(refused.value) == f"handler 'charge': there is no option {option!r}. Did you mean {meant!r}?"


def test_an_option_like_none_is_refused_with_all_there_are():
    with pytest.raises(UsageError, match=r"no option 'colour'\. There are: lease, max_attempts, "):
        options_of("charge", {"colour": "red"})


def test_what_a_function_returns_is_a_value():
    assert run(double, {"number": 2}) == Returned(4)


@pytest.mark.parametrize("error", [ValueError("no"), RecursionError(), MemoryError(), StopIteration(5)])
def test_what_a_function_raises_is_a_value(error: Exception):
    def fail() -> None:
        raise error

    assert run(fail, {}) == Raised(error)


@pytest.mark.parametrize("error", [SystemExit(1), KeyboardInterrupt(), Interrupted("fenced")])
def test_what_ends_a_worker_or_stops_a_handler_goes_on_up(error: BaseException):
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
def test_what_has_not_run_is_no_success(function: Callable[..., object]):
    ran = run(function, {"number": 1})
    assert isinstance(ran, Raised)
    assert str(ran.error).startswith("nothing has run: the function returned a ")


@pytest.mark.parametrize("function", [one_by_one, one_by_one_later])
def test_a_generator_is_refused_where_it_is_declared(function: Callable[..., object]):
    with pytest.raises(UsageError, match="'double' is a generator: calling it runs nothing"):
        handler_of(function)
