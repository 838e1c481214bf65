"""Google's certificates: fetched when first needed, refreshed in the background, stale if that fails.

Theory of operation. What is known is one frozen value, which a fetch replaces, so a known key is found
without a lock. Four points of time matter, on the keeper's clock:

    fetched ---------- fresh_until ------------------------------- usable_until ------->
       known keys are found; an   |  known keys are found, and a     |  nothing is found; a
       unknown one is refused     |  fetch is started beside them    |  fetch is started
    a failed fetch ---- quiet_until: until then no other is started

There is one fetch at a time (*single flight*), on a thread of its own, with a deadline for the whole of it.
A token of a known key never waits for it. Nor does one of an unknown key while the certificates are fresh:
callers without a valid token must not occupy the server's threads. Two waits remain, both short and bounded.
The caller that starts a fetch waits for it briefly, so that the first token of a new key is accepted; how
many fetches unknown keys may start is limited by a token bucket. And while nothing is fresh and no fetch has
failed, as after a cold start, a bounded number of callers wait for the fetch that is under way.
"""

from __future__ import annotations

import logging
import re
import threading
import weakref
from collections.abc import Callable
from functools import partial
from random import random

from msgspec import Struct

from taskhandler.auth.fetch_budget import TokenBucket
from taskhandler.auth.fetch_response import Certificate, Fetched, read_certificates
from taskhandler.auth.fetch_thread import (
    FAULT_LIMIT_CHARACTERS,
    Fetch,
    describe_fault,
    run_fetch,
    start_thread,
)
from taskhandler.errors import ConfigError
from taskhandler.forks import call_in_child
from taskhandler.text import one_line
from taskhandler.throttled_log import ThrottledLog

LOGGER = logging.getLogger("taskhandler.auth")

FETCH_DEADLINE_SECONDS = 5.0
"""For a fetch as a whole."""
STARTER_WAIT_SECONDS = 0.5
"""How long the caller that starts a fetch waits for it; in Google's network one takes a tenth of that."""
SHARED_WAIT_SECONDS = 2.0
"""How long after the start of a fetch callers wait for it, while nothing is fresh."""
MOST_WAITING_CALLERS = 32
"""For one fetch, at the same time."""
QUIET_SECONDS = 5.0
"""For how long nothing is fetched after a failure."""
UNKNOWN_KEY_SECONDS = 60.0
"""After which one more fetch for an unknown key is allowed."""
UNKNOWN_KEY_BURST_FETCHES = 5
"""Fetches for unknown keys that are allowed at once, if there was none for as many of these periods."""
KEPT_AT_LEAST_SECONDS, KEPT_AT_MOST_SECONDS, KEPT_BY_DEFAULT_SECONDS = 300.0, 86_400.0, 3_600.0
"""The bounds that a `max-age` is brought within, and the default where there is none."""
STALE_IF_ERROR_SECONDS = 86_400.0
"""For how long certificates are used past their `max-age` while fetching fails (RFC 5861)."""

_SAFE_URL = re.compile(r"https://[^/\s]+(/\S*)?|http://(localhost|127\.0\.0\.1|\[::1\])(:\d+)?(/\S*)?")


class NoSuchKey(Struct, frozen=True):
    """The certificates are fresh, and there is no such key among them."""


class Unreachable(Struct, frozen=True):
    """Whether there is such a key is unknown: no fresh certificates could be fetched, or not yet."""


_NO_SUCH_KEY, _UNREACHABLE = NoSuchKey(), Unreachable()


class _Held(Struct, frozen=True):
    """What is known, and until when, on the keeper's clock."""

    certificates: dict[str, Certificate]
    fresh_until: float
    usable_until: float


def fetch_over_http(url: str, timeout: float) -> Fetched:
    """Fetch the certificates; see `taskhandler.auth.fetch`, which is imported with the first fetch."""
    from taskhandler.auth import fetch  # noqa: PLC0415 - `import taskhandler` must stay light

    return fetch.fetch_over_http(url, timeout)


