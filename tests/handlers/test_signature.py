"""Which parameter of a handler gets the task, and which the payload."""

from __future__ import annotations

import functools
from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated, Optional

import pytest

from taskhandler.errors import UsageError
from taskhandler.handlers.payload import PayloadError
from taskhandler.handlers.signature import read_signature

BODY = b'{"id": "o"}'
TASK = "the task"


class Task:
    """Stands for the task: all that is asked of it here is to be a type."""


@dataclass
class Order:
    id: str


ORDER = Order("o")


def given(function: Callable[..., object]) -> dict[str, object]:
    """What the handler would be called with, for `BODY`."""
    signature = read_signature(function, task_type=Task)
    return signature.fill_arguments(signature.decode(BODY), TASK)


def refusal(function: Callable[..., object]) -> str:
    with pytest.raises(UsageError) as caught:
        read_signature(function, task_type=Task)
    return str(caught.value)


def payload_and_task(order: Order, task: Task) -> None: ...


def task_and_payload(task: Task, order: Order) -> None: ...


def by_keyword(*, order: Order, task: Task) -> None: ...


def only_payload(order: Order) -> None: ...


def only_task(task: Task) -> None: ...


def nothing() -> None: ...


def bare(payload) -> None: ...  # noqa: ANN001 - what is tried here


def bare_beside_task(payload, task: Task) -> None: ...  # noqa: ANN001 - what is tried here


def with_defaults(order: Order, task: Task, retries: int = 3, *, seen: list[int] = []) -> None: ...  # noqa: B006 - what is tried here


def defaults_by_keyword(task: Task, *, retries: int = 3) -> None: ...


def task_or_none(order: Order, task: Task | None = None) -> None: ...


def old_spelling(order: Order, task: Optional[Task]) -> None: ...  # noqa: UP045 - what is tried here


def annotated(order: Annotated[Order, "a"], task: Annotated[Task, "b"]) -> None: ...


def quoted_twice(order: "Order", task: "Task") -> None: ...  # noqa: UP037 - what is tried here


async def asynchronous(order: Order, task: Task) -> None: ...


@pytest.mark.parametrize(
    ("function", "arguments"),
    [
        (payload_and_task, {"order": ORDER, "task": TASK}),
        (task_and_payload, {"order": ORDER, "task": TASK}),
        (by_keyword, {"order": ORDER, "task": TASK}),
        (only_payload, {"order": ORDER}),
        (only_task, {"task": TASK}),
        (nothing, {}),
        (bare, {"payload": {"id": "o"}}),
        (bare_beside_task, {"payload": {"id": "o"}, "task": TASK}),
        (with_defaults, {"order": ORDER, "task": TASK}),
        (defaults_by_keyword, {"task": TASK}),
        (task_or_none, {"order": ORDER, "task": TASK}),
        (old_spelling, {"order": ORDER, "task": TASK}),
        (annotated, {"order": ORDER, "task": TASK}),
        (quoted_twice, {"order": ORDER, "task": TASK}),
        (asynchronous, {"order": ORDER, "task": TASK}),
    ],
)
def test_arguments_are_filled_by_annotation(
    function: Callable[..., object], arguments: dict[str, object]
) -> None:
    assert given(function) == arguments


class Shop:
    def method(self, order: Order, task: Task) -> None: ...

    @classmethod
    def of_class(cls, order: Order, task: Task) -> None: ...

    @staticmethod
    def of_nobody(order: Order, task: Task) -> None: ...

    def __call__(self, order: Order, task: Task) -> None: ...


def with_shop(shop: Shop, order: Order, task: Task) -> None: ...


def wrapping(function: Callable[..., object]) -> Callable[..., object]:
    @functools.wraps(function)
    def wrapper(*args: object, **kwargs: object) -> object:
        return function(*args, **kwargs)

    return wrapper


def not_wrapping(function: Callable[..., object]) -> Callable[..., object]:
    def wrapper(**kwargs: object) -> object:
        return function(**kwargs)

    return wrapper


@pytest.mark.parametrize(
    "function",
    [
        Shop().method,
        Shop.of_class,
        Shop.of_nobody,
        Shop(),
        functools.partial(with_shop, Shop()),
        functools.partial(with_shop, shop=Shop()),
        functools.partial(Shop().method),
        wrapping(payload_and_task),
        wrapping(functools.partial(with_shop, Shop())),
    ],
)
def test_callables_of_every_kind_have_their_arguments_filled(function: Callable[..., object]) -> None:
    assert given(function) == {"order": ORDER, "task": TASK}


def test_a_body_that_cannot_be_the_payload_is_an_error() -> None:
    with pytest.raises(PayloadError, match="Object missing required field `id`"):
        read_signature(only_payload, task_type=Task).decode(b"{}")


def test_a_local_type_is_found_where_the_function_sees_it() -> None:
    @dataclass
    class Local:
        id: str

    def seeing(order: Local) -> Local:
        return Local(order.id)

    assert given(seeing) == {"order": Local("o")}


def test_a_handler_may_refer_to_itself_before_it_is_bound() -> None:
    def again(order: Order) -> object:
        return itself(order)

    assert given(again) == {"order": ORDER}
    itself = again


def test_a_local_type_that_cannot_be_seen_is_named_with_the_remedy() -> None:
    @dataclass
    class Hidden:
        id: str

    def blind(order: Hidden) -> None: ...

    assert refusal(blind) == (
        "test_a_local_type_that_cannot_be_seen_is_named_with_the_remedy.<locals>.blind(order: 'Hidden'): the "
        "annotation cannot be resolved (name 'Hidden' is not defined). Import or define what it names at "
        "the top of the module, outside of `if TYPE_CHECKING`"
    )


def two_payloads(order: Order, customer: dict[str, str]) -> None: ...


def unclear_task(order, task) -> None: ...  # noqa: ANN001 - what is tried here


def two_tasks(first: Task, second: Task) -> None: ...


def variadic(*orders: Order) -> None: ...


def unsure(task: Task, order: Order | None = None) -> None: ...


def positional(order: Order, /) -> None: ...


class NoFunction:
    def __init__(self, order: Order) -> None: ...


@pytest.mark.parametrize(
    ("function", "words"),
    [
        (two_payloads, "two_payloads: 'order' and 'customer' could all get the payload. Annotate the one"),
        (
            unclear_task,
            "'order' and 'task' could all get the payload. Annotate the one that should get the",
        ),
        (two_tasks, "'first' and 'second' are all annotated with Task; keep one of them"),
        (variadic, "variadic(*orders: 'Order'): name the parameters"),
        (not_wrapping(only_payload), "let the decorator use functools.wraps"),
        (
            unsure,
            "unsure: should 'order' get the payload? If so, remove its default; if not, put it after a `*`",
        ),
        (positional, "positional: 'order' is passed by name; remove the `/` after it"),
        (NoFunction, "NoFunction(order: 'Order'): the annotation cannot be resolved"),
        (type, "its parameters cannot be inspected"),
        ([].append, "list.append: 'object' is passed by name"),
    ],
)
def test_a_signature_that_cannot_be_filled_is_refused_with_what_to_write(
    function: Callable[..., object], words: str
) -> None:
    assert words in refusal(function)
