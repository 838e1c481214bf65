"""What the ledger remembers of one task: the record, its states, and the record as a ledger showed it."""

from __future__ import annotations

import enum
from collections.abc import Hashable
from typing import Annotated

from msgspec import Meta, Struct
from msgspec.structs import replace


class State(str, enum.Enum):
    """Where a task is.

    The last four are ends. An end is overwritten only by an operator, or after its retention.
    """

    __hash__ = str.__hash__  # an Enum's own is a Python function, called for every look-up

    RUNNING = "running"
    WAITING = "waiting"
    COMPLETED = "completed"
    REJECTED = "rejected"
    DEAD = "dead"
    CANCELLED = "cancelled"


TERMINAL = frozenset({State.COMPLETED, State.REJECTED, State.DEAD, State.CANCELLED})

FORMAT = 1
"""The format that this version writes; it reads every one up to its own."""

MOST_LINES = 10
"""Lines of history that a record remembers."""

MOST_ROUNDS = 64
"""Names whose round ended that a record remembers."""

MOST_ACTS = 20
"""Acts of operators that a record remembers."""

Count = Annotated[int, Meta(ge=0, le=2**62)]
Lease = Annotated[float, Meta(ge=0, le=3600)]
Retention = Annotated[float, Meta(ge=0)]
Moment = Annotated[float, Meta(ge=0, le=253_402_300_799)]
"""What the numbers of a record can be: seconds, and since 1970 until the year 9999.

They are checked when a record is decoded: a negative lease, say, which somebody wrote by hand, would let two
deliveries run a task. A version that allows longer leases raises `min_reader`
(see `bootclock.REBOOTED_SECONDS`).
"""

Unknown = tuple[tuple[str, bytes], ...]
"""Fields of a newer version: each name with its value, as the storage encodes it."""


class Step(Struct, frozen=True, omit_defaults=True, gc=False):
    """One `once` step of a task: begun, and, with a `value` (JSON), done."""

    name: str
    fence: Count
    value: str | None = None
    unknown: Unknown = ()


class Round(Struct, frozen=True, kw_only=True, omit_defaults=True, gc=False):
    """A round of a record that has ended: the SHA-256 of the name that claimed it, and how it ended."""

    name_hash: str
    state: State
    unknown: Unknown = ()


class OperatorAct(Struct, frozen=True, kw_only=True, omit_defaults=True, gc=False):
    """What an operator did to a record: `at` is in seconds since 1970, by the operator's clock."""

    action: str
    who: str
    why: str
    at: Moment
    unknown: Unknown = ()


class Record(Struct, frozen=True, kw_only=True, omit_defaults=True, gc=False):
    """One row of the ledger.

    Attributes:
        state: where the task is.
        attempt: claims so far, from 1 (0 if it was cancelled before the first, or reset).
        fence: grows with every claim for as long as the record exists.
        lease_id: the nonce of the last holder, or of what fenced it: a cancellation, an operator's reset.
        lease: seconds the holder may go without a heartbeat.
        digest: SHA-256 of the handler's name and the body, in hexadecimal; empty while no delivery has
            come, of a task that was cancelled before.
        retention: seconds an end is kept, from when it was written.
        handler: the handler's name.
        drained: how many of the claims are not charged, because their worker was told to stop.
        heartbeats: grows with every heartbeat, so that every write changes the record (a Firestore
            document that does not change keeps its update_time).
        on_dead_called: of a dead task: its `on_dead` has been called.
        reason: of a failed, rejected, dead or cancelled task: why.
        result: what the handler returned, as JSON, for people to look at.
        steps: the `once` steps.
        history: a line for each of the last attempts that were lost or failed, and for what was done to the
            task from outside; at most `MOST_LINES`.
        error_type: of a failed or dead task: the class of the last error.
        trace: the `traceparent` of the last claim (W3C Trace Context).
        generation: raised by a replay that is to run everything afresh; part of the identity of steps,
            keys and children.
        claimed_by: the SHA-256 of the task's name that claimed this round, of a record whose identity is
            a business key.
        rounds: of such a record: the rounds that have ended, at most `MOST_ROUNDS`.
        acts: what operators did to it, at most `MOST_ACTS`.
        format: the version of the format that it was last written in.
        min_reader: the oldest version that may act on it.
        unknown: fields of a newer version, which are written back as they were.
    """

    state: State
    attempt: Count
    fence: Count
    lease_id: str
    lease: Lease
    digest: str
    retention: Retention
    handler: str = ""
    drained: Count = 0
    heartbeats: Count = 0
    on_dead_called: bool = False
    reason: str = ""
    result: str | None = None
    steps: tuple[Step, ...] = ()
    history: tuple[str, ...] = ()
    error_type: str = ""
    trace: str = ""
    generation: Count = 0
    claimed_by: str = ""
    rounds: tuple[Round, ...] = ()
    acts: tuple[OperatorAct, ...] = ()
    format: int = FORMAT
    min_reader: int = 1
    unknown: Unknown = ()

    @property
    def is_terminal(self) -> bool:
        """Whether this is the end of the task."""
        return self.state in TERMINAL

    @property
    def charged(self) -> int:
        """How many attempts count against the handler's `max_attempts`."""
        return self.attempt - self.drained

    def is_last(self, *, max_attempts: int | None) -> bool:
        """Whether a failure of the attempt that holds this record leaves none to the handler."""
        return max_attempts is not None and self.charged >= max_attempts

    def find_step(self, name: str) -> Step | None:
        """The `once` step `name`, if it has been begun."""
        return next((step for step in self.steps if step.name == name), None)

    def noted(self, what: str) -> Record:
        """This record with one more line of history."""
        return replace(self, history=(*self.history, f"{self.attempt} {what}")[-MOST_LINES:])


class Snapshot(Struct, frozen=True):
    """A record as a ledger showed it.

    Attributes:
        record: the record.
        version: the storage's own mark of this state of the row; opaque, compared for equality only.
        age: seconds from the last write to this look, both by the storage's own clock.
        created_at, updated_at: seconds since 1970, for people only; None where the storage does not say.
    """

    record: Record
    version: Hashable
    age: float = 0.0
    created_at: float | None = None
    updated_at: float | None = None

    @property
    def has_expired(self) -> bool:
        """Whether this end is past its retention, and counts as no record (T16)."""
        return self.record.is_terminal and self.age >= self.record.retention


def check_decoded(record: Record) -> None:
    """See that the fields of a decoded record agree; each by itself is what it can be.

    Raises:
        ValueError: they do not. The message says which.
    """
    if record.drained > record.attempt:
        raise ValueError(f"drained is {record.drained}, of {record.attempt} attempts")


def end_of(snapshot: Snapshot | None) -> State | None:
    """The end that a ledger showed, if it showed one."""
    return snapshot.record.state if snapshot is not None and snapshot.record.is_terminal else None
