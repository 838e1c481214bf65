"""The search: every state that can be reached, each seen once, those of the fewest faults first.

A state is the shared world, the writes that may still be applied, and the deliveries. Each of these is
numbered once, what each delivery can do in each shared world is asked once, and a state is one integer
made of the numbers, so that walking from state to state is arithmetic.

A crash needs no move of its own: a delivery that is never moved again has crashed, and as nobody else
can tell, every state in which one has crashed is among those in which it has not been moved yet. (Where a
crash does matter, at the expiry of a record and for L1, all deliveries are taken away.) For the same
reason a delivery that finds its worker draining, and is answered 503 at once, is one that never came.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterator
from functools import partial
from typing import Generic, TypeVar

from msgspec import Struct

from tests.exploration.liveness import can_end
from tests.exploration.state import At, Fate, Ghosts, Local, Move, Sent, Shared, Touch
from tests.exploration.world import World, touched

T = TypeVar("T", bound=Hashable)
BITS = 20
MASK = (1 << BITS) - 1


class Numbers(Generic[T]):
    """Numbers for values, in the order in which they are met."""

    def __init__(self) -> None:
        self.values: list[T] = []
        self._known: dict[T, int] = {}

    def of(self, value: T) -> int:
        """The number of `value`."""
        number = self._known.setdefault(value, len(self.values))
        if number == len(self.values):
            self.values.append(value)
            assert number <= MASK
        return number


class Edge(Struct, frozen=True):
    """A move in numbers: `delta` is what it adds to a state, but for what it means to others."""

    delta: int
    fault: bool
    touch: int
    sent: int
    broken: frozenset[str]


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
        self.world = world
        self.watch = watch
        self.shareds: Numbers[Shared] = Numbers()
        self.pools: Numbers[frozenset[Sent]] = Numbers()
        self.locals: Numbers[Local] = Numbers()
        self.touches: Numbers[Touch] = Numbers()
        self.touches.of(Touch())
        self.sents: Numbers[Sent | None] = Numbers()
        self.sents.of(None)
        self.pools.of(frozenset())
        self.outdates = [False]
        self.slots = range(len(world.scenario.bodies))
        self.shifts = [BITS * (2 + slot) for slot in self.slots]
        self.idle = [self.locals.of(Local(slot=slot, at=At.IDLE)) for slot in self.slots]
        self._edges: list[dict[int, list[Edge]]] = [{} for _ in self.slots]
        self._events: dict[int, list[Edge]] = {}
        self._touched: dict[int, int] = {}
        self._added: dict[int, int] = {}
        self.transitions = 0

    def run(self, *, limit: int | None = None, tell: Callable[[int, int], None] | None = None) -> Explored:
        """Walk until there is nothing left, something breaks, or `limit` states are seen.

        `tell` is told now and then how far it is: the faults so far, and the states.
        """
        budget = self.world.scenario.faults
        level = [self._start()]
        came_from = {level[0]: level[0]}
        faults = 0
        while level:
            later: list[int] = []  # child and parent by turns: pairs would keep the collector busy
            found = self._walk(
                level, later, came_from, limit, None if tell is None else partial(tell, faults)
            )
            if found is not None:
                return found
            faults += 1
            level = []
            pairs = zip(later[::2], later[1::2], strict=True)
            for child, state in pairs if budget is not None and faults <= budget else ():
                if child not in came_from:
                    came_from[child] = state
                    level.append(child)
        return self._judge_ledgers(came_from)

    def _walk(
        self,
        level: list[int],
        later: list[int],
        came_from: dict[int, int],
        limit: int | None,
        tell: Callable[[int], None] | None,
    ) -> Explored | None:
        """Everything that can be reached without another fault, or with any number if there is no limit."""
        limited = self.world.scenario.faults is not None
        mark = 0
        for state in level:  # which grows meanwhile
            for child, edge in self._next(state):
                self.transitions += 1
                if edge.broken and edge.broken & self.watch:
                    return self._broken(came_from, state, child, edge.broken & self.watch)
                if child in came_from:
                    continue
                if limited and edge.fault:
                    later += child, state
                else:
                    came_from[child] = state
                    level.append(child)
            if len(came_from) >= mark:
                mark = len(came_from) + 4096
                if tell is not None:
                    tell(len(came_from))
                if limit is not None and len(came_from) >= limit:
                    return self._explored(came_from, complete=False)
        return None

    def _next(self, state: int) -> Iterator[tuple[int, Edge]]:
        shared, pool = state & MASK, state >> BITS & MASK
        for slot, shift in zip(self.slots, self.shifts, strict=True):
            local = state >> shift & MASK
            edges = self._edges[slot].get(local << BITS | shared)
            if edges is None:
                edges = self._edges_of(slot, local, shared)
            for edge in edges:
                if edge.touch:
                    yield self._after(state + edge.delta, pool, edge.touch, slot), edge
                elif edge.sent:
                    yield state + edge.delta + self._with_sent(pool, edge.sent), edge
                else:
                    yield state + edge.delta, edge
            if local == self.idle[slot]:
                break
        events = self._events.get(pool << BITS | shared)
        for edge in self._events_of(pool, shared) if events is None else events:
            yield self._after(state + edge.delta, pool, edge.touch, -1), edge

    def _after(self, state: int, pool: int, touch: int, actor: int) -> int:
        """The state, once the others have been touched; a write that was accepted outdates the late ones."""
        if self.outdates[touch]:
            state -= pool << BITS
        for slot, shift in zip(self.slots, self.shifts, strict=True):
            if slot != actor:
                local = state >> shift & MASK
                key = local << BITS | touch
                change = self._touched.get(key)
                if change is None:
                    there = touched(self.locals.values[local], self.touches.values[touch])
                    change = self._touched[key] = self.locals.of(there) - local
                state += change << shift
        return state

    def _with_sent(self, pool: int, sent: int) -> int:
        key = pool << BITS | sent
        change = self._added.get(key)
        if change is None:
            more = self.sents.values[sent]
            assert more is not None
            there = self.pools.of(self.pools.values[pool] | {more})
            change = self._added[key] = (there - pool) << BITS
        return change

    def _edges_of(self, slot: int, local: int, shared: int) -> list[Edge]:
        moves = self.world.moves(self.locals.values[local], self.shareds.values[shared])
        edges = [self._edge(move, slot, local, shared) for move in moves]
        self._edges[slot][local << BITS | shared] = kept = _worth_walking(edges)
        return kept

    def _events_of(self, pool: int, shared: int) -> list[Edge]:
        edges = [self._edge(move, -1, 0, shared) for move in self._happenings(pool, shared)]
        self._events[pool << BITS | shared] = edges
        return edges

    def _happenings(self, pool: int, shared: int) -> list[Move]:
        """What may happen to the ledger by itself: events, and writes that are applied late."""
        there = self.shareds.values[shared]
        late = [self.world.land(sent, there) for sent in self.pools.values[pool]]
        return [*self.world.events(there), *late]

    def _edge(self, move: Move, slot: int, local: int, shared: int) -> Edge:
        delta = self.shareds.of(move.shared) - shared
        if move.local is not None:
            delta += (self.locals.of(move.local) - local) << self.shifts[slot]
        touch = self.touches.of(move.touch)
        if touch == len(self.outdates):
            self.outdates.append(move.touch.fate not in {Fate.NONE, Fate.LAPSED})
        return Edge(delta, move.fault, touch, self.sents.of(move.sent), move.broken)

    def _start(self) -> int:
        shared = Shared(Ghosts(resets=self.world.scenario.resets))
        state = self.shareds.of(shared)
        return state + sum(idle << shift for idle, shift in zip(self.idle, self.shifts, strict=True))

    def _judge_ledgers(self, came_from: dict[int, int]) -> Explored:
        """L1, once all that can be reached is known."""
        stuck = {
            number
            for number, shared in enumerate(self.shareds.values)
            if "L1" in self.watch and not can_end(self.world, shared)
        }
        for state in came_from if stuck else ():
            if state & MASK in stuck:
                trace = (*self._trace(came_from, state), "and from here nothing ends the task")
                return self._explored(came_from, complete=True, broken=frozenset({"L1"}), trace=trace)
        return self._explored(came_from, complete=True)

    def _explored(
        self,
        came_from: dict[int, int],
        *,
        complete: bool,
        broken: frozenset[str] = frozenset(),
        trace: tuple[str, ...] = (),
    ) -> Explored:
        ledgers = len(self.shareds.values)
        return Explored(len(came_from), self.transitions, ledgers, complete, broken, trace)

    def _broken(self, came_from: dict[int, int], state: int, child: int, broken: frozenset[str]) -> Explored:
        trace = (*self._trace(came_from, state), self._label(state, child, broken))
        return self._explored(came_from, complete=False, broken=broken, trace=trace)

    def _trace(self, came_from: dict[int, int], state: int) -> list[str]:
        steps: list[str] = []
        while came_from[state] != state:
            steps.append(self._label(came_from[state], state, frozenset()))
            state = came_from[state]
        return steps[::-1]

    def _label(self, state: int, child: int, broken: frozenset[str]) -> str:
        """What leads from `state` to `child`, in words."""
        shared = self.shareds.values[state & MASK]
        for slot, shift in zip(self.slots, self.shifts, strict=True):
            local = state >> shift & MASK
            for move in self.world.moves(self.locals.values[local], shared):
                edge = self._edge(move, slot, local, state & MASK)
                if self._leads(state, child, edge, slot) and broken <= edge.broken:
                    return f"delivery {slot + 1} {move.label}"
            if local == self.idle[slot]:
                break
        for move in self._happenings(state >> BITS & MASK, state & MASK):
            if self._leads(state, child, self._edge(move, -1, 0, state & MASK), -1) and broken <= move.broken:
                return move.label
        raise LookupError("no move leads there")

    def _leads(self, state: int, child: int, edge: Edge, slot: int) -> bool:
        pool = state >> BITS & MASK
        there = state + edge.delta
        if edge.touch:
            return self._after(there, pool, edge.touch, slot) == child
        return there + (self._with_sent(pool, edge.sent) if edge.sent else 0) == child


def _worth_walking(edges: list[Edge]) -> list[Edge]:
    """Without those that lead back to where they come from, and the faulty twins of faultless ones."""
    free = {(edge.delta, edge.touch, edge.sent, edge.broken) for edge in edges if not edge.fault}
    kept: dict[tuple[object, ...], Edge] = {}
    for edge in edges:
        key = (edge.delta, edge.touch, edge.sent, edge.broken)
        idles = not (edge.delta or edge.touch or edge.sent or edge.broken)
        if not idles and not (edge.fault and key in free):
            kept.setdefault(key, edge)
    return list(kept.values())
