"""Which types a payload can have."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any

import pytest

from taskhandler.errors import UsageError
from taskhandler.handlers.signature import read_signature


class Task:
    """Stands for the task: here it need only be a type."""


@dataclass
class Order:
    id: str


class Unknown:
    """A class that nothing but its own code can build."""


@dataclass
class Tree:
    value: Unknown | None
    branches: tuple[Tree, ...] = ()


@dataclass
class Vine:
    next: Vine | None = None
    seeds: Annotated[Any, "anything"] = None


@pytest.mark.parametrize(
    ("annotation", "words"),
    [
        (Unknown, "tests.handlers.test_payload_types.Unknown cannot be decoded from JSON: use a dataclass"),
        (list[Unknown], "tests.handlers.test_payload_types.Unknown cannot be decoded from JSON"),
        (Tree, "tests.handlers.test_payload_types.Unknown cannot be decoded from JSON"),
        (complex, "complex cannot be decoded from JSON"),
        (5, "a payload cannot have this type: Type '5' is not supported"),
        (Unknown | int, "a payload cannot have this type: Type unions"),
        (Order | Vine, "a payload cannot have this type: Type unions"),
        (bytes | None, "write `bytes` alone"),
        (bytearray, "write `bytes` alone"),
        (list["Order | Nowhere"], "handler(payload: "),  # type: ignore[name-defined]  # noqa: F821 - what is tried
    ],
)
def test_a_type_that_cannot_be_decoded_is_refused_with_what_to_write(annotation: object, words: str) -> None:
    def handler(payload: object) -> None: ...

    handler.__annotations__["payload"] = annotation
    with pytest.raises(UsageError) as caught:
        read_signature(handler, task_type=Task)
    assert words in str(caught.value)


def test_a_recursive_type_is_decoded() -> None:
    def handler(vine: Vine) -> None: ...

    vine = read_signature(handler, task_type=Task).decode(b'{"next": {"next": null, "seeds": [1]}}')
    assert vine == Vine(Vine(None, [1]))


def without_parameters() -> None: ...


def with_the_task_alone(task: Task) -> None: ...


def test_the_body_is_not_decoded_for_a_handler_without_a_payload() -> None:
    assert read_signature(without_parameters, task_type=Task).decode(b"\xff{") is None
    assert read_signature(with_the_task_alone, task_type=Task).decode(b"\xff{") is None
