"""L1: from every state of the ledger, some schedule ends the task.

Every delivery that was under way has crashed. Two more come, one after the other, the second of them the
queue's last; nothing goes wrong but that time passes. One of the orders of events must end the task.
"""

from __future__ import annotations

from msgspec.structs import replace

from tests.exploration.effects import touched
from tests.exploration.state import At, Local, Shared
from tests.exploration.world import World


def can_end(world: World, shared: Shared) -> bool:
    """Whether the task can come to an end from this state of the ledger."""
    if shared.ghosts.end is not None:
        return True
    past = world.scenario.bodies
    scenario = replace(world.scenario, bodies=past + 2 * (shared.ghosts.body or past[0]))
    world = replace(world, scenario=replace(scenario, last=True, resets=0, cancels=0, expires=False))
    first = Local(slot=len(past), at=At.IDLE)
    seen = {(first, shared)}
    queue = [(first, shared)]
    for local, there in queue:
        for follower in _faultless(world, local, there):
            if follower[1].ghosts.end is not None:
                return True
            if follower not in seen:
                seen.add(follower)
                queue.append(follower)
    return False


def _faultless(world: World, local: Local, shared: Shared) -> list[tuple[Local, Shared]]:
    moves = [(move.local, move.shared) for move in world.moves(local, shared) if not move.fault]
    there = [(after, then) for after, then in moves if after is not None]
    if local.at is At.GONE and local.slot == len(world.scenario.bodies) - 2:
        there.append((Local(slot=local.slot + 1, at=At.IDLE), shared))
    lapses = [move for move in world.events(shared) if move.label == "the lease lapses"]
    return there + [(touched(local, move.touch), move.shared) for move in lapses]
