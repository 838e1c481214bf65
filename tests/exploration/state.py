"""What the explored world is made of: frozen values, so that two worlds that are the same are seen once.

Versions, the record's counter of heartbeats and its words for people are folded together: all a version
is good for is to be the row's present one (`NOW`) or not (`OLD`).
"""

from __future__ import annotations

import enum

from msgspec import Struct

from taskhandler.ledger.amend import Create, Pending, Replace, Unread
from taskhandler.lifecycle.record import Snapshot, State
from taskhandler.lifecycle.rules import Rule
from taskhandler.outcome import Outcome

NOW, OLD = 1, 0
LEASE, RETENTION = 30.0, 900.0


class At(enum.IntEnum):
    """Where a delivery is in its story."""

    IDLE = 0
    GONE = 1
    CLAIM = 2
    READY = 3
    ENSURE_LIVE = 4
    HANDLER = 5
    HEARTBEAT = 6
    BEGIN_STEP = 7
    STEP = 8
    FINISH_STEP = 9
    SETTLE = 10
    KEEP_CONFLICT = 11
    CALL_ON_DEAD = 12
    MARK_NOTIFIED = 13
    CANCEL = 14


class Local(Struct, frozen=True, kw_only=True):
    """One delivery, or one cancellation.

    Attributes:
        slot: which one; they are numbered in the order in which they come.
        at: where it is in its story.
        pending: its amendment that waits for an operation, if there is one.
        held: the record as it last knew it.
        todo: the handler's `once` step is still before it.
        late: its lease has lapsed since it was last extended, so that its own clock says so.
        known: the step was recorded before its claim.
        stray: its claim is from before an operator's reset.
        saw: an end was recorded while it was under way, and was reset.
        last: it is the queue's last.
        answer: what it will be answered, once `on_dead` is called.
        applied: the cancellation was written down.
    """

    slot: int
    at: At
    pending: Pending | None = None
    held: Snapshot | Unread | None = None
    todo: bool = False
    late: bool = False
    known: bool = False
    stray: bool = False
    saw: bool = False
    last: bool = False
    answer: Outcome | None = None
    applied: bool = False


class Ghosts(Struct, frozen=True, kw_only=True):
    """What really happened, as only the world knows it; nothing that ships can see it.

    Attributes:
        end: the end that was recorded.
        holder: whose claim was the last to be accepted, until it settles.
        lapsed: the holder's lease has lapsed.
        runs: handlers called, without those whose attempt was drained.
        claims: accepted claims, without those whose attempt was drained.
        returned: a run came to its end as it should.
        recorded: what the step came to is recorded.
        started: the at-most-once step was started.
        batches: how often a batch of writes was committed.
        fence: of the last accepted claim.
        body: what the task is: the body of the first accepted claim.
        on_dead_called: `on_dead` was called for the death that is recorded.
        expired: the record is past its retention.
        resets: how often an operator may still reset the task.
        cancelled: whose claims were cancelled, of those that have not claimed again.
    """

    end: State | None = None
    holder: int | None = None
    lapsed: bool = False
    runs: int = 0
    claims: int = 0
    returned: bool = False
    recorded: bool = False
    started: bool = False
    batches: int = 0
    fence: int = 0
    body: str | None = None
    on_dead_called: bool = False
    expired: bool = False
    resets: int = 0
    cancelled: frozenset[int] = frozenset()


class Shared(Struct, frozen=True):
    """The ledger, and the ghosts: the row of the task, and the dead letters of conflicting bodies."""

    ghosts: Ghosts
    row: Snapshot | None = None
    dead_letters: frozenset[str] = frozenset()


class Sent(Struct, frozen=True):
    """A write whose sender has given up waiting, and which may still be applied."""

    slot: int
    rule: Rule
    op: Create | Replace


class Effect(enum.IntEnum):
    """What a move means to the other deliveries."""

    NONE = 0
    WROTE = 1
    CLAIMED = 2
    CLAIMED_KNOWN = 3
    LAPSED = 4
    RESET = 5
    RESET_END = 6
    CLEARED = 7
    CANCELLED = 8


class Touch(Struct, frozen=True):
    """What a move means to the others; `slot` is whom it is about."""

    effect: Effect = Effect.NONE
    slot: int = -1


class Move(Struct, frozen=True, kw_only=True):
    """One thing that may happen, and what breaks if it does."""

    label: str
    local: Local | None
    shared: Shared
    fault: bool = False
    touch: Touch = Touch()
    sent: Sent | None = None
    broken: frozenset[str] = frozenset()


class Scenario(Struct, frozen=True, kw_only=True):
    """The bounds of an exploration.

    Attributes:
        name: for people.
        bodies: of the deliveries, in the order in which they come.
        faults: how many there may be; None for no limit.
        step: how the handler uses `once`: not at all, plainly, or at most once.
        heartbeats: there are heartbeats while the handler runs.
        drains: workers may be told to stop.
        max_attempts: the handler's limit of charged claims.
        last: the delivery that comes last may be the queue's last.
        delays: a write whose reply was lost may be applied at any later moment.
        resets: how often an operator resets the task.
        cancels: how many cancellations there are; they are numbered after the deliveries.
        expires: the record may pass its retention once no delivery is under way.
        refusals: the storage may refuse a write for good.
        crashes: a crash is a move of its own, and not only a delivery that is never moved again.
    """

    name: str
    bodies: str = "xx"
    faults: int | None = None
    step: str = ""
    heartbeats: bool = True
    drains: bool = True
    max_attempts: int | None = None
    last: bool = True
    delays: bool = True
    resets: int = 0
    cancels: int = 0
    expires: bool = False
    refusals: bool = True
    crashes: bool = False

    def name_of(self, slot: int) -> str:
        """Whose moves these are, for people."""
        past = slot - len(self.bodies)
        return f"delivery {slot + 1}" if past < 0 else f"cancellation {past + 1}"
