"""Every outcome has its signal."""

from __future__ import annotations

import pytest

from taskhandler import signals
from taskhandler.outcome import Outcome
from taskhandler.signals import OF_OUTCOME, TaskEvent

SIGNALS = {name: getattr(signals, name) for name in dir(signals) if name.startswith("task_")}
OF_AN_OUTCOME = set(SIGNALS) - {"task_started", "task_fenced"}


@pytest.mark.parametrize("outcome", Outcome)
def test_every_outcome_has_one_signal(outcome: Outcome):
    assert OF_OUTCOME[outcome] in [SIGNALS[name] for name in OF_AN_OUTCOME]


def test_every_signal_but_two_belongs_to_an_outcome():
    assert {id(signal) for signal in OF_OUTCOME.values()} == {id(SIGNALS[name]) for name in OF_AN_OUTCOME}


def test_the_signals_are_exactly_those_of_the_contract():
    promised = "started completed retried rejected dead cancelled duplicate in_flight fenced refused"
    assert set(SIGNALS) == {f"task_{word}" for word in promised.split()}
    assert all(signal.name == name.replace("_", "-") for name, signal in SIGNALS.items())


@pytest.mark.parametrize(
    ("outcome", "signal"),
    [
        (Outcome.RATE_LIMITED, "task_retried"),
        (Outcome.CONFLICT, "task_rejected"),
        (Outcome.UNAVAILABLE, "task_refused"),
        (Outcome.FORBIDDEN, "task_refused"),
    ],
)
def test_outcomes_of_one_kind_share_a_signal(outcome: Outcome, signal: str):
    assert OF_OUTCOME[outcome] is SIGNALS[signal]


def test_an_event_cannot_be_changed_by_a_listener():
    event = TaskEvent(outcome=Outcome.DEAD, task="t1")
    with pytest.raises(AttributeError):
        event.task = "t2"  # type: ignore[misc]  # what is being tried
