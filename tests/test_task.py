"""The task as its handler sees it."""

from __future__ import annotations

import inspect
import logging
import re
from collections.abc import Callable

import pytest
from msgspec.structs import replace

from taskhandler.errors import Interrupted
from taskhandler.task import CURRENT, LOGGER, Task


class ScriptedLease:
    """A lease with scripted answers."""

    def __init__(self, *, left: float = 20.0, fenced: bool = False, cancelled: bool = False) -> None:
        self.left = left
        self.fenced = fenced
        self.cancelled = cancelled
        self.renewals = 0

    def remaining(self) -> float:
        return self.left

    def renew(self) -> bool:
        self.renewals += 1
        return not self.fenced


def a_task(lease: ScriptedLease | None = None, draining: Callable[[], bool] = lambda: False) -> Task:
    return Task(
        id="t1",
        queue="orders",
        handler="charge",
        payload={"card": "4242"},
        attempt=3,
        retry_count=2,
        execution_count=1,
        eta=1.5,
        previous_response=503,
        retry_reason="",
        is_last_attempt=False,
        fence=4,
        caller="queue@shop.example",
        headers={"X-Any": "1"},
        _lease=lease or ScriptedLease(),
        _is_draining=draining,
    )


def test_a_task_cannot_be_changed():
    with pytest.raises(AttributeError):
        a_task().attempt = 1  # type: ignore[misc]  # what is being tried


def test_two_deliveries_are_never_the_same_task_and_each_can_be_a_key():
    task = a_task()
    assert task != replace(task)
    assert {task: 1}[task] == 1


def test_a_task_shows_its_name_and_not_its_payload():
    assert repr(a_task()) == "<Task orders/t1 for 'charge', attempt 3>"


def test_a_task_has_only_the_documented_names():
    public = {name for name in dir(a_task()) if not name.startswith("_")}
    acts = {"log", "remaining", "heartbeat", "checkpoint"}
    documented = set(re.findall(r"^ {4}(\w+): ", inspect.getdoc(Task) or "", re.MULTILINE))
    assert public == acts | {name for name in Task.__struct_fields__ if not name.startswith("_")}
    assert public - acts == documented


def test_headers_of_a_task_can_be_looked_up():
    assert (a_task().headers.get("X-Any"), a_task().headers.get("X-Other")) == ("1", None)


def test_remaining_and_heartbeat_ask_the_lease():
    lease = ScriptedLease(left=12.5)
    task = a_task(lease)
    assert task.remaining() == 12.5
    assert task.heartbeat()
    lease.fenced = True
    assert not task.heartbeat()
    assert lease.renewals == 2


def test_a_task_with_time_left_passes_its_checkpoints():
    a_task(ScriptedLease(left=0.001)).checkpoint()


@pytest.mark.parametrize(
    ("lost", "draining", "left", "why"),
    [
        ("cancelled", True, 0.0, "cancelled"),
        ("cancelled", False, 20.0, "cancelled"),
        ("fenced", True, 0.0, "fenced"),
        ("fenced", False, 20.0, "fenced"),
        ("", True, 0.0, "draining"),
        ("", True, 20.0, "draining"),
        ("", False, 0.0, "out of time"),
        ("", False, -1.0, "out of time"),
    ],
)
def test_a_checkpoint_raises_interrupted_with_the_reason(lost: str, draining: bool, left: float, why: str):  # noqa: FBT001 - parameters of the test
    lease = ScriptedLease(left=left, fenced=lost != "", cancelled=lost == "cancelled")
    task = a_task(lease, lambda: draining)
    with pytest.raises(Interrupted, match=f"^{why}$") as stopped:
        task.checkpoint()
    assert stopped.value.why == why


def test_a_handlers_own_except_does_not_swallow_a_checkpoint():
    def handler() -> str:
        try:
            a_task(ScriptedLease(fenced=True)).checkpoint()
        except Exception:  # noqa: BLE001 - what users write
            return "swallowed"
        return "passed"

    with pytest.raises(Interrupted):
        handler()


def test_a_line_of_the_tasks_log_names_the_task(caplog: pytest.LogCaptureFixture):
    with caplog.at_level(logging.INFO, LOGGER.name):
        a_task().log.info("charged %s", "it")
    (line,) = caplog.records
    fields = {key: vars(line)[key] for key in ("task", "queue", "handler", "attempt", "fence")}
    assert fields == {"task": "t1", "queue": "orders", "handler": "charge", "attempt": 3, "fence": 4}
    assert (line.getMessage(), line.name) == ("charged it", "taskhandler")


def test_outside_of_a_handler_there_is_no_current_task():
    with pytest.raises(LookupError):
        CURRENT.get()
