"""What a rule answers, and what an attempt may come to."""

from __future__ import annotations

from msgspec import Struct

from taskhandler.lifecycle.record import Record, State


class Run(Struct, frozen=True, gc=False):
    """The task is yours to run, until your lease lapses."""


class InFlight(Struct, frozen=True, gc=False):
    """Another delivery runs the task. Its lease lapses in `left` seconds unless it is extended."""

    left: float


class AlreadyEnded(Struct, frozen=True, gc=False):
    """The task has ended before, in `state`. `on_dead_called`: its `on_dead` need not be called (again)."""

    state: State
    on_dead_called: bool


class Conflict(Struct, frozen=True, gc=False):
    """A task of this name is known with another body (or for another handler)."""


class Exhausted(Struct, frozen=True, gc=False):
    """No attempt is left, and none of them could record that: the task is dead."""


class StepBegun(Struct, frozen=True, gc=False):
    """The step has been begun before; `value` (JSON) is its result, None if that is not known."""

    value: str | None


class Renewed(Struct, frozen=True, gc=False):
    """The lease is still yours, and is extended."""


class Settled(Struct, frozen=True, gc=False):
    """It is written: the task is in `state` now."""

    state: State


class Fenced(Struct, frozen=True, gc=False):
    """The lease is no longer yours; nothing was written. `ended` is the task's end, if it has ended."""

    ended: State | None


class Refused(Struct, frozen=True, gc=False):
    """Definitely not written, and not worth trying again: the storage refuses it."""

    why: str


class Undecided(Struct, frozen=True, gc=False):
    """The ledger does not say what is recorded. Nothing may be done on a guess."""

    why: str


Verdict = (
    Run
    | InFlight
    | AlreadyEnded
    | Conflict
    | Exhausted
    | StepBegun
    | Renewed
    | Settled
    | Fenced
    | Refused
    | Undecided
)


class Transition(Struct, frozen=True, gc=False):
    """What a rule answers: the record to write, or None for none, and the verdict once it is written."""

    write: Record | None
    verdict: Verdict


class Completed(Struct, frozen=True, gc=False):
    """The handler returned (T10). `result` is JSON, or None."""

    result: str | None = None


class Failed(Struct, frozen=True, gc=False):
    """The handler failed, or asked to be called again (T11).

    Attributes:
        reason: why.
        last: no delivery of this task will come after this one.
        max_attempts: the handler's limit of charged claims; None for no limit.
    """

    reason: str
    last: bool = False
    max_attempts: int | None = None


class Drained(Struct, frozen=True, gc=False):
    """The worker was told to stop while the handler ran: the attempt is not charged (T15).

    `last`: no delivery of this task will come after this one.
    """

    last: bool = False


class Rejected(Struct, frozen=True, gc=False):
    """The task can never succeed (T12)."""

    reason: str


Disposition = Completed | Failed | Drained | Rejected
