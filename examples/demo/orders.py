"""The tasks of the demo, and how each must end."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from google.cloud import tasks_v2

from examples.demo.stage import ACCOUNT, QUEUE, Stage


@dataclass(frozen=True)
class PlannedTask:
    """A task to be created, and how it must end."""

    name: str
    handler: str
    body: bytes
    end: str = "completed"
    made_by_shop: bool = False


def plan_tasks(number: int) -> Iterator[PlannedTask]:
    """Around `number` tasks: most are ordinary, some cannot succeed."""
    for at in range(number // 2):
        card = "unreliable" if at % 10 == 0 else "good"
        receipt = at % 3 == 0
        yield _order(f"order-{at}", cents=100 + at, card=card, receipt=receipt)
        if receipt:
            yield PlannedTask(f"order-{at}-receipt", "send-receipt", b"", made_by_shop=True)
    for at in range(number // 3):
        yield PlannedTask(f"picture-{at}", "make-thumbnail", bytes(range(200)) * (1 + at % 7))
    for at in range(12):
        yield _order(f"slow-order-{at}", cents=5, card="slow")
    yield _order("free-order", cents=0, end="rejected")
    yield PlannedTask("garbled-order", "charge-order", b'{"id": 7, "cents": "many"}', end="rejected")
    yield _order("cursed-order", cents=666, card="cursed", end="dead")


def make(client: tasks_v2.CloudTasksClient, stage: Stage, planned: PlannedTask) -> None:
    """Create the task, as a producer anywhere would."""
    task: dict[str, Any] = {
        "name": f"{QUEUE}/tasks/{planned.name}",
        "http_request": {
            "url": f"{stage.target}/{planned.handler}",
            "body": planned.body,
            "oidc_token": {"service_account_email": ACCOUNT, "audience": stage.target},
        },
    }
    client.create_task(request={"parent": QUEUE, "task": task})


def _order(
    name: str, *, cents: int, card: str = "good", receipt: bool = False, end: str = "completed"
) -> PlannedTask:
    order = {"id": name, "cents": cents, "card": card, "receipt": receipt}
    return PlannedTask(name, "charge-order", json.dumps(order).encode(), end)
