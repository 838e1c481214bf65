"""The one transport of a process: made at first use, by one thread, and anew in a forked child.

Theory of operation. There are two things to make, one after the other, and both belong to one process::

    client      Google's: project and credentials. Its imports take half a second; a warm-up makes it early.
       │
    transport   ours: a gRPC channel for the client. gRPC's threads do not survive a fork, so no channel is
                opened before it is needed.

Callers take `_transport` without a lock. If there is none, the first of them starts a thread, the *maker*,
and each caller waits for it as long as its own time limit allows; the maker goes on for those that come
later. If making fails, the maker notes why and ends. All callers get that answer at once, for
`RETRY_SECONDS`; the next one after that starts another maker.

A fork waits for the maker, since imports hold locks that no thread would release in the child, and it holds
`_lock`, so that no other maker starts. The child begins without a maker. It uses the parent's client if there
was no channel yet. Otherwise it makes its own, and keeps the parent's client and transport in `_inherited`
untouched, for closing or freeing them would call into gRPC.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from typing import Any

from taskhandler.forks import notify_of_forks
from taskhandler.ledger.firestore.transport import DETAILS_LIMIT_CHARACTERS, Transport
from taskhandler.ledger.storage import Unavailable
from taskhandler.text import one_line
from taskhandler.throttled_log import ThrottledLog

LOGGER = logging.getLogger("taskhandler.ledger")

RETRY_SECONDS = 5.0
"""From one attempt to make a client to the next."""

FORK_WAIT_SECONDS = 5.0
"""That a fork waits for the maker."""

WARM_UP_SECONDS = 10.0
"""That a warm-up takes at most."""

_REMEDY = (
    "To fix it: name the project in the ledger's URL or in GOOGLE_CLOUD_PROJECT, and give credentials "
    "(a service account of Cloud Run, GOOGLE_APPLICATION_CREDENTIALS, or FIRESTORE_EMULATOR_HOST in local "
    "development)."
)
_FORKED = (
    "gRPC was used before this process was forked. The ledger goes on with a client of its own, but that may "
    "fail, and with GRPC_ENABLE_FORK_SUPPORT=0 it hangs. To fix it: make no call with Google's clients "
    "before the fork (run gunicorn without --preload, for example)."
)

_MAKING = "Google's client is still being created"
_NO_THREAD = "no thread can be started to make Google's client"


class Connection:
    """Hands out the transport, and makes it when there is none.

    Args:
        make_client: makes one of Google's clients; may raise any error.
        open_transport: opens its channel.
        clock: seconds of a clock that never goes back.
        log: where failures are logged.
    """

    def __init__(
        self,
        make_client: Callable[[], Any],
        open_transport: Callable[[Any], Transport],
        *,
        clock: Callable[[], float],
        log: ThrottledLog,
    ) -> None:
        self._make_client = make_client
        self._open_transport = open_transport
        self._clock = clock
        self._log = log
        self._client: Any = None
        self._transport: Transport | None = None
        self._inherited: tuple[Any, Transport] | None = None
        self._lock = threading.Lock()
        self._maker: threading.Thread | None = None
        self._rest_until = float("-inf")
        self._problem = _MAKING
        notify_of_forks(self)

    def connect(self, *, timeout: float) -> Transport | Unavailable:
        """The transport, waited for no longer than `timeout` seconds."""
        transport = self._transport  # another thread may close the ledger now
        if transport is not None:
            return transport
        return self._await(self._connect, timeout) or Unavailable(self._problem)

    def warm_up(self) -> None:
        """Load Google's library and find credentials, but open no channel: that would not outlive a fork."""
        self._await(self._warm_up, WARM_UP_SECONDS)

    def close(self) -> None:
        """Drop everything; calls under way come to their end. The next `connect` begins anew."""
        with self._lock:
            self._client = self._transport = self._maker = None

    def before_fork(self) -> None:
        """Wait for the maker, and let no other one start."""
        self._lock.acquire()
        if self._maker is not None:
            self._maker.join(FORK_WAIT_SECONDS)

    def after_fork_in_parent(self) -> None:
        """Go on."""
        self._lock.release()

    def after_fork_in_child(self) -> None:
        """Begin anew. What the parent used is kept but not touched: closing it here would call into gRPC."""
        self._lock = threading.Lock()
        self._maker, self._rest_until, self._problem = None, float("-inf"), _MAKING
        if self._transport is not None:
            self._inherited = (self._client, self._transport)
            self._client = self._transport = None

    def _await(self, step: Callable[[], None], timeout: float) -> Transport | None:
        with self._lock:
            maker = self._maker
            if maker is None or (not maker.is_alive() and self._clock() >= self._rest_until):
                maker = self._start(step)
        if maker is not None:
            maker.join(timeout)
        return self._transport

    def _start(self, step: Callable[[], None]) -> threading.Thread | None:
        maker = threading.Thread(target=self._run, args=(step,), daemon=True)
        self._rest_until = self._clock() + RETRY_SECONDS
        try:
            maker.start()
        except RuntimeError:  # there is no maker, so the next caller tries again
            self._maker, self._problem = None, _NO_THREAD
            return None
        self._maker = maker
        return maker

    def _run(self, step: Callable[[], None]) -> None:
        """What the maker does."""
        self._problem = _MAKING
        try:
            step()
        except Exception as error:  # noqa: BLE001 - from Google's libraries, or a user's; callers need to know why
            self._problem = one_line(error, limit=DETAILS_LIMIT_CHARACTERS) or type(error).__name__
            self._log.error(f"The Firestore ledger is unavailable: %s. {_REMEDY}", self._problem)

    def _connect(self) -> None:
        if self._inherited is not None:
            LOGGER.warning("%s", _FORKED)
        self._find_client()
        self._transport = self._open_transport(self._client)

    def _warm_up(self) -> None:
        self._find_client()
        self._rest_until = float("-inf")

    def _find_client(self) -> None:
        if self._client is None:
            self._client = self._make_client()
