"""The exploration can see: weaken one piece, and the invariant that rests on it is seen to break."""

from __future__ import annotations

import pytest

from tests.exploration.invariants import NAMES
from tests.exploration.search import Search
from tests.exploration.weakened import WEAKENED, Weakened
from tests.exploration.world import World

LIMIT = 500_000
CASES = [(weakened, name) for weakened in WEAKENED for name in weakened.breaks]


@pytest.mark.parametrize(("weakened", "name"), CASES, ids=[f"{case.what}-{name}" for case, name in CASES])
def test_a_weakened_rule_breaks_the_invariants_that_depend_on_it(weakened: Weakened, name: str):
    world = World(weakened.ways, weakened.scenario)
    explored = Search(world, watch=frozenset({name})).run(limit=LIMIT)
    assert explored.broken == {name}
    assert explored.trace


def test_every_invariant_is_broken_by_some_weakened_rule():
    assert {name for weakened in WEAKENED for name in weakened.breaks} == set(NAMES)


def test_a_broken_invariant_is_reported_with_all_moves():
    weakened = next(case for case in WEAKENED if case.what == "what is in flight is acknowledged")
    explored = Search(World(weakened.ways, weakened.scenario), watch=frozenset({"S3"})).run()
    assert list(explored.trace) == [
        "delivery 1 is delivered for the first time",
        "delivery 1 Claim: written",
        "delivery 2 is delivered again",
        "delivery 2 Claim: reads",
    ]
