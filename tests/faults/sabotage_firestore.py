"""What can be weakened in the Firestore ledger."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from typing import Any

from taskhandler import delivery
from taskhandler.ledger import lease
from tests.exploration.weakened_rules import NamelessArrive
from tests.faults import weakened_parts as parts
from tests.faults.weakened_parts import put


def _without_preconditions() -> None:
    commit = importlib.import_module("taskhandler.ledger.firestore_commit")
    put(commit, expect=parts.nothing)()


def _idle_heartbeats() -> None:
    """Neither the count of beats, nor the version that is replaced, nor the time of expiry moves."""
    commit = importlib.import_module("taskhandler.ledger.firestore_commit")
    fill = commit.fill

    def still(*filled: Any, after: int, now: float, **more: Any) -> None:  # noqa: ANN401, ARG001 - fill's
        fill(*filled, after=0, now=1e9, **more)

    put(lease, Beat=parts.IdleBeat)()
    put(commit, fill=still)()


def _by_the_wall() -> None:
    storage = importlib.import_module("taskhandler.ledger.firestore").FirestoreStorage
    put(storage, _seen=parts.seen_by_the_wall(storage._seen))()  # noqa: SLF001 - sabotage


ON_FIRESTORE: tuple[tuple[str, Callable[[], None], str, str], ...] = (
    (
        "firestore writes without preconditions",
        _without_preconditions,
        "S1",
        "a-zombie-wakes-before-its-end-is-sent",
    ),
    ("firestore asks the worker's clock", _by_the_wall, "S6", "workers-disagree-about-the-time"),
    (
        "heartbeats change nothing",
        _idle_heartbeats,
        "2 runs; from 1",
        "a-handler-longer-than-its-lease",
    ),
    (
        "claims have no name on the wire",
        put(delivery, Arrive=NamelessArrive),
        "[200] is wanted",
        "a-claim-is-applied-and-its-reply-cut",
    ),
)
