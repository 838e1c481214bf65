"""A payload's own code that fails for a reason outside of the body: the attempt has failed, not the task."""

from __future__ import annotations

import concurrent.futures
import sqlite3
import ssl
from dataclasses import dataclass
from typing import Any

import attrs
import msgspec
import pydantic
import pytest
from flask import Flask

from taskhandler import TaskBlueprint
from tests.web.local_app import app_with, deliver, outcome, record_of

SECRET = "4000-secret"

ERRORS = list[Exception]()
"""What the payloads' own code raises, one after the other; then it raises nothing."""


class ServiceError(Exception):
    """What the client of some service raises."""


def check() -> None:
    if ERRORS:
        raise ERRORS.pop(0)


class Model(pydantic.BaseModel):
    number: int

    @pydantic.field_validator("number")
    @classmethod
    def known(cls, value: int) -> int:
        check()
        return value


class Whole(pydantic.BaseModel):
    number: int

    @pydantic.model_validator(mode="after")
    def known(self) -> Whole:
        check()
        return self


class Nested(pydantic.BaseModel):
    number: int
    items: list[Model] = pydantic.Field(default_factory=lambda: [Model(number=1)])


@dataclass
class Data:
    number: int

    def __post_init__(self) -> None:
        check()


class Line(msgspec.Struct):
    number: int

    def __post_init__(self) -> None:
        check()


def asks(_parcel: object, _field: object, _value: int) -> None:
    check()


@attrs.define
class Parcel:
    number: int = attrs.field(validator=asks)


PAYLOADS = [Model, Whole, Nested, Data, Line, Parcel, pydantic.RootModel[list[Model]], list[Data]]


def transient() -> list[Exception]:
    return [
        OSError(SECRET),
        ConnectionError(SECRET),
        ConnectionResetError(SECRET),
        TimeoutError(SECRET),
        concurrent.futures.TimeoutError(SECRET),
        PermissionError(SECRET),
        ssl.SSLError(SECRET),
        ssl.SSLCertVerificationError(SECRET),
        sqlite3.OperationalError(SECRET),
        RuntimeError(SECRET),
        NotImplementedError(SECRET),
        EOFError(SECRET),
        Exception(SECRET),
        ServiceError(SECRET),
    ]


def of_the_body() -> list[Exception]:
    return [
        ValueError(SECRET),
        TypeError(SECRET),
        AssertionError(SECRET),
        KeyError(SECRET),
        IndexError(SECRET),
        AttributeError(SECRET),
        ZeroDivisionError(SECRET),
        RecursionError(SECRET),
        UnicodeError(SECRET),
        msgspec.ValidationError(SECRET),
    ]


@pytest.fixture(autouse=True)
def nothing_left() -> None:
    ERRORS.clear()


def app_for(annotation: object, **options: Any) -> Flask:  # noqa: ANN401 - those of a handler
    def charge(payload: Any) -> None: ...  # noqa: ANN401 - annotated in the next line

    charge.__annotations__["payload"] = annotation
    tasks = TaskBlueprint("tasks", __name__)
    tasks.handler("charge", **options)(charge)
    return app_with(tasks)


def body_for(annotation: object) -> bytes:
    is_list = annotation in (pydantic.RootModel[list[Model]], list[Data])
    return b'[{"number": 1}]' if is_list else b'{"number": 1, "items": [{"number": 1}]}'


@pytest.mark.parametrize("annotation", PAYLOADS)
@pytest.mark.parametrize("error", transient(), ids=lambda error: type(error).__name__)
def test_a_task_runs_once_the_resource_that_its_payload_needed_is_back(
    annotation: object, error: Exception, caplog: pytest.LogCaptureFixture
):
    app, body = app_for(annotation), body_for(annotation)
    ERRORS.append(error)
    caplog.clear()
    assert outcome(deliver(app, "charge", body)) == (503, "retry")
    record = record_of(app)
    assert record is not None
    assert SECRET not in f"{record.reason}{caplog.text}"
    assert "invalid payload" not in record.reason
    assert outcome(deliver(app, "charge", body, retry=1)) == (200, "completed")


@pytest.mark.parametrize("annotation", PAYLOADS)
@pytest.mark.parametrize("error", of_the_body(), ids=lambda error: type(error).__name__)
def test_a_value_error_of_a_payloads_own_code_rejects_the_task(annotation: object, error: Exception):
    app, body = app_for(annotation), body_for(annotation)
    ERRORS.append(error)
    assert outcome(deliver(app, "charge", body)) == (200, "rejected")


@pytest.mark.parametrize("on_invalid", ["reject", "retry"])
def test_a_task_is_dead_when_its_payload_fails_at_the_last_attempt(on_invalid: str):
    app = app_for(Data, on_invalid=on_invalid, max_attempts=2)
    ERRORS.extend([TimeoutError(SECRET), TimeoutError(SECRET)])
    assert outcome(deliver(app, "charge", body_for(Data))) == (503, "retry")
    assert outcome(deliver(app, "charge", body_for(Data), retry=1)) == (200, "dead")
    record = record_of(app)
    assert record is not None
    assert record.reason == "TimeoutError in the payload's own code"
