"""Carries amendments out on a storage, within a time limit."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from taskhandler.law import Rule
from taskhandler.ledger.amend import Create, Done, Pending, Read, Unseen, begin, resume
from taskhandler.ledger.storage import Answer, Key, Letter, Storage, Unavailable
from taskhandler.record import Found, State
from taskhandler.verdict import Undecided

FIRST_PAUSE = 0.05
"""Seconds before an operation is tried again that an unavailable storage did not do; doubles each time."""


class Ledger:
    """A storage, and the patience to have it amended.

    Args:
        storage: where records are kept.
        clock: seconds of a clock that never goes back.
        pause: waits so many seconds.
    """

    def __init__(
        self, storage: Storage, *, clock: Callable[[], float], pause: Callable[[float], None]
    ) -> None:
        self.storage = storage
        self._clock = clock
        self._pause = pause

    def amend(
        self,
        key: Key,
        rule: Rule,
        believed: Found | Unseen | None,
        *,
        patience: float,
        letter: Letter | None = None,
        writes: Sequence[object] = (),
    ) -> Done:
        """Apply `rule` to the record of `key`.

        Args:
            key: which record.
            rule: what to make of it.
            believed: what is believed to be there; None for no record.
            patience: seconds after which no further operation is begun.
            letter: the body, kept beside a record that says rejected or dead.
            writes: whatever the storage's own batches are made of; they commit with a completion only.
        """
        until = self._clock() + patience
        at = begin(rule, believed)
        pause = FIRST_PAUSE
        while isinstance(at, Pending):
            answer = self._carry_out(key, at, letter, writes)
            late = self._clock() + pause >= until
            if isinstance(answer, Unavailable) and not late:
                self._pause(pause)
                pause *= 2
                continue
            at = resume(at, answer)
            if late and isinstance(at, Pending):
                return Done(Undecided("the ledger took too long"))
        return at

    def _carry_out(
        self, key: Key, at: Pending, letter: Letter | None, writes: Sequence[object]
    ) -> Answer | Found | None:
        op = at.op
        if isinstance(op, Read):
            return self.storage.read(key)
        state = op.record.state
        kept = letter if state is State.REJECTED or state is State.DEAD else None
        if isinstance(op, Create):
            return self.storage.create(key, op.record, letter=kept)
        batch = writes if state is State.COMPLETED else ()
        return self.storage.replace(key, op.record, op.version, letter=kept, writes=batch)
