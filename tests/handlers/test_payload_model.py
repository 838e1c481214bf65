"""Pydantic models as payloads: validated by themselves, and recognised without being imported."""

from __future__ import annotations

import datetime as dt
import subprocess
import sys
from collections.abc import Callable
from typing import Annotated, Any, Literal

import pydantic
import pydantic_core
import pytest

from taskhandler.errors import UsageError
from taskhandler.handlers import payload_model
from taskhandler.handlers.payload import PayloadError
from taskhandler.handlers.signature import read_signature


class Task:
    """Stands for the task: all that is asked of it here is to be a type."""


class Order(pydantic.BaseModel):
    id: str
    cents: int = pydantic.Field(gt=0, alias="amount")

    @pydantic.field_validator("id")
    @classmethod
    def spoken_for(cls, value: str) -> str:
        if value == "key":
            raise KeyError(value)
        return value.upper()


@pydantic.dataclasses.dataclass
class Checked:
    id: str


def wants_order(order: Order) -> None: ...


def wants_orders(orders: pydantic.RootModel[list[Order]]) -> None: ...


def reason(body: bytes, handler: Callable[..., None] = wants_order) -> str:
    with pytest.raises(PayloadError) as caught:
        read_signature(handler, task_type=Task).decode(body)
    return caught.value.reason


def wants(annotation: object) -> Callable[..., None]:
    def handler(payload: object) -> None: ...

    handler.__annotations__["payload"] = annotation
    return handler


def test_a_body_is_validated_by_the_model_itself() -> None:
    order = read_signature(wants_order, task_type=Task).decode(b'{"id": "o", "amount": "5"}')
    assert order == Order(id="o", amount=5)
    assert isinstance(order, Order)
    assert order.id == "O"


def test_a_list_of_models_is_a_root_model() -> None:
    orders = read_signature(wants_orders, task_type=Task).decode(b'[{"id": "o", "amount": 5}]')
    assert isinstance(orders, pydantic.RootModel)
    assert orders.root == [Order(id="o", amount=5)]


def test_the_reason_names_fields_and_kinds_of_errors_and_not_the_input() -> None:
    assert reason(b'{"id": 5, "amount": "4000-secret"}') == "id: string_type; amount: int_parsing"


@pytest.mark.parametrize(("orders", "end"), [(3, "; and 1 more"), (25, "; and 45 more")])
def test_a_reason_names_five_errors_and_counts_the_rest(orders: int, end: str) -> None:
    said = reason(b"[%s]" % b",".join([b"{}"] * orders), wants_orders)
    assert said == f"0.id: missing; 0.amount: missing; 1.id: missing; 1.amount: missing; 2.id: missing{end}"


def test_a_reason_gives_only_the_number_of_many_errors() -> None:
    assert reason(b"[%s]" % b",".join([b"{}"] * 26), wants_orders) == "52 errors"


@pytest.mark.parametrize("body", [b"{", b"\xff", b"[" * 100_000, b'{"id": "o", "amount": NaN}', b"null"])
def test_a_body_that_does_not_fit_the_model_is_refused(body: bytes) -> None:
    assert 0 < len(reason(body)) <= 500


def test_a_value_error_of_a_validator_makes_the_body_invalid() -> None:
    assert reason(b'{"id": "key", "amount": 5}') == "KeyError in the payload's own code"


def test_an_empty_body_for_a_model_is_refused_with_a_plain_reason() -> None:
    assert reason(b"").startswith("the body is empty; it must be JSON for ")


@pytest.mark.parametrize("annotation", [list[Order], Order | None, dict[str, Order], Checked, list[Checked]])
def test_a_model_inside_of_another_type_is_refused_when_the_handler_is_declared(annotation: object) -> None:
    with pytest.raises(UsageError, match="is pydantic's: annotate with one BaseModel, or with a RootModel"):
        read_signature(wants(annotation), task_type=Task)


def test_a_handler_without_models_imports_neither_pydantic_nor_attrs() -> None:
    code = (
        "import sys, taskhandler.handlers.payload; sys.exit(bool({'pydantic', 'attrs'} & set(sys.modules)))"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


LARGE = payload_model.LARGE_BYTES


class Item(pydantic.BaseModel):
    id: str
    type: int = 0  # a name that core schemas use too


class Basket(pydantic.BaseModel):
    items: list[Item] = []
    by_name: dict[str, Item] = {}
    both: tuple[Item, ...] | set[int] = ()
    inner: Basket | None = None
    fallback: dict[str, Any] = pydantic.Field({"type": "list"}, validate_default=True)


def of_length(body: bytes, length: int = LARGE + 1) -> bytes:
    return body + b" " * (length - len(body))


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (b'{"items": [%s]}' % b",".join([b"{}"] * LARGE), "items.0.id: missing"),
        (b'{"inner": {"items": [%s]}}' % b",".join([b"{}"] * LARGE), "inner.items.0.id: missing"),
        (b'{"by_name": {%s}}' % b",".join(b'"%d": {}' % n for n in range(LARGE)), "by_name.*.id: missing"),
    ],
)
def test_a_large_body_is_validated_up_to_its_first_wrong_item(body: bytes, said: str) -> None:
    assert reason(body, wants(Basket)) == said


GOOD = [
    b"{}",
    b'{"items": [{"id": "a"}], "both": [1], "inner": {"by_name": {"x": {"id": "b", "type": 5}}}}',
]


