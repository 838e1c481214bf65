"""What the page of guarantees promises is shown: each of its sentences names a play or an invariant."""

from __future__ import annotations

import re

from tests.exploration.invariants import NAMES
from tests.faults.scenario import scenarios
from tests.mirror import ROOT

PAGE = (ROOT / "docs" / "guarantees.md").read_text()
PLAY = re.compile(r"`([a-z]+(?:-[a-z]+)+)`")
INVARIANT = re.compile(r"`([SL][0-9]+)`")


def test_every_scenario_and_invariant_that_the_page_names_exists():
    assert set(PLAY.findall(PAGE)) <= {name.partition("@")[0] for name in scenarios()}
    assert set(INVARIANT.findall(PAGE)) <= set(NAMES)


def test_every_promise_names_its_proof():
    promises = re.findall(r"^\* .*(?:\n  .*)*", PAGE, re.MULTILINE)
    assert len(promises) > 40
    assert not [promise for promise in promises if not PLAY.search(promise)]


def test_every_scenario_is_the_proof_of_a_promise():
    played = {name.partition("@")[0] for name in scenarios()}
    assert played - set(PLAY.findall(PAGE)) == set()
