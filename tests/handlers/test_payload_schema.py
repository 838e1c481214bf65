"""Pydantic's lists that end at their first wrong item, and what wrap validators notice of it."""

from __future__ import annotations

import collections
from collections.abc import Callable, Generator, Iterable, Sequence
from typing import Annotated, Any

import pydantic
import pytest

from taskhandler.errors import UsageError
from taskhandler.handlers.payload import PayloadError
from taskhandler.handlers.payload_model import LARGE_BYTES
from taskhandler.handlers.payload_schema import end_early, has_generator
from taskhandler.handlers.signature import Signature, read_signature


class Task:
    """Stands for the task: all that is asked of it here is to be a type."""


class Item(pydantic.BaseModel):
    id: str


def signature(annotation: object) -> Signature:
    def handler(payload: object) -> None: ...

    handler.__annotations__["payload"] = annotation
    return read_signature(handler, task_type=Task)


def of_length(body: bytes, length: int = LARGE_BYTES + 1) -> bytes:
    return body + b" " * (length - len(body))


def reason(model: type, body: bytes) -> str:
    with pytest.raises(PayloadError) as caught:
        signature(model).decode(body)
    return caught.value.reason


Inner = Callable[[object], Any]


def passing(value: object, inner: Inner) -> Any:  # noqa: ANN401 - as pydantic's
    return inner(value)


def raising_again(value: object, inner: Inner, _info: pydantic.ValidationInfo) -> Any:  # noqa: ANN401 - the same
    try:
        return inner(value)
    except pydantic.ValidationError as error:
        error.add_note("seen") if hasattr(error, "add_note") else None
        raise


def raising_another(value: object, inner: Inner) -> Any:  # noqa: ANN401 - the same
    try:
        return inner(value)
    except pydantic.ValidationError:
        raise ValueError("no items") from None


class FieldWrapped(pydantic.BaseModel):
    items: list[Item]

    @pydantic.field_validator("items", mode="wrap")
    @classmethod
    def wrapped(cls, value: object, inner: Inner) -> Any:  # noqa: ANN401 - the same
        return inner(value)


class ModelWrapped(pydantic.BaseModel):
    items: list[Item]

    @pydantic.model_validator(mode="wrap")
    @classmethod
    def wrapped(cls, value: object, inner: Inner) -> Any:  # noqa: ANN401 - the same
        return inner(value)


def of(annotation: Any) -> Any:  # noqa: ANN401 - an annotation, and a model
    return pydantic.create_model("Of", items=(annotation, ...))


@pytest.mark.parametrize(
    ("model", "said"),
    [
        (FieldWrapped, "items.0.id: missing"),
        (ModelWrapped, "items.0.id: missing"),
        (of(Annotated[list[Item], pydantic.WrapValidator(passing)]), "items.0.id: missing"),
        (of(Annotated[list[Item], pydantic.WrapValidator(raising_again)]), "items.0.id: missing"),
        (of(Annotated[list[Item], pydantic.WrapValidator(raising_another)]), "items: value_error"),
        (of(list[Annotated[Item, pydantic.WrapValidator(passing)]]), "items.0.id: missing"),
        (of(collections.deque[Item]), "items.0.id: missing"),
        (of(Sequence[Item]), "items.0.id: missing"),
        (of(tuple[Item, ...]), "items.0.id: missing"),
    ],
)
def test_a_large_body_is_refused_for_its_first_wrong_item(model: type, said: str):
    many = b'{"items": [%s]}' % b",".join([b"{}"] * LARGE_BYTES)
    assert reason(model, many) == said


def without_what_is_wrong(value: list[object], inner: Callable[[object], list[Item]]) -> list[Item]:
    try:
        return inner(value)
    except pydantic.ValidationError as error:
        wrong = {problem["loc"][0] for problem in error.errors()}
        return inner([item for index, item in enumerate(value) if index not in wrong])


def how_many_are_wrong(value: object, inner: Inner) -> Any:  # noqa: ANN401 - as pydantic's
    try:
        return inner(value)
    except pydantic.ValidationError as error:
        return error.error_count()


def swallowing_everything(value: object, inner: Inner) -> Any:  # noqa: ANN401 - the same
    try:
        return inner(value)
    except Exception:  # noqa: BLE001 - what is being tried
        return None


Skipping = Annotated[list[Item], pydantic.WrapValidator(without_what_is_wrong)]
Counting = Annotated[list[Item], pydantic.WrapValidator(how_many_are_wrong)]


@pytest.mark.parametrize(
    ("annotation", "read"),
    [
        (Skipping, [Item(id="a")]),
        (Counting, 3),
        (Annotated[Counting, pydantic.WrapValidator(swallowing_everything)], 3),
        (Counting | None, 3),
    ],
)
def test_a_wrap_validator_that_goes_on_after_an_error_is_shown_every_error_of_a_large_body(
    annotation: Any,  # noqa: ANN401 - an annotation
    read: object,
):
    model = pydantic.RootModel[annotation]
    body = b'[{}, {"id": "a"}, {}, {}]'
    decode: Callable[[bytes], Any] = signature(model).decode
    assert decode(body).root == decode(of_length(body)).root == read


@pytest.mark.parametrize("model", [FieldWrapped, ModelWrapped])
def test_a_valid_large_body_passes_the_wrap_validators(model: type):
    assert signature(model).decode(of_length(b'{"items": [{"id": "a"}]}')) == model(items=[Item(id="a")])


def test_a_schema_may_hold_others_with_labels():
    early = end_early({"type": "union", "choices": [({"type": "list"}, "label")]})
    assert early == {"type": "union", "choices": [({"type": "list", "fail_fast": True}, "label")]}
    assert has_generator(
        {"type": "union", "choices": [({"type": "list"}, "a"), ({"type": "generator"}, "b")]}
    )
    assert not has_generator({"type": "union", "choices": [({"type": "list"}, "generator")]})


class Later(pydantic.BaseModel, defer_build=True):
    items: Iterable[Item]


@pytest.mark.parametrize(
    "model",
    [
        of(Iterable[Item]),
        of(Generator[Item, None, None] | None),
        of(dict[str, list[Iterable[int]]]),
        of(of(Iterable[int])),
        pydantic.RootModel[Iterable[Item]],
        Later,
    ],
)
def test_a_type_that_is_validated_lazily_is_refused_when_the_handler_is_declared(model: type):
    with pytest.raises(UsageError, match="only while the handler iterates over it"):
        signature(model)


class Kind(pydantic.BaseModel):
    type: str = "generator"
    fields: dict[str, str] = {"type": "generator"}


@pytest.mark.parametrize("model", [of(list[Item]), Kind, of(tuple[Kind, ...])])
def test_types_that_look_like_lazy_ones_are_accepted(model: type):
    assert signature(model).payload == "payload"
