"""A lease as its holder has it: claimed, extended, and released with the end of the attempt."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Sequence

from taskhandler.ledger.amend import Done, Unread
from taskhandler.ledger.ledger import Ledger, always_continue
from taskhandler.ledger.storage import Key, TaskBody
from taskhandler.lifecycle.record import Snapshot, State
from taskhandler.lifecycle.rules import Claim, Heartbeat, Rule, Settle
from taskhandler.lifecycle.verdict import Disposition, Fenced, Renewed, Run, Undecided, Verdict
from taskhandler.text import one_line

LOGGER = logging.getLogger("taskhandler.ledger")

LINE_LIMIT_CHARACTERS = 1000
"""Characters of an error's message that are logged."""

CLAIM_TIMEOUT_SECONDS = 5.0
"""Seconds: with no call longer than five, a delivery that meets an outage is answered within ten.

And a call that takes all of its time can still be followed by a second one.
"""

SETTLE_TIMEOUT_SECONDS = 5.0
"""Seconds, including the wait for a heartbeat under way, which makes one call at most and then gives way."""

HEARTBEAT_TIMEOUT_SECONDS = 2.0
"""Seconds; few, so that the next heartbeat comes soon. It reads first if this one's result is unknown."""

HEARTBEAT_RETRY_SECONDS = 1.0
"""Seconds from a heartbeat that failed to the next."""

RELEASE_TIMEOUT_SECONDS = 0.8
"""Seconds for giving the lease back when the worker ends: half of them to wait for a heartbeat under way."""


class Lease:
    """The right of one delivery to run its task.

    All acts of a holder go through here, one at a time: else its own heartbeat would fence its
    completion. Its deadline is counted from before the last accepted write was sent, by a clock that
    goes on while the machine sleeps, so it never outlives the lease as the ledger counts it.

    Args:
        ledger: where the record is.
        key: whose record it is.
        claim: how the delivery asked for it.
        clock: seconds, of a clock that never goes back and counts the machine's sleep.
    """

    def __init__(self, ledger: Ledger, key: Key, claim: Claim, *, clock: Callable[[], float]) -> None:
        self.fenced = False
        self.cancelled = False
        self.attempt = 0  # that was claimed; the record may be at another one since
        self.due = 0.0
        self._ledger = ledger
        self._key = key
        self._claim = claim
        self._clock = clock
        self._believed: Snapshot | Unread | None = Unread()
        self._until = 0.0
        self._over = False
        self._lock = threading.Lock()

    @property
    def interval(self) -> float:
        """Seconds between two heartbeats: a third of the lease."""
        return self._claim.lease / 3

    @property
    def snapshot(self) -> Snapshot | None:
        """The record as the holder last knew it."""
        return None if isinstance(self._believed, Unread) else self._believed

    def claim(self, believed: Snapshot | Unread | None, *, body: TaskBody | None = None) -> Verdict:
        """Ask for the lease; `Run` says that it is yours."""
        with self._lock:
            self._believed = believed
            verdict = self._act(self._claim, timeout=CLAIM_TIMEOUT_SECONDS, body=body)
            if isinstance(verdict, Run) and self.snapshot is not None:
                self.attempt = self.snapshot.record.attempt
            return verdict

    def remaining(self) -> float:
        """Seconds that are left of the lease; none if it is known to be lost."""
        return 0.0 if self.fenced else max(0.0, self._until - self._clock())

    def renew(self) -> bool:
        """Extend the lease by one heartbeat; False if it is known to be lost."""
        with self._lock:
            if not (self._over or self.fenced):
                heartbeat = Heartbeat(self._claim.lease_id)
                timeout = min(HEARTBEAT_TIMEOUT_SECONDS, self.interval)
                verdict = self._act(heartbeat, timeout=timeout, should_continue=lambda: not self._over)
                if isinstance(verdict, Undecided):
                    self.due = min(self.due, self._clock() + HEARTBEAT_RETRY_SECONDS)
            return not self.fenced

    def ensure_live(self) -> Verdict:
        """Make sure, right before the handler is called, that the lease lasts until its first heartbeat."""
        if self.remaining() >= 2 * self.interval:
            return Run()
        with self._lock:
            verdict = self._act(Heartbeat(self._claim.lease_id), timeout=CLAIM_TIMEOUT_SECONDS)
        if not isinstance(verdict, Renewed):
            return verdict
        return (
            Run()
            if self.remaining() > 0
            else Undecided("the lease is shorter than the ledger takes to answer")
        )

    def settle(
        self, disposition: Disposition, *, body: TaskBody | None = None, writes: Sequence[object] = ()
    ) -> Verdict:
        """Record how the attempt ended, and release the lease."""
        self._over = True  # a heartbeat that still waits need not be sent any more
        until = self._clock() + SETTLE_TIMEOUT_SECONDS
        if not self._lock.acquire(timeout=SETTLE_TIMEOUT_SECONDS):
            return Undecided("a heartbeat is still under way")
        try:
            settle = Settle(self._claim.lease_id, disposition)
            if self.fenced:
                self._believed = Unread()  # what fenced us may have come to an end since
            return self._act(settle, timeout=until - self._clock(), body=body, writes=writes)
        finally:
            self._lock.release()

    def release(self, disposition: Disposition, *, body: TaskBody | None = None) -> None:
        """Give the lease back within a second if that can be done, else leave it to lapse."""
        self._over = True
        if not self._lock.acquire(timeout=RELEASE_TIMEOUT_SECONDS / 2):
            return
        giving = threading.Thread(
            target=self._give_back, args=(disposition, body), name="taskhandler-release", daemon=True
        )
        try:
            giving.start()  # beside us, since a call to the ledger may take five seconds
        except RuntimeError:  # no thread can be started
            self._lock.release()
            return
        giving.join(RELEASE_TIMEOUT_SECONDS / 2)

    def _give_back(self, disposition: Disposition, body: TaskBody | None) -> None:
        try:
            self._act(
                Settle(self._claim.lease_id, disposition), timeout=RELEASE_TIMEOUT_SECONDS / 2, body=body
            )
        except Exception as error:  # noqa: BLE001 - a storage may be the user's own, and no caller catches it here
            said = one_line(error, limit=LINE_LIMIT_CHARACTERS)
            kind = type(error).__qualname__
            LOGGER.error("a lease cannot be released, and will lapse: %s: %s", kind, said)  # noqa: TRY400 - one line; the traceback would quote the error raw
        finally:
            self._lock.release()

    def _act(
        self,
        rule: Rule,
        *,
        timeout: float,
        body: TaskBody | None = None,
        writes: Sequence[object] = (),
        should_continue: Callable[[], bool] = always_continue,
    ) -> Verdict:
        sent = self._clock()
        done = self._ledger.amend(
            self._key,
            rule,
            self._believed,
            timeout=timeout,
            body=body,
            writes=writes,
            should_continue=should_continue,
        )
        self._learn(done, sent)
        return done.verdict

    def _learn(self, done: Done, sent: float) -> None:
        self._believed = Unread() if done.snapshot is None else done.snapshot
        match done.verdict:
            case Run() | Renewed():
                self._until = sent + self._claim.lease
            case Fenced(ended=ended):
                self.fenced = True
                self.cancelled = ended is State.CANCELLED
            case _:
                pass
