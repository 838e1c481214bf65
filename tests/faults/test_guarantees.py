"""What the page of guarantees promises is shown: each of its sentences names a play or an invariant."""

from __future__ import annotations

import re

from tests.exploration.invariants import NAMES
from tests.faults.scenario import scenarios
from tests.mirror import ROOT

PAGE = (ROOT / "docs" / "guarantees.md").read_text()
PLAY = re.compile(r"`([a-z]+(?:-[a-z]+)+)`")
INVARIANT = re.compile(r"`([SL][0-9]+)`")


def test_every_play_and_every_invariant_that_is_named_is_there():
    assert set(PLAY.findall(PAGE)) <= {name.partition("@")[0] for name in scenarios()}
    assert set(INVARIANT.findall(PAGE)) <= set(NAMES)


def test_every_promise_names_what_shows_it():
    promises = re.findall(r"^\* .*(?:\n  .*)*", PAGE, re.MULTILINE)
    assert len(promises) > 40
    assert not [promise for promise in promises if not PLAY.search(promise)]


def test_every_play_shows_something_that_is_promised():
    played = {name.partition("@")[0] for name in scenarios()}
    assert played - set(PLAY.findall(PAGE)) == set()