@pytest.mark.parametrize("body", GOOD)
def test_a_large_body_becomes_the_same_model_as_a_small_one(body: bytes) -> None:
    decode = read_signature(wants(Basket), task_type=Task).decode
    small, large = decode(body), decode(of_length(body))
    assert small == large == Basket.model_validate_json(body)
    assert type(large) is Basket
    assert large.fallback == {"type": "list"}


def in_place_of_what_is_wrong(value: object, inner: Callable[[object], object]) -> object:
    try:
        return inner(value)
    except pydantic.ValidationError as error:
        return [error.error_count()]


class Counted(pydantic.BaseModel):
    items: Annotated[list[int], pydantic.WrapValidator(in_place_of_what_is_wrong)]


def test_a_model_that_goes_on_after_an_error_is_shown_every_error_of_a_large_body() -> None:
    counted = read_signature(wants(Counted), task_type=Task).decode(of_length(b'{"items": ["a", "b"]}'))
    assert isinstance(counted, Counted)
    assert counted.items == [2]


class Own(pydantic.BaseModel):
    id: str

    @classmethod
    def model_validate_json(cls, json_data: str | bytes | bytearray, **_: Any) -> Own:  # noqa: ANN401 - as pydantic's
        return cls(id=str(len(json_data)))


def test_a_model_with_a_validation_of_its_own_keeps_it_for_large_bodies() -> None:
    decode = read_signature(wants(Own), task_type=Task).decode
    assert decode(b"1" * (LARGE + 1)) == Own(id=str(LARGE + 1))


class Initialised(pydantic.BaseModel):
    id: str

    def __init__(self, **given: Any) -> None:  # noqa: ANN401 - as pydantic's
        super().__init__(**given | {"id": given["id"] + "!"})


def test_a_model_with_an_init_of_its_own_keeps_it_for_large_bodies() -> None:
    assert read_signature(wants(Initialised), task_type=Task).decode(
        of_length(b'{"id": "a"}')
    ) == Initialised(id="a")


class Quoting(pydantic.BaseModel, extra="forbid"):
    number: str = pydantic.Field(
        "", validation_alias=pydantic.AliasChoices("number", pydantic.AliasPath("n", 0))
    )
    counts: dict[str, int] = {}
    kind: Annotated[Cat | Dog, pydantic.Field(discriminator="type")] | None = None
    day: dt.date | None = None

    @pydantic.field_validator("number")
    @classmethod
    def refuse(cls, value: str) -> str:
        if value.startswith("custom"):
            raise pydantic_core.PydanticCustomError(f"bad_{value}", "no {value}", {"value": value})
        raise ValueError(f"no {value}")


class Cat(pydantic.BaseModel):
    type: Literal["cat"]


class Dog(pydantic.BaseModel):
    type: Literal["dog"]


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (b'{"number": "4000-secret"}', "number: value_error"),
        (b'{"n": ["4000-secret"]}', "n.0: value_error"),
        (b'{"number": "custom-secret"}', "number: custom_error"),
        (b'{"counts": {"4000-secret": "x"}}', "counts.*: int_parsing"),
        (b'{"counts": {"number": "4000-secret"}}', "counts.number: int_parsing"),
        (b'{"4000-secret": 1}', "*: extra_forbidden"),
        (b'{"kind": {"type": "4000-secret"}}', "kind: union_tag_invalid"),
        (b'{"day": "4000-secret"}', "day: date_from_datetime_parsing"),
        (b'{"day": "4000-secret"', "json_invalid"),
    ],
)
def test_a_reason_contains_nothing_of_the_payload(body: bytes, said: str) -> None:
    assert reason(body, wants(Quoting)) == said
    assert "secret" not in reason(of_length(body), wants(Quoting))


class Unknown(pydantic.BaseModel):
    id: str


def test_a_model_whose_schema_cannot_be_used_again_validates_large_bodies_itself() -> None:
    Unknown.__pydantic_core_schema__ = {"type": "of a later release"}
    decode = read_signature(wants(Unknown), task_type=Task).decode
    assert decode(of_length(b'{"id": "a"}')) == Unknown(id="a")


class OlderRelease:
    """Pydantic's library up to 2.12, which has no flag."""

    SchemaError = pydantic_core.SchemaError

    @staticmethod
    def SchemaValidator(schema: Any) -> pydantic_core.SchemaValidator:  # noqa: N802, ANN401 - pydantic's own names
        return pydantic_core.SchemaValidator(schema)


def test_an_older_pydantic_is_called_without_the_flag_that_it_does_not_know() -> None:
    validate = payload_model._make_validator(OlderRelease, Basket.__pydantic_core_schema__)  # noqa: SLF001 - nothing else reaches it
    assert validate(GOOD[1]) == Basket.model_validate_json(GOOD[1])


def test_an_error_of_a_models_validator_is_found_inside_the_pydantic_error():
    raised = ValueError("no")

    class Checked(pydantic.BaseModel):
        id: str
        cents: int

        @pydantic.field_validator("id")
        @classmethod
        def known(cls, _value: str) -> str:
            raise raised

    with pytest.raises(pydantic.ValidationError) as caught:
        Checked.model_validate_json('{"id": "o", "cents": "x"}')
    assert payload_model.find_raised(caught.value) == [raised, None]
    assert payload_model.find_raised(raised) == []
