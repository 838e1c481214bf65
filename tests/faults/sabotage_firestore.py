"""What can be weakened in the Firestore ledger."""

from __future__ import annotations

import importlib
import time
from collections.abc import Callable
from typing import Any

from taskhandler.delivery import receiver as delivery
from taskhandler.ledger import lease, ledger
from tests.exploration.weakened_claim import NamelessClaim
from tests.faults import weakened_parts as parts
from tests.faults.weakened_parts import put

SLOW_SECONDS = 2.0
SLOW_CALLS = 3


def _without_preconditions() -> None:
    commit = importlib.import_module("taskhandler.ledger.firestore.commit")
    put(commit, require_version=parts.nothing)()


def _idle_heartbeats() -> None:
    """Neither the count of heartbeats, nor the version that is replaced, nor the time of expiry moves."""
    commit = importlib.import_module("taskhandler.ledger.firestore.commit")
    encode = commit.encode

    def still(*given: Any, after: int, now: float, **more: Any) -> None:  # noqa: ANN401, ARG001 - encode's
        encode(*given, after=0, now=1e9, **more)

    put(lease, Heartbeat=parts.IdleHeartbeat)()
    put(commit, encode=still)()


def _by_the_wall() -> None:
    reader = importlib.import_module("taskhandler.ledger.firestore.snapshot").SnapshotReader
    put(reader, read=parts.read_by_the_wall(reader.read))()


def _hasty() -> None:
    """A call ends after two seconds, as it once did."""
    put(importlib.import_module("taskhandler.ledger.firestore.storage"), CALL_SECONDS=2.0)()


def _without_pings() -> None:
    put(importlib.import_module("taskhandler.ledger.firestore.channel"), OPTIONS=())()


def _slow_is_dead() -> None:
    """Three slow calls in a row, and the channel is closed under all the others, as it once was."""
    module = importlib.import_module("taskhandler.ledger.firestore.grpc_transport")
    open_channel, answered = module.open_channel, module.GrpcTransport._call  # noqa: SLF001 - sabotage
    channels: list[Any] = []
    slow: list[float] = []

    def opened(client: Any) -> Any:  # noqa: ANN401 - Google's
        channels.append(open_channel(client))
        return channels[-1]

    def called(wire: Any, call: Callable[[], Any]) -> Any:  # noqa: ANN401 - Google's
        began = time.monotonic()
        answer = answered(wire, call)
        slow.append(began)
        if time.monotonic() - began < SLOW_SECONDS:
            slow.clear()
        elif len(slow) >= SLOW_CALLS:
            slow.clear()
            channels[-1].close()
            wire.__init__(wire.client)
        return answer

    put(module, open_channel=opened)()
    put(module.GrpcTransport, _call=called)()


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
        put(delivery, Claim=NamelessClaim),
        "[200] is expected",
        "a-claim-is-applied-and-its-reply-cut",
    ),
    (
        "calls to Firestore end after two seconds",
        _hasty,
        "a slow ledger was taken for one that is out of use",
        "round-trips-of-up-to-four-seconds@4s",
    ),
    (
        "a slow connection is given up, with the calls of all others on it",
        _slow_is_dead,
        "a slow ledger was taken for one that is out of use",
        "round-trips-of-up-to-four-seconds@4s-16",
    ),
    (
        "only the first operation of an amendment is waited for",
        put(ledger, SLOW_SECONDS=0.0),
        "a slow ledger was taken for one that is out of use",
        "a-failure-on-a-slow-connection",
    ),
    (
        "dead connections are not looked for",
        _without_pings,
        "the dead connection was still in use after two heartbeats",
        "a-dead-connection-under-a-handler",
    ),
)
