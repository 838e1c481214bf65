"""Payloads made up by chance: what is sent is read back as it was."""

from __future__ import annotations

import json
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from taskhandler.enqueue.body import LIMIT_BYTES, encode_body
from taskhandler.errors import UsageError
from taskhandler.handlers.signature import Signature, read_signature


class Task:
    """Stands for the task: all that is asked of it here is to be a type."""


@dataclass
class Order:
    id: str
    price: Decimal | None = None


def of_anything(payload: Any) -> None: ...  # noqa: ANN401 - what is being tried


def of_order(order: Order) -> None: ...


ANYTHING, ORDER = (read_signature(handler, task_type=Task) for handler in (of_anything, of_order))


def sent(payload: object, signature: Signature = ANYTHING) -> bytes:
    return encode_body(payload, signature, limit=LIMIT_BYTES).content


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=10,
)


@given(JSON)
def test_json_values_are_sent_and_read_back_unchanged(value: object):
    assert json.loads(sent(value)) == value
    assert ANYTHING.decode(sent(value)) == value


@given(
    st.recursive(
        JSON
        | st.floats()
        | st.binary()
        | st.decimals()
        | st.datetimes()
        | st.sets(st.integers())
        | st.uuids(),
        lambda inner: st.lists(inner) | st.dictionaries(st.text() | st.integers(), inner),
        max_leaves=10,
    )
)
def test_any_payload_that_is_sent_is_read_back_unchanged(value: object):
    try:
        content = sent(value)
    except UsageError:
        return
    assert ANYTHING.decode(content) == value


@given(st.builds(Order, id=st.text(), price=st.none() | st.decimals(allow_nan=False, allow_infinity=False)))
def test_a_dataclass_is_read_back_unchanged(order: Order):
    assert ORDER.decode(sent(order, ORDER)) == order
