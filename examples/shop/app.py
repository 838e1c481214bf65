"""A small shop: it charges orders, sends receipts and makes thumbnails, each as a task.

gunicorn examples.shop.app:app        # POST /tasks/charge-order, /tasks/send-receipt, …
"""

from __future__ import annotations

import asyncio
import logging
import os
from dataclasses import dataclass

from flask import Flask

from examples.shop import payments
from examples.shop.effects import Effects
from taskhandler import Reject, Task, TaskBlueprint, TaskEvent
from taskhandler import task_completed as completed
from taskhandler import task_dead as dead
from taskhandler import task_duplicate as duplicate
from taskhandler import task_in_flight as in_flight
from taskhandler import task_refused as refused
from taskhandler import task_rejected as rejected
from taskhandler import task_retried as retried

logging.basicConfig(level=os.environ.get("LOG_LEVEL", "INFO"))

tasks = TaskBlueprint("tasks", __name__)
effects = Effects(os.environ.get("SHOP_EFFECTS", ""))
"""What really was done, written down apart from any ledger: the demo checks taskhandler against it."""


@dataclass
class Order:
    """Somebody bought something."""

    id: str
    cents: int
    card: str = "good"
    receipt: bool = False


@tasks.handler("charge-order", max_attempts=5)
def charge_order(order: Order, task: Task) -> dict[str, str]:
    """Charge the customer's card, and have a receipt sent."""
    if order.cents <= 0:
        raise Reject("nothing to charge")
    with effects.of(task):
        # The key makes the payment provider's side idempotent too: this may run more than once.
        paid = payments.charge(order.card, order.cents, attempt=task.attempt, key=f"{task.queue}/{task.id}")
    if order.receipt:
        # Named after this task: however often this runs, one receipt is sent.
        send_receipt.enqueue({"order": order.id, "paid": paid}, name=f"{task.id}-receipt")
    return {"paid": paid}


@charge_order.on_dead
def give_up(task: Task, error: Exception | None) -> None:
    """Tell the people who can help."""
    task.log.error("order %s cannot be charged: %s", task.payload, error)


@tasks.handler("send-receipt")
async def send_receipt(receipt: dict[str, str], task: Task) -> None:
    """Send an e-mail."""
    with effects.of(task):
        await asyncio.sleep(0.01)  # as long as a mail server takes
        task.log.info("receipt for order %s sent", receipt["order"])


@tasks.handler("make-thumbnail")
def make_thumbnail(picture: bytes, task: Task) -> dict[str, int]:
    """Shrink a picture, whose bytes are one grey pixel each, to a tenth."""
    with effects.of(task):
        small = bytes(sum(picture[at : at + 10]) // 10 for at in range(0, len(picture), 10))
    return {"bytes": len(small)}


def note(_: Flask, event: TaskEvent) -> None:
    """Write down what a delivery came to."""
    effects.outcome(event)


for signal in (completed, dead, duplicate, in_flight, refused, rejected, retried):
    signal.connect(note)

app = Flask(__name__)
app.register_blueprint(tasks, url_prefix="/tasks")


@app.get("/")
def home() -> str:
    """Say that the shop is open."""
    return "The shop is open.\n"
