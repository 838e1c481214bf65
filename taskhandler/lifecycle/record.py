"""What the ledger remembers of one task: the record, its states, and the record as somebody saw it."""

from __future__ import annotations

import enum
from collections.abc import Hashable

from msgspec import Struct


class State(str, enum.Enum):
    """Where a task is. The last three are ends, and are never overwritten but by an operator."""

    __hash__ = str.__hash__  # an Enum's own is a Python function, called for every look-up

    RUNNING = "running"
    WAITING = "waiting"
    COMPLETED = "completed"
    REJECTED = "rejected"
    DEAD = "dead"


TERMINAL = frozenset({State.COMPLETED, State.REJECTED, State.DEAD})


class Step(Struct, frozen=True, gc=False):
    """One `once` step of a task: begun, and, with a `value` (JSON), done."""

    name: str
    fence: int
    value: str | None = None


class Record(Struct, frozen=True, kw_only=True, omit_defaults=True, gc=False):
    """One row of the ledger.

    Attributes:
        state: where the task is.
        attempt: claims so far, from 1 (0 after an operator's reset).
        fence: grows with every claim for as long as the record exists.
        lease_id: the nonce of the last holder; empty after an operator's reset.
        lease: seconds the holder may go without a heartbeat.
        digest: SHA-256 of the handler's name and the body, in hexadecimal.
        retention: seconds an end is kept, from when it was written.
        handler: the handler's name.
        drained: how many of the claims are not charged, because their worker was told to stop.
        heartbeats: grows with every heartbeat, so that every write changes the record (a Firestore
            document that does not change keeps its update_time).
        on_dead_called: of a dead task: its `on_dead` has been called.
        reason: of a failed, rejected or dead task: why.
        result: what the handler returned, as JSON, for people to look at.
        steps: the `once` steps.
        history: one line for each of the last lost or failed attempts.
    """

    state: State
    attempt: int
    fence: int
    lease_id: str
    lease: float
    digest: str
    retention: float
    handler: str = ""
    drained: int = 0
    heartbeats: int = 0
    on_dead_called: bool = False
    reason: str = ""
    result: str | None = None
    steps: tuple[Step, ...] = ()
    history: tuple[str, ...] = ()

    @property
    def is_terminal(self) -> bool:
        """Whether this is the end of the task."""
        return self.state in TERMINAL

    @property
    def charged(self) -> int:
        """How many attempts count against the handler's `max_attempts`."""
        return self.attempt - self.drained


class Snapshot(Struct, frozen=True):
    """A record as a ledger showed it.

    Attributes:
        record: the record.
        version: the storage's own mark of this state of the row; opaque, compared for equality only.
        age: seconds from the last write to this look, both by the storage's own clock.
    """

    record: Record
    version: Hashable
    age: float = 0.0