class CertificateKeeper:
    """Keeps the certificates of one address for one process, for any number of threads.

    Nothing is fetched or started before the first `find`. A child process keeps what its parent knew.
    """

    _lock: threading.RLock
    _fetching: Fetch | None
    _waiting_slots: threading.Semaphore

    def __init__(
        self,
        url: str,
        *,
        clock: Callable[[], float],
        chance: Callable[[], float] = random,
        fetch: Callable[[str, float], Fetched] = fetch_over_http,
        spawn: Callable[[Callable[[], None]], None] = start_thread,
        shared_wait: float = SHARED_WAIT_SECONDS,
        starter_wait: float = STARTER_WAIT_SECONDS,
    ) -> None:
        """Keep the certificates found at `url`.

        Args:
            url: https, or http on a loopback address.
            clock: seconds, monotonic.
            chance: from 0 up to 1; spreads the refreshes of many processes over a tenth of `max-age`.
            fetch: takes the url and a time-out in seconds; raises OSError or ValueError.
            spawn: runs a function on a thread; raises RuntimeError when it cannot.
            shared_wait: seconds from the start of a fetch that callers wait for it while nothing is fresh.
            starter_wait: seconds that the caller who starts a fetch waits for it in any case.

        Raises:
            ConfigError: `url` is neither https nor on a loopback address, so anyone could forge the response.
        """
        if not _SAFE_URL.fullmatch(url):
            raise ConfigError(
                "TASKHANDLER_CERTS_URL", url, "must be an https URL, or http on a loopback address"
            )
        self._url, self._clock, self._chance, self._fetch, self._spawn = url, clock, chance, fetch, spawn
        self._shared_wait, self._starter_wait = shared_wait, starter_wait
        self._held = _Held({}, float("-inf"), float("-inf"))
        self._failing, self._quiet_until = False, float("-inf")
        self._budget = TokenBucket(burst=UNKNOWN_KEY_BURST_FETCHES, seconds=UNKNOWN_KEY_SECONDS)
        self._log = ThrottledLog(LOGGER, clock=clock)
        self._reset_for_this_process()
        call_in_child(self._reset_for_this_process)

    @property
    def certificates(self) -> dict[str, Certificate]:
        """All that were in the last response, however old. A key that stays is the same object."""
        return self._held.certificates

    def find(self, kid: str) -> Certificate | NoSuchKey | Unreachable:
        """Find the key with the id `kid`: at once if it is known, else within a bounded time."""
        held, now = self._held, self._clock()
        found = held.certificates.get(kid) if now < held.usable_until else None
        if found is None:
            self._wait(held, now)
            return self._look(kid, now)
        if now >= held.fresh_until:
            self._start(held, now)  # in the background: no caller waits for it
        return found

    def close(self) -> None:
        """Fetch no more: what is known stays known, and a fetch under way ends by its deadline."""
        with self._lock:
            self._quiet_until = float("inf")

    def _look(self, kid: str, now: float) -> Certificate | NoSuchKey | Unreachable:
        held = self._held
        found = held.certificates.get(kid) if now < held.usable_until else None
        if found is not None:
            return found
        return _NO_SUCH_KEY if now < held.fresh_until else _UNREACHABLE

    def _wait(self, held: _Held, now: float) -> None:
        """Start a fetch if it is time for one, and wait for it if this caller may."""
        is_fresh = now < held.fresh_until
        started = self._start(held, now, budget=self._budget if is_fresh else None)
        fetch, slots = self._fetching, self._waiting_slots
        if not is_fresh and not self._failing and fetch is not None and slots.acquire(blocking=False):
            try:
                fetch.over.wait(fetch.since + self._shared_wait - now)
            finally:
                slots.release()
        elif started is not None:
            started.over.wait(self._starter_wait)

    def _start(self, seen: _Held, now: float, *, budget: TokenBucket | None = None) -> Fetch | None:
        """Start a fetch; None if one is under way, not due yet, or no longer needed."""
        with self._lock:
            if self._fetching is not None or self._held is not seen or now < self._quiet_until:
                return None
            if budget is not None and not budget.take(now):
                return None
            self._fetching = fetch = Fetch(now, threading.Event())
            try:
                download = partial(self._fetch, self._url, FETCH_DEADLINE_SECONDS)
                self._spawn(partial(run_fetch, fetch, download, weakref.WeakMethod(self._conclude)))
            except RuntimeError:
                self._end(fetch, None)
            return fetch

    def _conclude(self, fetch: Fetch, answer: Fetched | str) -> None:
        held = None
        try:
            if isinstance(answer, Fetched):
                held = self._read(answer)
            else:
                self._warn_of_failed_fetch(answer)
        except (ValueError, RecursionError) as error:
            self._warn_of_failed_fetch(describe_fault(error))
        finally:  # even after an error, no caller is left waiting
            self._end(fetch, held)

    def _read(self, fetched: Fetched) -> _Held:
        published, known = read_certificates(fetched.body), self.certificates
        if published.unusable:
            self._warn(
                "%d of %d certificates cannot be used: not X.509, or not of an RSA key",
                published.unusable,
                published.unusable + len(published.certificates),
            )
        max_age = KEPT_BY_DEFAULT_SECONDS if fetched.max_age is None else fetched.max_age
        kept = min(max(max_age, KEPT_AT_LEAST_SECONDS), KEPT_AT_MOST_SECONDS) * (1 - 0.1 * self._chance())
        fresh_until = self._clock() + kept
        certificates = {
            kid: known[kid] if known.get(kid) == new else new for kid, new in published.certificates.items()
        }
        return _Held(certificates, fresh_until, fresh_until + STALE_IF_ERROR_SECONDS)

    def _end(self, fetch: Fetch, held: _Held | None) -> None:
        with self._lock:
            self._fetching, self._failing = None, held is None
            self._held = held or self._held
            if self._quiet_until < float("inf"):
                self._quiet_until = self._clock() + QUIET_SECONDS if held is None else float("-inf")
        fetch.over.set()

    def _warn_of_failed_fetch(self, fault: str) -> None:
        url = one_line(self._url, limit=FAULT_LIMIT_CHARACTERS)
        self._warn("could not fetch certificates from %s: %s", url, fault)

    def _warn(self, line: str, *about: object) -> None:
        self._log.warning(line, *about, cause=about)

    def _reset_for_this_process(self) -> None:
        """Forget what only the parent process has: its threads, and the locks that they may hold."""
        self._lock = threading.RLock()  # held while `spawn` is called, which may run the fetch at once
        self._waiting_slots = threading.Semaphore(MOST_WAITING_CALLERS)
        self._fetching = None
