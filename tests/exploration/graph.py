"""The states of a world as integers, and the moves between them as arithmetic.

A state is the shared world, the writes that may still be applied, and the actors: the deliveries
and the cancellations. Each of these is numbered once, what each actor can do in each shared world is asked
once, and a state is one integer made of the numbers: `BITS` for the shared world, as many for the writes,
and as many for each actor.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterator
from typing import Generic, TypeVar

from msgspec import Struct

from tests.exploration.effects import touched
from tests.exploration.state import At, Effect, Ghosts, Local, Move, Sent, Shared, Touch
from tests.exploration.world import World

T = TypeVar("T", bound=Hashable)
BITS = 20
MASK = (1 << BITS) - 1
NOBODY = -1
"""Who makes a move that no actor makes."""


class Numbers(Generic[T]):
    """Numbers for values, in the order in which they are met."""

    def __init__(self, *first: T) -> None:
        self.values: list[T] = []
        self._known: dict[T, int] = {}
        for value in first:
            self.of(value)

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


class Graph:
    """The states of one world, and what leads from one to the next."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.shareds: Numbers[Shared] = Numbers()
        self._pools: Numbers[frozenset[Sent]] = Numbers(frozenset())
        self._locals: Numbers[Local] = Numbers()
        self._touches: Numbers[Touch] = Numbers(Touch())
        self._sents: Numbers[Sent | None] = Numbers(None)
        self._outdates = [False]
        deliveries = len(world.scenario.bodies)
        slots = range(deliveries + world.scenario.cancels)
        self._shifts = [BITS * (2 + slot) for slot in slots]
        self._idle = [self._locals.of(Local(slot=slot, at=At.IDLE)) for slot in slots]
        self._actors = list(zip(slots, self._shifts, self._idle, strict=True))
        self._queues = (self._actors[:deliveries], self._actors[deliveries:])
        self._edges: list[dict[int, list[Edge]]] = [{} for _ in slots]
        self._events: dict[int, list[Edge]] = {}
        self._touched: dict[int, int] = {}
        self._added: dict[int, int] = {}

    def start(self) -> int:
        """The state in which nothing has happened."""
        shared = Shared(Ghosts(resets=self.world.scenario.resets))
        return self.shareds.of(shared) + sum(idle << shift for _, shift, idle in self._actors)

    def next(self, state: int) -> Iterator[tuple[int, Edge]]:
        """The states that one move leads to, each with the move."""
        shared, pool = state & MASK, state >> BITS & MASK
        for queue in self._queues:
            for slot, shift, idle in queue:
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
                if local == idle:  # the actors of a queue come in the order of their numbers
                    break
        events = self._events.get(pool << BITS | shared)
        for edge in self._events_of(pool, shared) if events is None else events:
            yield self._after(state + edge.delta, pool, edge.touch, NOBODY), edge

    def label(self, state: int, child: int, broken: frozenset[str]) -> str:
        """What leads from `state` to `child`, in words."""
        shared = self.shareds.values[state & MASK]
        for slot, shift, _ in self._actors:
            local = state >> shift & MASK
            for move in self.world.moves(self._locals.values[local], shared):
                edge = self._edge(move, slot, local, state & MASK)
                if self._leads(state, child, edge, slot) and broken <= edge.broken:
                    return f"{self.world.scenario.name_of(slot)} {move.label}"
        for move in self._happenings(state >> BITS & MASK, state & MASK):
            edge = self._edge(move, NOBODY, 0, state & MASK)
            if self._leads(state, child, edge, NOBODY) and broken <= move.broken:
                return move.label
        raise LookupError("no move leads there")

    def _after(self, state: int, pool: int, touch: int, actor: int) -> int:
        """The state, once the others have been touched; a write that was accepted outdates the late ones."""
        if self._outdates[touch]:
            state -= pool << BITS
        for slot, shift, _ in self._actors:
            if slot != actor:
                local = state >> shift & MASK
                key = local << BITS | touch
                change = self._touched.get(key)
                if change is None:
                    there = touched(self._locals.values[local], self._touches.values[touch])
                    change = self._touched[key] = self._locals.of(there) - local
                state += change << shift
        return state

    def _with_sent(self, pool: int, sent: int) -> int:
        key = pool << BITS | sent
        change = self._added.get(key)
        if change is None:
            more = self._sents.values[sent]
            assert more is not None
            there = self._pools.of(self._pools.values[pool] | {more})
            change = self._added[key] = (there - pool) << BITS
        return change

    def _edges_of(self, slot: int, local: int, shared: int) -> list[Edge]:
        moves = self.world.moves(self._locals.values[local], self.shareds.values[shared])
        edges = [self._edge(move, slot, local, shared) for move in moves]
        self._edges[slot][local << BITS | shared] = kept = _worth_walking(edges)
        return kept

    def _events_of(self, pool: int, shared: int) -> list[Edge]:
        edges = [self._edge(move, NOBODY, 0, shared) for move in self._happenings(pool, shared)]
        self._events[pool << BITS | shared] = edges
        return edges

    def _happenings(self, pool: int, shared: int) -> list[Move]:
        """What may happen to the ledger by itself: events, and writes that are applied late."""
        there = self.shareds.values[shared]
        late = [self.world.land(sent, there) for sent in self._pools.values[pool]]
        return [*self.world.events(there), *late]

    def _edge(self, move: Move, slot: int, local: int, shared: int) -> Edge:
        delta = self.shareds.of(move.shared) - shared
        if move.local is not None:
            delta += (self._locals.of(move.local) - local) << self._shifts[slot]
        touch = self._touches.of(move.touch)
        if touch == len(self._outdates):
            self._outdates.append(move.touch.effect not in {Effect.NONE, Effect.LAPSED})
        return Edge(delta, move.fault, touch, self._sents.of(move.sent), move.broken)

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
