"""Pydantic models as payloads: validated by themselves, and recognised without being imported."""

from __future__ import annotations

import subprocess
import sys

import pydantic
import pytest

from taskhandler.errors import UsageError
from taskhandler.payload import PayloadError, signature_of


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


def reason(body: bytes) -> str:
    with pytest.raises(PayloadError) as caught:
        signature_of(wants_order, task_type=Task).decode(body)
    return caught.value.reason


def test_a_model_validates_itself() -> None:
    order = signature_of(wants_order, task_type=Task).decode(b'{"id": "o", "amount": "5"}')
    assert order == Order(id="o", amount=5)
    assert isinstance(order, Order)
    assert order.id == "O"


def test_a_list_of_models_is_a_root_model() -> None:
    orders = signature_of(wants_orders, task_type=Task).decode(b'[{"id": "o", "amount": 5}]')
    assert isinstance(orders, pydantic.RootModel)
    assert orders.root == [Order(id="o", amount=5)]


def test_the_reason_names_fields_and_not_the_input() -> None:
    assert reason(b'{"id": 5, "amount": "secret"}') == (
        "id: Input should be a valid string; "
        "amount: Input should be a valid integer, unable to parse string as an integer"
    )


@pytest.mark.parametrize(("orders", "end"), [(3, "; and 1 more"), (1000, "; and 1995 more")])
def test_five_problems_are_told_and_the_rest_counted(orders: int, end: str) -> None:
    with pytest.raises(PayloadError) as caught:
        signature_of(wants_orders, task_type=Task).decode(b"[%s]" % b",".join([b"{}"] * orders))
    assert caught.value.reason.startswith("0.id: Field required; 0.amount: Field required; ")
    assert caught.value.reason.endswith(f"2.id: Field required{end}")


@pytest.mark.parametrize("body", [b"{", b"\xff", b"[" * 100_000, b'{"id": "o", "amount": NaN}', b"null"])
def test_a_body_that_is_no_model_is_refused(body: bytes) -> None:
    assert 0 < len(reason(body)) <= 500


def test_what_a_validator_raises_is_the_bodys_fault() -> None:
    assert reason(b'{"id": "key", "amount": 5}') == "KeyError: 'key'"


def test_an_empty_body_is_refused_in_plain_words() -> None:
    assert reason(b"").startswith("the body is empty, and JSON for ")


@pytest.mark.parametrize("annotation", [list[Order], Order | None, dict[str, Order], Checked, list[Checked]])
def test_a_model_inside_of_another_type_is_refused_when_the_handler_is_declared(annotation: object) -> None:
    def handler(payload: object) -> None: ...

    handler.__annotations__["payload"] = annotation
    with pytest.raises(UsageError, match="is pydantic's: annotate with one BaseModel, or a RootModel"):
        signature_of(handler, task_type=Task)


def test_pydantic_and_attrs_are_not_imported() -> None:
    code = "import sys, taskhandler.payload; assert not {'pydantic', 'attr', 'attrs'} & set(sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True)
