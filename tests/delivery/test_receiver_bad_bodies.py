"""Bodies that are not the payload: what is answered to each, and what the ledger holds afterwards."""

from __future__ import annotations

from dataclasses import dataclass

import pytest
from flask import Flask

from taskhandler import TaskBlueprint
from taskhandler.lifecycle.record import Record, State
from tests.web.local_app import app_with, dead_letter_of, deliver, outcome, record_of


@dataclass
class Order:
    """What a well-behaved body holds."""

    id: str
    cents: int = 0


@pytest.fixture
def tasks() -> TaskBlueprint:
    return TaskBlueprint("tasks", __name__)


def recorded(app: Flask) -> Record:
    record = record_of(app)
    assert record is not None
    return record


def charging(tasks: TaskBlueprint, ran: list[object], *, on_invalid: str = "reject") -> Flask:
    """An app whose handler wants an order."""

    @tasks.handler("charge", on_invalid=on_invalid)
    def charge(order: Order) -> None:
        ran.append(order)

    return app_with(tasks)


BAD = {
    "not UTF-8": b'{"id": "\xff\xfe"}',
    "half a surrogate": b'{"id": "\\ud800"}',
    "not JSON": b"id=7",
    "truncated": b'{"id": "A7", "cen',
    "deep": b"[" * 100_000,
    "deep where a value is skipped": b'{"x": ' + b"[" * 100_000 + b"]" * 100_000 + b', "id": "a"}',
    "NaN": b'{"id": "a", "cents": NaN}',
    "Infinity": b'{"id": "a", "cents": Infinity}',
    "another type": b'{"id": 7}',
    "a number too large": b'{"id": "a", "cents": 1e400}',
    "a list": b'["A7"]',
    "a field missing": b'{"cents": 1}',
    "empty": b"",
    "blank": b" \n",
    "null": b"null",
    "two values": b'{"id": "a"} {"id": "b"}',
    "a NUL at the end": b'{"id": "a"}\0',
}


@pytest.mark.parametrize("body", BAD.values(), ids=BAD.keys())
def test_an_invalid_body_is_rejected_and_kept(tasks: TaskBlueprint, body: bytes):
    ran: list[object] = []
    app = charging(tasks, ran)
    response = deliver(app, "charge", body)
    assert outcome(response) == (200, "rejected")
    assert response.json == {"outcome": "rejected", "task": "t1", "attempt": 1}
    assert (recorded(app).state, recorded(app).attempt) == (State.REJECTED, 1)
    assert recorded(app).reason.startswith("invalid payload: ")
    dead_letter = dead_letter_of(app)
    assert dead_letter is not None
    assert dead_letter.content == body
    assert outcome(deliver(app, "charge", body, retry=1)) == (200, "duplicate")
    assert not ran


@pytest.mark.parametrize("body", [b"[" * 100_000, b"[1" * 100_000 + b"]" * 100_000, b'{"a":' * 50_000])
def test_a_body_nested_too_deeply_is_rejected_without_an_annotation_too(tasks: TaskBlueprint, body: bytes):
    tasks.handler("any")(lambda payload: payload)
    app = app_with(tasks)
    assert outcome(deliver(app, "any", body)) == (200, "rejected")
    assert recorded(app).state is State.REJECTED


def test_extra_fields_of_a_payload_are_ignored(tasks: TaskBlueprint):
    ran: list[object] = []
    app = charging(tasks, ran)
    assert outcome(deliver(app, "charge", b'{"id": "a", "more": [1, {"b": 2}]}')) == (200, "completed")
    assert ran == [Order("a")]


def test_an_invalid_body_is_retried_with_on_invalid_retry(tasks: TaskBlueprint):
    app = charging(tasks, [], on_invalid="retry")
    assert outcome(deliver(app, "charge", b"{")) == (503, "retry")
    assert (recorded(app).state, recorded(app).attempt) == (State.WAITING, 1)
    assert dead_letter_of(app) is None
    assert outcome(deliver(app, "charge", b"{", retry=1)) == (503, "retry")
    assert recorded(app).attempt == 2


def test_a_payload_changed_by_the_handler_is_still_the_same_task(tasks: TaskBlueprint):
    @tasks.handler("spoil")
    def spoil(payload: dict[str, list[int]]) -> None:
        payload["a"].clear()
        payload["b"] = [1]

    app = app_with(tasks)
    answers = [outcome(deliver(app, "spoil", b'{"a": [1]}', retry=retry)) for retry in (0, 1)]
    assert answers == [(200, "completed"), (200, "duplicate")]
