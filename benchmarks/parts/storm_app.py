"""The app that storms are sent to: task routes, and beside them a bare view that says 401 to everybody."""

from __future__ import annotations

from typing import Any

import pydantic
from flask import Flask, request

from taskhandler import TaskBlueprint

METHODS = ["GET", "POST", "PUT", "OPTIONS"]

tasks = TaskBlueprint("tasks", __name__)


class Item(pydantic.BaseModel):
    """One of many in a payload that is wrong at every one of them."""

    sku: str
    count: int


class Items(pydantic.BaseModel):
    """That payload."""

    items: list[Item]


@tasks.handler("charge-order")
def charge_order(order: dict[str, Any]) -> dict[str, Any]:
    """Do as good as nothing."""
    return {"receipt": order["id"]}


@tasks.handler("ship")
def ship(items: Items) -> None:
    """Never be called: the payloads are not items."""


def make_app() -> Flask:
    """Make the app, with settings from the environment."""
    app = Flask("storms")
    app.register_blueprint(tasks, url_prefix="/tasks")
    app.add_url_rule("/bare/<name>", "bare", _refuse, methods=METHODS, provide_automatic_options=False)
    app.add_url_rule("/reading/<name>", "reading", _read_and_refuse, methods=METHODS)
    return app


def _refuse(name: str) -> tuple[dict[str, str], int]:  # noqa: ARG001 - it looks at nothing
    return {"outcome": "unauthenticated"}, 401


def _read_and_refuse(name: str) -> tuple[dict[str, str], int]:
    request.get_data()
    return _refuse(name)
