"""Carries amendments out on a storage, within a time limit."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence

from taskhandler.ledger.amend import Create, Done, Pending, Read, Unread, begin, resume
from taskhandler.ledger.storage import Answer, Key, Storage, TaskBody, Unavailable, Unknown
from taskhandler.lifecycle.record import Snapshot, State
from taskhandler.lifecycle.rules import Rule
from taskhandler.lifecycle.verdict import Undecided

FIRST_PAUSE_SECONDS = 0.05
"""Before an operation is tried again that an unavailable storage did not do; doubles each time.

Between half of it and all of it is waited, by chance, so that workers that met the same outage do not all
come back at the same moment.
"""

SLOW_SECONDS = 20.0
"""After which an amendment is given up although the storage answers: it may need several slow operations."""


def always_continue() -> bool:
    """For an amendment that nothing gives up early."""
    return True


class Ledger:
    """A storage, and the loop that amends its records within a time limit.

    Args:
        storage: where records are kept.
        clock: seconds of a clock that never goes back.
        pause: waits so many seconds.
        chance: a number from 0 up to 1.
    """

    def __init__(
        self,
        storage: Storage,
        *,
        clock: Callable[[], float],
        pause: Callable[[float], None],
        chance: Callable[[], float] = random.random,
    ) -> None:
        self.storage = storage
        self._clock = clock
        self._pause = pause
        self._chance = chance

    def amend(
        self,
        key: Key,
        rule: Rule,
        believed: Snapshot | Unread | None,
        *,
        timeout: float,
        body: TaskBody | None = None,
        writes: Sequence[object] = (),
        should_continue: Callable[[], bool] = always_continue,
    ) -> Done:
        """Apply `rule` to the record of `key`.

        Args:
            key: which record.
            rule: what to make of it.
            believed: the record that is expected; None for no record.
            timeout: seconds after which an operation that had no answer is not followed by another one.
            body: kept beside a record that says rejected or dead.
            writes: whatever the storage's own batches are made of; they commit with a completion only.
            should_continue: asked before each operation but the first; False gives the amendment up.
        """
        begun = self._clock()
        at = begin(rule, believed)
        pause = FIRST_PAUSE_SECONDS
        while isinstance(at, Pending):
            answer = self._carry_out(key, at, body, writes)
            until = begun + (timeout if isinstance(answer, Unavailable | Unknown) else SLOW_SECONDS)
            late = self._clock() + pause >= until
            if isinstance(answer, Unavailable) and not (late or answer.is_lasting):
                self._pause(pause * (1 + self._chance()) / 2)
                pause *= 2
            else:
                at = resume(at, answer)
            if isinstance(at, Pending) and (late or not should_continue()):
                return Done(Undecided("the ledger took too long"), _find_snapshot(answer))
        return at

    def _carry_out(
        self, key: Key, at: Pending, body: TaskBody | None, writes: Sequence[object]
    ) -> Answer | Snapshot | None:
        op = at.op
        if isinstance(op, Read):
            return self.storage.read(key)
        state = op.record.state
        kept = body if state is State.REJECTED or state is State.DEAD else None
        if isinstance(op, Create):
            return self.storage.create(key, op.record, dead_letter=kept)
        batch = writes if state is State.COMPLETED else ()
        return self.storage.replace(key, op.record, op.version, dead_letter=kept, writes=batch)


def _find_snapshot(answer: Answer | Snapshot | None) -> Snapshot | None:
    """What was read last, so that the next amendment need not read it again."""
    return answer if isinstance(answer, Snapshot) else None
