"""When the `on_dead` of a dead task is called: at least once, by any delivery that meets the dead record."""

from __future__ import annotations

from taskhandler.delivery.notify import Notifier
from taskhandler.delivery.request import Delivery
from taskhandler.handlers.handler import OnDead
from taskhandler.ledger.lease import CLAIM_TIMEOUT_SECONDS
from taskhandler.ledger.ledger import Ledger
from taskhandler.ledger.storage import Key
from taskhandler.lifecycle.record import Record, Snapshot, State
from taskhandler.lifecycle.rules import MarkNotified
from taskhandler.task import Task


def find_on_dead(record: Record, delivery: Delivery) -> OnDead | None:
    """The `on_dead` that is to be called now: the task of this delivery is dead, and nobody called it yet."""
    if record.state is not State.DEAD or record.on_dead_called or record.digest != delivery.claim.digest:
        return None
    return delivery.handler.on_dead_function


def call_on_dead(
    function: OnDead,
    task: Task,
    error: Exception | None,
    *,
    key: Key,
    dead: Snapshot,
    notifier: Notifier,
    ledger: Ledger,
) -> None:
    """Call `function(task, error)`, and write down that it has been called.

    Args:
        function: the handler's `on_dead`.
        task: the dead one.
        error: of the last attempt, if this delivery made it.
        key: of the record.
        dead: the record.
        notifier: calls the function, and logs what it raises.
        ledger: where it is written down.
    """
    notifier.call(function, task, error)
    ledger.amend(key, MarkNotified(dead.record.fence), dead, timeout=CLAIM_TIMEOUT_SECONDS)
