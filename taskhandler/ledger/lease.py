"""A lease as its holder has it: claimed, extended, and given back with what the attempt came to."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence

from taskhandler.law import Arrive, Beat, Rule, Settle
from taskhandler.ledger.amend import Done, Unseen
from taskhandler.ledger.ledger import Ledger
from taskhandler.ledger.storage import Key, Letter
from taskhandler.record import Found
from taskhandler.verdict import End, Fenced, Held, Run, Undecided, Verdict

CLAIM_PATIENCE = 3.0
"""Seconds: with no call longer than five, a delivery that meets an outage is answered within ten."""

SETTLE_PATIENCE = 5.0
RELEASE_PATIENCE = 0.8


class Lease:
    """The right of one delivery to run its task.

    All acts of a holder go through here, one at a time: else its own heartbeat would fence its
    completion. Its deadline is counted from before the last accepted write was sent, by a clock that
    goes on while the machine sleeps, so it never outlives the lease as the ledger counts it.

    Args:
        ledger: where the record is.
        key: whose record it is.
        arrive: how the delivery asked for it.
        clock: seconds, of a clock that never goes back and counts the machine's sleep.
    """

    def __init__(self, ledger: Ledger, key: Key, arrive: Arrive, *, clock: Callable[[], float]) -> None:
        self.fenced = False
        self.due = 0.0
        self._ledger = ledger
        self.key = key
        self.arrive = arrive
        self._clock = clock
        self._believed: Found | Unseen | None = Unseen()
        self._until = 0.0
        self._over = False
        self._turn = threading.Lock()

    @property
    def interval(self) -> float:
        """Seconds between two heartbeats: a third of the lease."""
        return self.arrive.lease / 3

    @property
    def found(self) -> Found | None:
        """The record as the holder last knew it."""
        return None if isinstance(self._believed, Unseen) else self._believed

    def claim(self, believed: Found | Unseen | None, *, letter: Letter | None = None) -> Verdict:
        """Ask for the lease; `Run` says that it is yours."""
        with self._turn:
            self._believed = believed
            return self._act(self.arrive, patience=CLAIM_PATIENCE, letter=letter)

    def remaining(self) -> float:
        """Seconds that are left of the lease; none if it is known to be lost."""
        return 0.0 if self.fenced else max(0.0, self._until - self._clock())

    def beat(self) -> bool:
        """Extend the lease by one heartbeat. Whether it still is the holder's, as far as is known."""
        with self._turn:
            if not (self._over or self.fenced):
                self._act(Beat(self.arrive.lease_id), patience=self.interval)
            return not self.fenced

    def start(self) -> Verdict:
        """Make sure, right before the handler is called, that the lease has not lapsed meanwhile."""
        if self.remaining() > 0:
            return Run()
        with self._turn:
            verdict = self._act(Beat(self.arrive.lease_id), patience=CLAIM_PATIENCE)
        if not isinstance(verdict, Held):
            return verdict
        return Run() if self.remaining() > 0 else Undecided("the lease lapses faster than the ledger answers")

    def settle(self, end: End, *, letter: Letter | None = None, writes: Sequence[object] = ()) -> Verdict:
        """Write down what the attempt came to, and give the lease back."""
        with self._turn:
            self._over = True
            settle = Settle(self.arrive.lease_id, end)
            return self._act(settle, patience=SETTLE_PATIENCE, letter=letter, writes=writes)

    def release(self, end: End, *, letter: Letter | None = None) -> None:
        """Give the lease back within a second if that can be done, else leave it to lapse."""
        if self._turn.acquire(timeout=RELEASE_PATIENCE / 2):
            try:
                self._over = True
                settle = Settle(self.arrive.lease_id, end)
                self._act(settle, patience=RELEASE_PATIENCE / 2, letter=letter)
            finally:
                self._turn.release()

    def _act(
        self, rule: Rule, *, patience: float, letter: Letter | None = None, writes: Sequence[object] = ()
    ) -> Verdict:
        sent = self._clock()
        done = self._ledger.amend(
            self.key, rule, self._believed, patience=patience, letter=letter, writes=writes
        )
        self._learn(done, sent)
        return done.verdict

    def _learn(self, done: Done, sent: float) -> None:
        self._believed = Unseen() if done.found is None else done.found
        match done.verdict:
            case Run() | Held():
                self._until = sent + self.arrive.lease
            case Fenced():
                self.fenced = True
            case _:
                pass
