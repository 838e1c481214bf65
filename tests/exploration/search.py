"""The search: every state that can be reached, each seen once, those of the fewest faults first.

A crash needs no move of its own: a delivery that is never moved again has crashed, and as nobody else
can tell, every state in which one has crashed is among those in which it has not been moved yet. (Where a
crash does matter, at the expiry of a record and for L1, all deliveries are taken away.) For the same
reason a delivery that finds its worker draining, and is answered 503 at once, is one that never came.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from msgspec import Struct

from tests.exploration.graph import MASK, Graph
from tests.exploration.liveness import can_end
from tests.exploration.world import World

PROGRESS_STATES = 4096
"""States from one call of `progress` to the next."""


class Explored(Struct, frozen=True):
    """What a search came to."""

    states: int
    transitions: int
    ledgers: int
    complete: bool
    broken: frozenset[str] = frozenset()
    trace: tuple[str, ...] = ()


class Search:
    """One search of one world; `watch` names the invariants that are looked at."""

    def __init__(self, world: World, *, watch: frozenset[str]) -> None:
        self.graph = Graph(world)
        self._world = world
        self._watch = watch
        self._came_from: dict[int, int] = {}
        self._transitions = 0

    def run(
        self, *, limit: int | None = None, progress: Callable[[int, int], None] | None = None
    ) -> Explored:
        """Walk until there is nothing left, something breaks, or `limit` states are seen.

        `progress` is called now and then with how far it is: the faults so far, and the states.
        """
        budget = self._world.scenario.faults
        level = [self.graph.start()]
        self._came_from = {level[0]: level[0]}
        faults = 0
        while level:
            later: list[int] = []  # child and parent by turns: pairs would keep the collector busy
            found = self._walk(level, later, limit, None if progress is None else partial(progress, faults))
            if found is not None:
                return found
            faults += 1
            level = self._unseen(later) if budget is not None and faults <= budget else []
        return self._judge_ledgers()

    def _walk(
        self, level: list[int], later: list[int], limit: int | None, progress: Callable[[int], None] | None
    ) -> Explored | None:
        """Everything that can be reached without another fault, or with any number if there is no limit."""
        came_from, limited = self._came_from, self._world.scenario.faults is not None
        mark = 0
        for state in level:  # which grows meanwhile
            for child, edge in self.graph.next(state):
                self._transitions += 1
                if edge.broken and edge.broken & self._watch:
                    return self._broken(state, child, edge.broken & self._watch)
                if child in came_from:
                    continue
                if limited and edge.fault:
                    later += child, state
                else:
                    came_from[child] = state
                    level.append(child)
            if len(came_from) >= mark:
                mark = len(came_from) + PROGRESS_STATES
                if progress is not None:
                    progress(len(came_from))
                if limit is not None and len(came_from) >= limit:
                    return self._explored(complete=False)
        return None

    def _unseen(self, later: list[int]) -> list[int]:
        """The states that one more fault leads to, and that were not seen with fewer."""
        level = []
        for child, state in zip(later[::2], later[1::2], strict=True):
            if child not in self._came_from:
                self._came_from[child] = state
                level.append(child)
        return level

    def _judge_ledgers(self) -> Explored:
        """L1, once all that can be reached is known."""
        stuck = {
            number
            for number, shared in enumerate(self.graph.shareds.values)
            if "L1" in self._watch and not can_end(self._world, shared)
        }
        for state in self._came_from if stuck else ():
            if state & MASK in stuck:
                trace = (*self._trace(state), "and from here nothing ends the task")
                return self._explored(complete=True, broken=frozenset({"L1"}), trace=trace)
        return self._explored(complete=True)

    def _explored(
        self, *, complete: bool, broken: frozenset[str] = frozenset(), trace: tuple[str, ...] = ()
    ) -> Explored:
        ledgers = len(self.graph.shareds.values)
        return Explored(len(self._came_from), self._transitions, ledgers, complete, broken, trace)

    def _broken(self, state: int, child: int, broken: frozenset[str]) -> Explored:
        trace = (*self._trace(state), self.graph.label(state, child, broken))
        return self._explored(complete=False, broken=broken, trace=trace)

    def _trace(self, state: int) -> list[str]:
        steps: list[str] = []
        while self._came_from[state] != state:
            steps.append(self.graph.label(self._came_from[state], state, frozenset()))
            state = self._came_from[state]
        return steps[::-1]
