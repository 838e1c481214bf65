"""A task as its producer knows it."""

from __future__ import annotations

import msgspec

from taskhandler import TaskRef

NAME = "projects/shop/locations/here/queues/orders/tasks/order-A7"


def test_a_ref_prints_as_the_full_name():
    assert (
        str(TaskRef("order-A7", NAME, created=True)) == f"{TaskRef('order-A7', NAME, created=False)}" == NAME
    )


def test_a_handler_may_return_a_ref_as_its_result():
    said = msgspec.json.encode(TaskRef("order-A7", NAME, created=True))
    assert msgspec.json.decode(said) == {"id": "order-A7", "name": NAME, "created": True}
