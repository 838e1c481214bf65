"""The longer campaign, or one world of your own: `python -m tests.exploration --deliveries 3 --cancels 1`."""

from __future__ import annotations

import argparse
import sys
import time
from functools import partial

from tests.exploration.invariants import NAMES
from tests.exploration.scenarios import CAMPAIGN, describe
from tests.exploration.search import Search
from tests.exploration.state import Scenario
from tests.exploration.ways import Ways
from tests.exploration.world import World


def main(arguments: list[str] | None = None) -> int:
    """Explore, and say what was found: 0 if nothing breaks, 1 if something does, 2 if it was cut short."""
    asked = _parser().parse_args(arguments)
    worlds = CAMPAIGN if asked.deliveries is None else [_scenario(asked)]
    return max(_explore(scenario, limit=asked.limit_states) for scenario in worlds)


def _scenario(asked: argparse.Namespace) -> Scenario:
    return Scenario(
        name=f"{asked.deliveries} deliveries",
        bodies=asked.bodies or "x" * asked.deliveries,
        faults=None if asked.faults == "unlimited" else int(asked.faults),
        step=asked.step.replace("-", " "),
        max_attempts=asked.max_attempts,
        resets=asked.resets,
        cancels=asked.cancels,
        expires=asked.expires,
        heartbeats=not asked.no_heartbeats,
        drains=not asked.no_drains,
        delays=not asked.no_delays,
    )


def _explore(scenario: Scenario, *, limit: int | None) -> int:
    _say(describe(scenario))
    began = time.perf_counter()
    search = Search(World(Ways(), scenario), watch=frozenset(NAMES))
    explored = search.run(limit=limit, progress=partial(_tell, began))
    _say(f"\r{explored.states:,} states, {explored.transitions:,} transitions                ")
    _say(f"{explored.ledgers:,} states of the ledger, {time.perf_counter() - began:.1f} s")
    for name in sorted(explored.broken):
        _say(f"BROKEN {name}: {NAMES[name]}")
    for number, step in enumerate(explored.trace, 1):
        _say(f"{number:4} {step}")
    if explored.broken:
        return 1
    _say("complete: nothing breaks" if explored.complete else "NOT complete: the limit of states was reached")
    return 0 if explored.complete else 2


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m tests.exploration", description=__doc__)
    parser.add_argument("--deliveries", type=int, metavar="N", help="leave it out for the campaign")
    parser.add_argument("--bodies", default="", metavar="XY", help="a letter for each delivery's body")
    parser.add_argument("--faults", default="unlimited", metavar="N", help="a number, or 'unlimited'")
    parser.add_argument("--step", choices=["", "once", "at-most-once"], default="", help="of the handler")
    parser.add_argument("--max-attempts", type=int, metavar="N", help="the handler's limit")
    parser.add_argument("--resets", type=int, default=0, metavar="N", help="by an operator")
    parser.add_argument("--cancels", type=int, default=0, metavar="N", help="by programs or operators")
    parser.add_argument("--expires", action="store_true", help="the record may pass its retention")
    parser.add_argument("--no-heartbeats", action="store_true", help="leave heartbeats out")
    parser.add_argument("--no-drains", action="store_true", help="leave drained workers out")
    parser.add_argument("--no-delays", action="store_true", help="leave writes out that are applied late")
    parser.add_argument("--limit-states", type=int, metavar="N", help="give up after so many")
    return parser


def _tell(began: float, faults: int, states: int) -> None:
    seconds = time.perf_counter() - began
    sys.stdout.write(f"\r{states:>12,} states, {seconds:6.0f} s, fault level {faults} ")
    sys.stdout.flush()


def _say(line: str) -> None:
    sys.stdout.write(line + "\n")


if __name__ == "__main__":
    sys.exit(main())
