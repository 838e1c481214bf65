"""The one wire of a process: made at first use, by one thread, and anew in a forked child."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from typing import Any

from taskhandler.errors import LedgerError
from taskhandler.forks import tell_of_forks
from taskhandler.ledger.firestore.transport import SAID_LIMIT, Wire
from taskhandler.ledger.storage import Unavailable
from taskhandler.log_throttle import ThrottledLog
from taskhandler.text import one_line

LOGGER = logging.getLogger("taskhandler.ledger")

PAUSE = 5.0
"""Seconds from one attempt to make a client to the next."""

FORKING = 5.0
"""Seconds that a fork waits for a client that is being made: its imports hold locks a child cannot open."""

WARMING = 10.0
"""Seconds that a warm-up takes at most."""

_REMEDY = (
    "To mend it: name the project in the ledger's URL or in GOOGLE_CLOUD_PROJECT, and give credentials "
    "(a service account of Cloud Run, GOOGLE_APPLICATION_CREDENTIALS, or FIRESTORE_EMULATOR_HOST in local "
    "development)."
)
_FORKED = (
    "gRPC was used before this process was forked off. The ledger goes on with a client of its own, but "
    "that is not sure to work, and with GRPC_ENABLE_FORK_SUPPORT=0 it hangs. To mend it: let every use of "
    "Google's clients come after the fork (gunicorn without --preload, say)."
)

_MAKING = "Google's client is still being made"


class Connection:
    """Hands out the wire, and makes it when there is none.

    Args:
        make: gives one of Google's clients; raises LedgerError or ImportError.
        attach: opens its channel.
        clock: seconds of a clock that never goes back.
        log: where failures are logged.
    """

    def __init__(
        self,
        make: Callable[[], Any],
        attach: Callable[[Any], Wire],
        *,
        clock: Callable[[], float],
        log: ThrottledLog,
    ) -> None:
        self._make = make
        self._attach = attach
        self._clock = clock
        self._log = log
        self._client: Any = None
        self._wire: Wire | None = None
        self._inherited: tuple[Any, Wire] | None = None
        self._lock = threading.Lock()
        self._maker: threading.Thread | None = None
        self._rest_until = float("-inf")
        self._problem = _MAKING
        tell_of_forks(self)

    def wire(self, *, patience: float) -> Wire | Unavailable:
        """The wire, waited for no longer than `timeout` seconds."""
        wire = self._wire  # another thread may close the ledger now
        if wire is not None:
            return wire
        return self._awaited(self._connect, patience) or Unavailable(self._problem)

    def warm_up(self) -> None:
        """Load Google's library and find credentials, but open no channel: that would not outlive a fork."""
        self._awaited(self._warm, WARMING)

    def close(self) -> None:
        """Let go of everything; calls under way come to their end. It begins anew when asked for a wire."""
        with self._lock:
            self._client = self._wire = self._maker = None

    def before_fork(self) -> None:
        """Let whatever is being made come to its end, and begin nothing."""
        self._lock.acquire()
        if self._maker is not None:
            self._maker.join(FORKING)

    def after_fork_in_parent(self) -> None:
        """Go on."""
        self._lock.release()

    def after_fork_in_child(self) -> None:
        """Begin anew. What the parent used is kept but not touched: closing it here would reach into gRPC."""
        self._lock = threading.Lock()
        self._maker, self._rest_until, self._problem = None, float("-inf"), _MAKING
        if self._wire is not None:
            self._inherited = (self._client, self._wire)
            self._client = self._wire = None

    def _awaited(self, step: Callable[[], None], patience: float) -> Wire | None:
        with self._lock:
            maker = self._maker
            if maker is None or (not maker.is_alive() and self._clock() >= self._rest_until):
                maker = self._maker = threading.Thread(target=self._told, args=(step,), daemon=True)
                self._rest_until = self._clock() + PAUSE
                maker.start()
        maker.join(patience)
        return self._wire

    def _told(self, step: Callable[[], None]) -> None:
        try:
            step()
        except (LedgerError, ImportError) as error:
            self._problem = one_line(error, limit=SAID_LIMIT)
            self._log.error(f"The Firestore ledger is out of use: %s. {_REMEDY}", error)

    def _connect(self) -> None:
        if self._inherited is not None:
            LOGGER.warning("%s", _FORKED)
        self._find_client()
        self._wire = self._attach(self._client)

    def _warm(self) -> None:
        self._find_client()
        self._rest_until = float("-inf")

    def _find_client(self) -> None:
        if self._client is None:
            self._client = self._make()
