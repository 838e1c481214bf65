"""How many lines logs get of many deliveries: as many as there are causes."""

from __future__ import annotations

import logging

import pytest

from taskhandler.delivery.notify import FINAL_OUTCOMES, SILENCE_SECONDS, Notifier
from taskhandler.log_throttle import MOST_CAUSES
from taskhandler.outcome import Outcome
from taskhandler.signals import TaskEvent
from tests.delivery.test_notify import APP

REPEATED = sorted(set(Outcome) - FINAL_OUTCOMES)


@pytest.mark.parametrize("outcome", REPEATED)
def test_deliveries_with_the_same_outcome_and_reason_share_a_log_line(
    outcome: Outcome, caplog: pytest.LogCaptureFixture
):
    now = 0.0
    notifier = Notifier(APP, clock=lambda: now)
    caplog.set_level(logging.INFO, "taskhandler")
    for number in range(100):
        notifier.announce_end(
            TaskEvent(outcome=outcome, handler="charge", task=f"t{number}", reason="the bank is down")
        )
    notifier.announce_end(TaskEvent(outcome=outcome, handler="charge", reason="another reason"))
    notifier.announce_end(TaskEvent(outcome=outcome, handler="receipt", reason="the bank is down"))
    assert len(caplog.records) == 3
    now = SILENCE_SECONDS
    notifier.announce_end(TaskEvent(outcome=outcome, handler="charge", reason="the bank is down"))
    assert caplog.records[-1].getMessage().endswith("the bank is down (and 99 more before)")


@pytest.mark.parametrize("outcome", REPEATED)
def test_ever_new_reasons_do_not_fill_the_logs(outcome: Outcome, caplog: pytest.LogCaptureFixture):
    notifier = Notifier(APP, clock=lambda: 0.0)
    caplog.set_level(logging.INFO, "taskhandler")
    for number in range(1000):
        notifier.announce_end(TaskEvent(outcome=outcome, handler="charge", reason=f"order {number}"))
    assert len(caplog.records) <= MOST_CAUSES + 1


@pytest.mark.parametrize("outcome", sorted(FINAL_OUTCOMES))
def test_the_end_of_a_task_is_always_logged(outcome: Outcome, caplog: pytest.LogCaptureFixture):
    notifier = Notifier(APP, clock=lambda: 0.0)
    caplog.set_level(logging.INFO, "taskhandler")
    for number in range(100):
        notifier.announce_end(
            TaskEvent(outcome=outcome, handler="charge", task=f"t{number}", reason="it failed")
        )
    assert len(caplog.records) == 100


def test_a_last_delivery_that_finds_its_task_running_is_a_warning(caplog: pytest.LogCaptureFixture):
    notifier = Notifier(APP, clock=lambda: 0.0)
    notifier.announce_end(TaskEvent(outcome=Outcome.IN_FLIGHT, reason="no delivery comes after this one"))
    assert [line.levelno for line in caplog.records] == [logging.WARNING]


class UnprintableListener:
    def __repr__(self) -> str:
        raise RuntimeError

    def __call__(self, *_: object, **__: object) -> None:
        raise ValueError("no")


def test_a_listener_that_cannot_be_printed_is_logged_and_does_not_fill_the_logs(
    caplog: pytest.LogCaptureFixture,
):
    notifier = Notifier(APP, clock=lambda: 0.0)
    for _ in range(30):
        notifier.call(UnprintableListener())
    assert [line.getMessage() for line in caplog.records] == ["UnprintableListener failed"]
