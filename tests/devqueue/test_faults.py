"""Which faults strike, and how they are read."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from taskhandler.devqueue.faults import Faults, Plan, TokenFault, chance
from taskhandler.errors import UsageError

TASK = "projects/p/locations/l/queues/q/tasks/order-7"
ALL = Faults(concurrent=1, duplicate=1, late_duplicate=1, drop_reply=1, deadline=1, token=TokenFault.EXPIRED)


def test_a_plan_without_faults_is_empty():
    assert Faults().plan(0, TASK, 0) == Plan()
    assert Plan().names == ()


def test_faults_with_probability_1_always_strike():
    plan = ALL.plan(0, TASK, 0)
    assert plan == Plan(True, True, 1.0, True, 0.5, TokenFault.EXPIRED)  # noqa: FBT003 - all six in order
    assert plan.names == (
        "concurrent",
        "duplicate",
        "late_duplicate",
        "drop_reply",
        "deadline",
        "token:expired",
    )


@given(st.integers(), st.integers(0, 100))
def test_the_same_seed_plans_the_same_faults(seed: int, number: int):
    faults = Faults(duplicate=0.5, drop_reply=0.5)
    assert faults.plan(seed, TASK, number) == faults.plan(seed, TASK, number)


def test_faults_strike_with_their_probability():
    struck = sum(Faults(duplicate=0.2).plan(1, f"{TASK}{n}", 0).duplicate for n in range(5000))
    assert 900 < struck < 1100


def test_faults_strike_independently_of_each_other():
    both = sum(
        plan.duplicate and plan.drop_reply
        for plan in (Faults(duplicate=0.5, drop_reply=0.5).plan(1, f"{TASK}{n}", 0) for n in range(4000))
    )
    assert 900 < both < 1100


@given(st.integers(), st.text())
def test_chance_is_at_least_0_and_below_1(seed: int, text: str):
    assert 0 <= chance(seed, text) < 1


def test_faults_limited_to_tasks_and_attempts_affect_no_others():
    only = {"duplicate": 1.0, "prefix": "order-", "tasks": ["order-7"], "attempts": [1]}
    faults = Faults.read(only)
    assert faults.plan(0, TASK, 1).duplicate
    assert not faults.plan(0, TASK, 0).duplicate
    assert not faults.plan(0, TASK + "7", 1).duplicate
    assert not Faults(duplicate=1, prefix="invoice-").plan(0, TASK, 1).duplicate


@pytest.mark.parametrize(
    ("chosen", "problem"),
    [
        ({"duplikate": 1}, "unknown fault 'duplikate'; did you mean 'duplicate'?"),
        ({"zzz": 1}, "unknown fault 'zzz'; choose from concurrent, duplicate, "),
        ({"duplicate": 2}, "duplicate=2: must be a probability from 0 to 1"),
        ({"duplicate": True}, "duplicate=True: must be a probability from 0 to 1"),
        ({"duplicate": "0.5"}, "duplicate='0.5': must be a probability from 0 to 1"),
        ({"duplicate": float("nan")}, "duplicate=nan: must be a probability from 0 to 1"),
        ({"late_after": -1}, "late_after=-1: must be seconds from 0 to 86400"),
        ({"deadline_after": 86401}, "deadline_after=86401: must be seconds from 0 to 86400"),
        ({"token": "stolen"}, "token='stolen': must be one of expired, future, "),
        ({"token": ["expired"]}, "token=['expired']: must be one of expired, future, "),
        ({"prefix": 1}, "prefix=1: must be a string"),
        ({"tasks": "order-7"}, "tasks='order-7': must be a list of task ids, which are strings"),
        ({"tasks": [1]}, "tasks=[1]: must be a list of task ids, which are strings"),
        ({"attempts": [0.5]}, "attempts=[0.5]: must be a list of attempt numbers, from 0"),
        ({"attempts": [-1]}, "attempts=[-1]: must be a list of attempt numbers, from 0"),
    ],
)
def test_faults_that_are_misspelt_or_out_of_range_are_refused_with_the_rule(
    chosen: dict[str, object], problem: str
):
    with pytest.raises(UsageError, match=f"^{re.escape(problem)}"):
        Faults.read(chosen)


def test_a_token_fault_is_read_from_its_value():
    assert Faults.read({"token": "wrong_aud"}).token is TokenFault.WRONG_AUD
    assert Faults.read({"token": None}).token is None
