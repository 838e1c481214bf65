"""Verdicts and dispositions are plain values, each complete in `Verdict` or `Disposition`."""

from __future__ import annotations

from typing import get_args

import pytest
from msgspec import Struct

from taskhandler.lifecycle import verdict
from taskhandler.lifecycle.record import State
from taskhandler.lifecycle.verdict import (
    Disposition,
    Failed,
    Fenced,
    InFlight,
    Refused,
    Settled,
    Transition,
    Undecided,
    Verdict,
)

WORDS = [
    word for word in vars(verdict).values() if isinstance(word, type) and word.__module__ == verdict.__name__
]


@pytest.mark.parametrize("word", WORDS)
def test_every_verdict_and_disposition_is_frozen_and_hashable(word: type[Struct]):
    assert word.__struct_config__.frozen
    assert word.__hash__ is not None


def test_the_unions_have_every_verdict_and_disposition():
    assert {*get_args(Verdict), *get_args(Disposition), Transition} == set(WORDS)


def test_verdicts_and_dispositions_are_compared_by_value():
    assert Settled(State.DEAD) == Settled(State.DEAD) != Settled(State.WAITING)
    assert Fenced(None) != Fenced(State.DEAD)
    assert InFlight(1.0) == InFlight(1.0)
    assert len({Undecided("x"), Refused("x"), Undecided("x")}) == 2


def test_a_failure_is_not_the_last_by_default():
    assert Failed("x") == Failed("x", last=False, max_attempts=None)
