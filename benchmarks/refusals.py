"""Does it cost more to refuse a body than to read it? CPU time and memory for hostile bodies of 1 MB.

    python -m benchmarks.refusals [--length 1000000]

Prints, for each type of payload and each body, the CPU time of refusing it as a ratio of what `json.loads`
takes for a body with nothing wrong, and how much memory it took at its peak. Each is measured in a process
of its own, whose peak is nothing else's.
"""

from __future__ import annotations

import argparse
import itertools
import json
import multiprocessing
import resource
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, TypedDict

import attrs
import msgspec
import pydantic

from taskhandler.handlers.signature import read_signature
from taskhandler.task import Task


@dataclass
class DataItem:
    """One of its items."""

    id: str
    kind: str = ""

    def __post_init__(self) -> None:
        """Refuse as users do, with a value in the message."""
        if self.kind == "refused":
            raise ValueError(self.id)


@dataclass
class DataOrder:
    """An order."""

    items: list[DataItem] = field(default_factory=list)


class TypedItem(TypedDict):
    """One of its items."""

    id: str


class TypedOrder(TypedDict):
    """An order."""

    items: list[TypedItem]


class StructItem(msgspec.Struct, forbid_unknown_fields=True):
    """One of its items."""

    id: str


class StructOrder(msgspec.Struct, forbid_unknown_fields=True):
    """An order."""

    items: list[StructItem] = []


@attrs.define
class AttrsItem:
    """One of its items."""

    id: str = attrs.field(validator=attrs.validators.max_len(3))


@attrs.define
class AttrsOrder:
    """An order."""

    items: list[AttrsItem]


class Item(pydantic.BaseModel):
    """One of its items."""

    id: str
    kind: str = ""

    @pydantic.field_validator("kind")
    @classmethod
    def known(cls, value: str) -> str:
        """Refuse as users do, with a value in the message."""
        if value == "refused":
            raise ValueError(value)
        return value


class Order(pydantic.BaseModel, extra="forbid"):
    """An order."""

    items: list[Item] = []
    named: dict[str, Item] = {}
    either: int | list[int | list[int]] = 0


class WrappedOrder(Order, extra="forbid"):
    """An order with a wrap validator around all of it."""

    @pydantic.model_validator(mode="wrap")
    @classmethod
    def wrapped(cls, value: object, inner: Callable[[object], WrappedOrder]) -> WrappedOrder:
        """Do nothing, as one that logs would."""
        return inner(value)


class OwnOrder(Order, extra="forbid"):
    """An order whose validation taskhandler cannot end early."""

    @classmethod
    def model_validate_json(cls, *arguments: Any, **named: Any) -> OwnOrder:  # noqa: ANN401 - as pydantic's
        """Do what pydantic does."""
        return super().model_validate_json(*arguments, **named)


Measured = tuple[float, float]
"""Seconds of CPU time, and KiB by which the process has grown."""

TYPES = {
    "dict": dict,
    "dataclass": DataOrder,
    "TypedDict": TypedOrder,
    "Struct": StructOrder,
    "attrs": AttrsOrder,
    "pydantic": Order,
    "wrapped": WrappedOrder,
    "own": OwnOrder,
}


def _many(around: str, part: str, length: int) -> str:
    """As many parts as there is room for, in the place of the `…`; `#` in a part is its number."""
    number = length // (len(part) + 1 + 5 * part.count("#"))
    return around.replace("…", ",".join(part.replace("#", str(index)) for index in range(number)))


BODIES: dict[str, Callable[[int], str]] = {
    "nothing wrong": lambda length: _many('{"items":[…]}', '{"id":"a"}', length),
    "the last item is wrong": lambda length: _many('{"items":[…,{}]}', '{"id":"a"}', length),
    "items without a field": lambda length: _many('{"items":[…]}', "{}", length),
    "items that a validator refuses": lambda length: _many(
        '{"items":[…]}', '{"id":"long","kind":"refused"}', length
    ),
    "named items without a field": lambda length: _many('{"named":{…}}', '"x#":{}', length),
    "unknown keys": lambda length: _many("{…}", '"x#":1', length),
    "equal keys": lambda length: _many("{…}", '"items":0', length),
    "items that neither type fits": lambda length: _many('{"either":[…]}', '"a"', length),
    "nesting": lambda length: "[" * length,
    "a long integer": lambda length: f'{{"items":{"9" * length}}}',
    "a long key": lambda length: f'{{"{"k" * length}":1',
    "a long text": lambda length: f'{{"items":"{"k" * length}"}}',
    "escapes that end too soon": lambda length: '"' + r"\u0041" * (length // 6),
}


def main() -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.refusals", description=__doc__)
    parser.add_argument("--length", type=int, default=1_000_000, help="bytes (default: %(default)s)")
    length = parser.parse_args().length
    plain, _ = _apart(_read_plainly, length)
    print(f"json.loads of {length} bytes: {plain * 1000:.1f} ms")
    for body, name in itertools.product(BODIES, TYPES):
        seconds, peak = _apart(_refuse, name, body, length)
        print(f"{body:32} {name:10} {seconds / plain:8.2f} x {peak / 1024:8.1f} MB")
    return 0


def _apart(call: Callable[..., Measured], *arguments: object) -> Measured:
    """What `call` returns in a process of its own."""
    context = multiprocessing.get_context("fork")
    answers: multiprocessing.SimpleQueue[Measured] = context.SimpleQueue()
    child = context.Process(target=lambda: answers.put(call(*arguments)))
    child.start()
    answer = answers.get()
    child.join()
    return answer


def _read_plainly(length: int) -> Measured:
    body = BODIES["nothing wrong"](length)
    return _measured(lambda: json.loads(body))


def _refuse(name: str, body: str, length: int) -> Measured:
    def handler(payload: Any) -> None: ...  # noqa: ANN401 - annotated in the next line

    handler.__annotations__["payload"] = TYPES[name]
    read = read_signature(handler, task_type=Task).type.read
    read(b"{}" + b" " * (1 << 15))  # what is made once is made
    made = BODIES[body](length).encode()
    return _measured(lambda: read(made))


def _measured(call: Callable[[], object]) -> Measured:
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    start = time.process_time()
    call()
    seconds = time.process_time() - start
    return seconds, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before


if __name__ == "__main__":
    sys.exit(main())
