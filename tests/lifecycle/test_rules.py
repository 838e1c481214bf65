"""What holds for every rule, whatever record it is shown."""

from __future__ import annotations

from itertools import product
from typing import get_args

import pytest
from msgspec.structs import replace

from taskhandler.lifecycle.record import Record, Snapshot, State, Step
from taskhandler.lifecycle.rules import (
    BeginStep,
    Cancel,
    Claim,
    FinishStep,
    Heartbeat,
    KeepConflict,
    MarkNotified,
    Reset,
    Rule,
    Settle,
)
from taskhandler.lifecycle.verdict import Completed, Failed, Rejected
from tests.lifecycle.samples import CLAIM, OURS, THEIRS, snapshot

RULES: list[Rule] = [
    CLAIM,
    replace(CLAIM, max_attempts=1),
    Heartbeat("mine"),
    BeginStep("mine", "s"),
    FinishStep("mine", "s", "1"),
    Settle("mine", Completed()),
    Settle("mine", Failed("boom")),
    Settle("mine", Rejected("no")),
    MarkNotified(),
    KeepConflict(digest="d", handler="h", retention=900.0),
    Cancel(nonce="n", reason="gone", handler="h", retention=900.0),
    Reset("m"),
]
RECORDS = [
    replace(record, state=state, digest=digest, steps=steps)
    for record, state, digest, steps in product(
        [OURS, THEIRS], State, ["d", "e"], [(), (Step("s", 1),), (Step("s", 1, "5"),)]
    )
]
SEEN: list[Snapshot | None] = [
    None,
    *(snapshot(record, age=age) for record in RECORDS for age in (0.0, 25.0)),
]


def writes() -> list[tuple[Rule, Snapshot | None, Record]]:
    judged = [(rule, seen, rule(seen).write) for rule in RULES for seen in SEEN]
    return [(rule, seen, write) for rule, seen, write in judged if write is not None]


def test_these_tests_cover_every_rule():
    assert {type(rule) for rule in RULES} == set(get_args(Rule))


def test_a_rule_that_writes_changes_the_record():
    assert not [case for case in writes() if case[1] is not None and case[1].record == case[2]]


@pytest.mark.parametrize("rule", [rule for rule in RULES if not isinstance(rule, Heartbeat)], ids=repr)
def test_a_rule_that_finds_its_own_write_does_not_write_again(rule: Rule):
    again = [rule(snapshot(write)).write for asked, _, write in writes() if asked == rule]
    assert again
    assert not [write for write in again if write is not None]


def test_only_a_reset_and_the_mark_of_a_death_change_an_end_within_its_retention():
    changed = {type(rule) for rule, seen, _ in writes() if seen is not None and seen.record.is_terminal}
    assert changed == {Reset, MarkNotified}


def test_only_a_claim_runs_a_task():
    begun = {
        type(rule)
        for rule, seen, write in writes()
        if (seen is None or seen.record.state is not State.RUNNING) and write.state is State.RUNNING
    }
    assert begun == {Claim}


def test_a_fence_never_falls():
    assert not [case for case in writes() if case[1] is not None and case[2].fence < case[1].record.fence]
