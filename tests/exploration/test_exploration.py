"""The rules and the loop that ship, in every order of events: nothing breaks, and nothing is left out."""

from __future__ import annotations

import time
from collections.abc import Callable

import pytest
from msgspec.structs import replace

from tests.exploration.conftest import FIGURES
from tests.exploration.invariants import NAMES
from tests.exploration.scenarios import SCENARIOS, describe
from tests.exploration.search import Search
from tests.exploration.state import Scenario
from tests.exploration.ways import Ways
from tests.exploration.world import World


@pytest.mark.parametrize("scenario", SCENARIOS, ids=describe)
def test_no_order_of_events_breaks_an_invariant(
    scenario: Scenario, record_property: Callable[[str, object], None]
):
    began = time.perf_counter()
    explored = Search(World(Ways(), scenario), watch=frozenset(NAMES)).run()
    seconds = time.perf_counter() - began
    broken = [f"{name}: {NAMES[name]}" for name in sorted(explored.broken)]
    assert not broken, "\n".join((*broken, *explored.trace))
    assert explored.complete
    figures = f"{explored.states:>9,} states {explored.transitions:>11,} transitions {seconds:6.1f} s"
    record_property(FIGURES, f"{figures}  {describe(scenario)}")


@pytest.mark.parametrize(("step", "cancels"), [("once", 0), ("", 1)])
def test_an_exploration_with_crashes_reaches_the_same_ledgers_as_one_without(step: str, cancels: int):
    """The ledgers, and what really happened, are the same whether or not a crash is a move of its own."""
    plain = Scenario(name="crashes are free", step=step, cancels=cancels, delays=False, heartbeats=False)
    seen = []
    for scenario in (plain, replace(plain, crashes=True)):
        search = Search(World(Ways(), scenario), watch=frozenset(NAMES))
        explored = search.run()
        assert (explored.complete, explored.broken) == (True, frozenset())
        seen.append(set(search.graph.shareds.values))
    assert seen[0] == seen[1]
