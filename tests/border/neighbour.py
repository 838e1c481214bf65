"""What a neighbour is: something of an app's own that would answer a task, or break its answer.

A neighbour that lets the handler be reached must not change what its delivery is answered; one that
does not, answered in the task's place, and that is `intercepted`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NoReturn

from flask import Flask
from msgspec import Struct

from taskhandler import TaskBlueprint

Install = Callable[[Flask, TaskBlueprint], object]


class Neighbour(Struct, frozen=True, kw_only=True):
    """Something of the app's own beside its tasks.

    Attributes:
        install: registers it.
        reaches: whether a delivery reaches its handler all the same.
        placements: whether it is registered before the tasks (`early`), after them (`late`), or either.
        flask: the class of the app.
        kills: whether it ends the process.
    """

    install: Install
    reaches: bool = True
    placements: tuple[str, ...] = ("early", "late")
    flask: type[Flask] = Flask
    kills: bool = False


NEIGHBOURS: dict[str, Neighbour] = {}


def neighbour(**known: Any) -> Callable[[Install], Install]:  # noqa: ANN401 - whatever a Neighbour takes
    """Register a neighbour under its function's name."""

    def register(install: Install) -> Install:
        NEIGHBOURS[install.__name__] = Neighbour(install=install, **known)
        return install

    return register


def explode(*_: object, **__: object) -> NoReturn:
    """Fail as hooks fail."""
    raise RuntimeError("a neighbour fails")


def page(*_: object, **__: object) -> str:
    """Answer 200, whatever is asked."""
    return "<h1>sorry</h1>"


@neighbour()
def nothing(_: Flask, __: TaskBlueprint) -> None:
    """An app without neighbours."""
