"""A delivery whose payload cannot be decoded: what the log, the record and the answer say of it."""

from __future__ import annotations

import inspect
import json
import logging
import traceback
from dataclasses import dataclass
from typing import Any

import msgspec
import pydantic
import pytest
from flask import Flask
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from taskhandler import TaskBlueprint, TaskEvent, task_rejected
from taskhandler.ledger.storage import TaskBody
from tests.web.local_app import app_with, dead_letter_of, deliver, outcome, record_of

SECRET = "4000-secret"


class Card(pydantic.BaseModel, extra="forbid"):
    number: int = 0
    codes: dict[str, int] = {}
    word: str = ""

    @pydantic.field_validator("word")
    @classmethod
    def known(cls, value: str) -> str:
        raise ValueError(f"no {value}")


class Line(msgspec.Struct, forbid_unknown_fields=True):
    number: int = 0


@dataclass
class Checked:
    number: str

    def __post_init__(self) -> None:
        raise ValueError(f"no {self.number}")


class Items(pydantic.BaseModel):
    items: list[Card]


def app_for(annotation: object) -> Flask:
    def charge(payload: Any) -> None: ...  # noqa: ANN401 - annotated in the next line

    charge.__annotations__["payload"] = annotation
    tasks = TaskBlueprint("tasks", __name__)
    tasks.handler("charge")(charge)
    return app_with(tasks)


@pytest.mark.parametrize(
    ("annotation", "body", "reason"),
    [
        (Card, {"number": SECRET}, "number: int_parsing"),
        (Card, {"codes": {SECRET: "x"}}, "codes.*: int_parsing"),
        (Card, {SECRET: 1}, "*: extra_forbidden"),
        (Card, {"word": SECRET}, "word: value_error"),
        (Line, {SECRET: 1}, "Object contains unknown field"),
        (Line, {"number": SECRET}, "Expected `int`, got `str` - at $.number"),
        (Checked, {"number": SECRET}, "ValueError in the payload's own code"),
    ],
)
def test_a_rejected_payload_is_one_log_line_without_its_values(
    annotation: object, body: object, reason: str, caplog: pytest.LogCaptureFixture
):
    app = app_for(annotation)
    caplog.clear()
    with caplog.at_level(logging.DEBUG):
        response = deliver(app, "charge", json.dumps(body).encode())
    assert outcome(response) == (200, "rejected")
    (line,) = caplog.records
    assert line.getMessage().endswith(f"invalid payload: {reason}")
    assert (line.exc_info, line.exc_text, line.stack_info) == (None, None, None)
    record = record_of(app)
    assert record is not None
    assert record.reason == f"invalid payload: {reason}"
    assert "secret" not in f"{vars(line)}{record.reason}{response.text}{response.headers}"


def test_the_error_that_listeners_get_holds_nothing_of_the_payload():
    app, heard = app_for(Card), list[TaskEvent]()

    def listen(_sender: object, event: TaskEvent) -> None:
        heard.append(event)

    with task_rejected.connected_to(listen, app):
        deliver(app, "charge", json.dumps({"number": SECRET}).encode())
    (event,) = heard
    assert event.error is not None
    assert (event.error.__cause__, event.error.__context__, event.error.__traceback__) == (None, None, None)
    assert "secret" not in f"{event.error!r}{event.error.args}{vars(event.error)}"


def test_values_that_a_handlers_own_validation_refuses_are_in_neither_record_nor_log(
    caplog: pytest.LogCaptureFixture,
):
    def charge(payload: Any) -> None:  # noqa: ANN401 - what JSON says
        Card.model_validate(payload)

    tasks = TaskBlueprint("tasks", __name__)
    tasks.handler("charge")(charge)
    app = app_with(tasks, PROPAGATE_EXCEPTIONS=False)
    assert outcome(deliver(app, "charge", json.dumps({"number": SECRET}).encode())) == (503, "retry")
    record = record_of(app)
    assert record is not None
    assert record.reason == "ValidationError: *: int_parsing"
    lines = [line.getMessage() for line in caplog.records if line.name.startswith("taskhandler")]
    assert any("ValidationError: *: int_parsing" in line for line in lines)
    assert "secret" not in "".join(lines)


def test_what_an_error_tracker_prints_of_our_frames_holds_nothing_of_the_payload():
    app, printed = app_for(Card), list[str]()

    def listen(_sender: object, event: TaskEvent) -> None:
        for frame, _ in traceback.walk_stack(inspect.currentframe()):
            if frame.f_globals["__name__"].startswith("taskhandler."):
                printed.extend(f"{name} = {value!r}" for name, value in frame.f_locals.items())
        printed.append(repr(event))

    with task_rejected.connected_to(listen, app):
        deliver(app, "charge", json.dumps({"number": SECRET}).encode())
    assert any(line.startswith("delivery = ") for line in printed)
    assert not [line for line in printed if "secret" in line]


def test_a_task_body_prints_its_length_and_not_its_content():
    dead_letter = TaskBody(b"4000-secret", "text/plain")
    assert repr(dead_letter) == "TaskBody(bytes=11, content_type='text/plain')"
    assert dict(dead_letter.__rich_repr__()) == {"bytes": 11, "content_type": "text/plain"}


def test_a_body_with_many_wrong_items_is_refused_for_the_first(caplog: pytest.LogCaptureFixture):
    app, body = app_for(Items), b'{"items":[%s]}' % b",".join([b'{"number":"x"}'] * 60_000)
    caplog.clear()
    assert outcome(deliver(app, "charge", body)) == (200, "rejected")
    assert [line.getMessage().partition(": invalid")[2] for line in caplog.records] == [
        " payload: items.0.number: int_parsing"
    ]
    dead_letter = dead_letter_of(app)
    assert dead_letter is not None
    assert dead_letter.content == body


TEXT = st.text(min_size=3).map("§{}".format)
"""Which is nowhere in our own words."""


@pytest.mark.parametrize("annotation", [Card, Line])
@given(body=st.dictionaries(TEXT, TEXT, min_size=1))
@settings(max_examples=20, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_no_text_of_a_refused_payload_is_in_its_line(
    annotation: object, body: dict[str, str], caplog: pytest.LogCaptureFixture
):
    app = app_for(annotation)
    caplog.clear()
    deliver(app, "charge", json.dumps(body).encode())
    (line,) = caplog.records
    assert not [text for item in body.items() for text in item if text in line.getMessage()]
