"""What a customization is: something of an app's own that would answer a task, or break its answer.

A customization that lets the handler be reached must not change what its delivery is answered; one that
does not, answered in the task's place, and that is `intercepted`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NoReturn

from flask import Flask
from msgspec import Struct

from taskhandler import TaskBlueprint

Install = Callable[[Flask, TaskBlueprint], object]


class Customization(Struct, frozen=True, kw_only=True):
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


CUSTOMIZATIONS: dict[str, Customization] = {}


def customization(**known: Any) -> Callable[[Install], Install]:  # noqa: ANN401 - whatever a Customization takes
    """Register a customization under its function's name."""

    def register(install: Install) -> Install:
        CUSTOMIZATIONS[install.__name__] = Customization(install=install, **known)
        return install

    return register


def fail(*_: object, **__: object) -> NoReturn:
    """Fail as hooks fail."""
    raise RuntimeError("a customization fails")


def page(*_: object, **__: object) -> str:
    """Answer 200, whatever is asked."""
    return "<h1>sorry</h1>"


@customization()
def nothing(_: Flask, __: TaskBlueprint) -> None:
    """An app without customizations."""
