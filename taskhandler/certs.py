"""Google's certificates: fetched when first needed, kept while fresh, lent on while Google is away.

A fetch is a *flight*: there is one at a time, on a thread of its own, and callers wait for it only when
they cannot go on without it. What is known stands in one frozen value that a landing flight replaces, so
finding a known key takes no lock.
"""

from __future__ import annotations

import json
import logging
import os
import re
import threading
import weakref
from collections.abc import Callable
from functools import partial
from random import random

from msgspec import Struct
from msgspec.structs import replace

from taskhandler.errors import ConfigError

FETCH_TIMEOUT = 4.0
"""Seconds that a fetch may wait for the network, at each step."""
GIVEN_UP = 20.0
"""Seconds after which a flight that has not landed counts as lost, and another may start."""
QUIET = 5.0
"""Seconds for which nothing is fetched after a failure."""
STRANGERS = 60.0
"""Seconds between two fetches for the sake of a key id that is not known."""
KEPT_AT_LEAST, KEPT_AT_MOST, KEPT_UNTOLD = 300.0, 86_400.0, 3_600.0
"""Bounds in seconds of the `max-age` that is believed, and what stands in for a missing one."""
STALE_FOR = 86_400.0
"""Seconds for which certificates past their `max-age` are used while no others can be had."""
LARGEST = 262_144
"""Bytes of the longest answer that is read; Google's has about 3,000."""

_SAFE_URL = re.compile(r"https://[^/\s]+(/\S*)?|http://(localhost|127\.0\.0\.1|\[::1\])(:\d+)?(/\S*)?")
_MAX_AGE = re.compile(r"(?:^|[\s,])max-age=\"?(\d{1,9})", re.IGNORECASE)
_log = logging.getLogger(__name__)


class Fetched(Struct, frozen=True):
    """What came from the network: the body, and the `max-age` in seconds where there was one."""

    body: bytes
    max_age: float | None = None


class Certificate(Struct, frozen=True):
    """A key that Google signs with: its id, and the public key in PEM, parsed out of the x509 once.

    A PEM public key is what `google.auth.jwt.decode` also takes, and reads in half the time.
    """

    kid: str
    public_key: bytes


class NoSuchKey(Struct, frozen=True):
    """Google, asked within the last minute or so, has no such key."""


class Unreachable(Struct, frozen=True):
    """It cannot be said whether there is such a key: no certificates can be had."""


_NO_SUCH_KEY, _UNREACHABLE = NoSuchKey(), Unreachable()


class _Held(Struct, frozen=True):
    """What is known, until when (on the keeper's clock), and whether the last flight came to nothing."""

    certificates: dict[str, Certificate]
    fresh_until: float
    usable_until: float
    failing: bool


class _Flight(Struct, eq=False):
    """A fetch that is under way."""

    begun: float
    landed: threading.Event


def fetch_over_http(url: str, timeout: float) -> Fetched:
    """Fetch the certificates: no redirects, no more than `LARGEST` bytes.

    Args:
        url: https, or http on a loopback address.
        timeout: seconds, for each step on the network.

    Raises:
        OSError: nothing was fetched, or the status says so.
        ValueError: the answer is too long.
    """
    import http.client  # noqa: PLC0415 - `import taskhandler` must stay light
    import urllib.request  # noqa: PLC0415 - the same

    class Stay(urllib.request.HTTPRedirectHandler):
        def redirect_request(self, *_: object, **__: object) -> None:
            return None

    proxies = urllib.request.getproxies() if url.startswith("https:") else {}
    opener = urllib.request.build_opener(Stay, urllib.request.ProxyHandler(proxies))
    try:
        with opener.open(url, timeout=timeout) as answer:
            body: bytes = answer.read(LARGEST + 1)
            control: str = answer.headers.get("Cache-Control", "")
    except http.client.HTTPException as error:
        raise OSError("the answer is not HTTP") from error
    if len(body) > LARGEST:
        raise ValueError(f"the answer is longer than {LARGEST} bytes")
    told = _MAX_AGE.search(control)
    return Fetched(body, float(told[1]) if told else None)


def start_thread(act: Callable[[], None]) -> None:
    """Run `act` beside us, on a daemon thread.

    Raises:
        RuntimeError: there is no thread to be had.
    """
    threading.Thread(target=act, name="taskhandler-certs", daemon=True).start()


class CertificateKeeper:
    """Keeps the certificates of one address for one process, for any number of threads.

    Nothing is fetched or started before the first `find`. A child process keeps what its parent knew.
    """

    _lock: threading.RLock
    _flight: _Flight | None

    def __init__(
        self,
        url: str,
        *,
        clock: Callable[[], float],
        chance: Callable[[], float] = random,
        fetch: Callable[[str, float], Fetched] = fetch_over_http,
        spawn: Callable[[Callable[[], None]], None] = start_thread,
        patience: float = 5.0,
    ) -> None:
        """Keep the certificates found at `url`.

        Args:
            url: https, or http on a loopback address.
            clock: seconds, monotonic.
            chance: from 0 up to 1; spreads the refreshes of many processes over a tenth of `max-age`.
            fetch: takes the url and a time-out in seconds; raises OSError or ValueError.
            spawn: runs a function beside us; raises RuntimeError when it cannot.
            patience: seconds that a caller waits for a flight, whatever became of it.

        Raises:
            ConfigError: certificates must not come over a wire that anybody can write on.
        """
        if not _SAFE_URL.fullmatch(url):
            raise ConfigError("TASKHANDLER_CERTS_URL", url, "https, or http on a loopback address, is wanted")
        self._url, self._clock, self._chance, self._fetch, self._spawn = url, clock, chance, fetch, spawn
        self._patience = patience
        self._held = _Held({}, float("-inf"), float("-inf"), failing=True)
        self._quiet_until = self._strangers_from = float("-inf")
        self._leave_parent()
        _leave_parent_after_fork(self)

    def find(self, kid: str) -> Certificate | NoSuchKey | Unreachable:
        """Find the key called `kid`. Takes at most `patience` seconds, and next to none for a known key."""
        held = self._held
        now = self._clock()
        if now >= held.usable_until:
            return self._await(self._fly(held, now), kid, now)
        if now >= held.fresh_until:
            self._fly(held, now)  # nobody waits for this one
        found = held.certificates.get(kid)
        return self._await(self._fly_for_a_stranger(held, now), kid, now) if found is None else found

    def _await(self, flight: _Flight | None, kid: str, now: float) -> Certificate | NoSuchKey | Unreachable:
        """Look again when the flight, if there is one, has landed."""
        if flight is not None and not flight.landed.wait(self._patience):
            return _UNREACHABLE
        held = self._held
        found = held.certificates.get(kid)
        if now >= held.usable_until or (found is None and held.failing):
            return _UNREACHABLE
        return _NO_SUCH_KEY if found is None else found

    def _fly_for_a_stranger(self, seen: _Held, now: float) -> _Flight | None:
        """Join the flight that is under way, or start one if the last for a stranger is long ago."""
        with self._lock:
            if self._flight is None and now < self._strangers_from:
                return None
            self._strangers_from = now + STRANGERS
            return self._fly(seen, now)

    def _fly(self, seen: _Held, now: float) -> _Flight | None:
        """Join the flight that is under way, or start one; None if it is not the time, or no more needed."""
        with self._lock:
            if self._flight is not None and now < self._flight.begun + GIVEN_UP:
                return self._flight
            if self._held is not seen or now < self._quiet_until:
                return None
            self._flight = flight = _Flight(now, threading.Event())
            try:
                self._spawn(partial(self._pilot, flight))
            except RuntimeError:
                self._land(flight, None)
            return flight

    def _pilot(self, flight: _Flight) -> None:
        held = None
        try:
            held = self._brought(self._fetch(self._url, FETCH_TIMEOUT))
        except (OSError, ValueError, RecursionError) as error:
            _log.warning(
                "certificates could not be had from %s: %s: %s", self._url, type(error).__name__, error
            )
        finally:  # whatever happened, nobody is left waiting
            self._land(flight, held)

    def _brought(self, fetched: Fetched) -> _Held:
        certificates = _certificates(fetched.body)
        told = KEPT_UNTOLD if fetched.max_age is None else fetched.max_age
        kept = min(max(told, KEPT_AT_LEAST), KEPT_AT_MOST) * (1 - 0.1 * self._chance())
        fresh_until = self._clock() + kept
        return _Held(certificates, fresh_until, fresh_until + STALE_FOR, failing=False)

    def _land(self, flight: _Flight, held: _Held | None) -> None:
        with self._lock:
            if self._flight is flight:  # else it was given up, and what it brings may be old
                self._flight = None
                self._held = replace(self._held, failing=True) if held is None else held
                self._quiet_until = self._clock() + QUIET if held is None else float("-inf")
        flight.landed.set()

    def _leave_parent(self) -> None:
        """Forget what only the parent process has: its threads, and a lock that one of them may hold."""
        self._lock = threading.RLock()
        self._flight = None


def _leave_parent_after_fork(keeper: CertificateKeeper) -> None:
    known = weakref.ref(keeper)  # a hook cannot be taken back; it must not keep the keeper alive

    def leave() -> None:  # pragma: no cover - runs in a child of the test's own process, where nobody counts
        keeper = known()
        if keeper is not None:
            keeper._leave_parent()  # noqa: SLF001 - the same file's own

    os.register_at_fork(after_in_child=leave)


def _certificates(body: bytes) -> dict[str, Certificate]:
    """Read Google's answer.

    Raises:
        ValueError: there is no certificate in it that can be used.
    """
    answer = json.loads(body)
    if not isinstance(answer, dict):
        raise ValueError("the answer is not a JSON object")  # noqa: TRY004 - a stranger's mistake, not ours
    read = {kid: _certificate(kid, pem) for kid, pem in answer.items()}
    found = {kid: certificate for kid, certificate in read.items() if certificate is not None}
    if len(found) < len(read):
        _log.warning("%d of %d certificates cannot be used", len(read) - len(found), len(read))
    if not found:
        raise ValueError("the answer holds no x509 certificate of an RSA key")
    return found


def _certificate(kid: str, pem: object) -> Certificate | None:
    from cryptography import exceptions, x509  # noqa: PLC0415 - `import taskhandler` must stay light
    from cryptography.hazmat.primitives import serialization  # noqa: PLC0415 - the same
    from cryptography.hazmat.primitives.asymmetric import rsa  # noqa: PLC0415 - the same

    try:
        key = x509.load_pem_x509_certificate(str(pem).encode()).public_key()
    except (ValueError, exceptions.UnsupportedAlgorithm, x509.InvalidVersion):
        return None
    if not isinstance(key, rsa.RSAPublicKey):
        return None
    form = serialization.PublicFormat.PKCS1
    return Certificate(kid, key.public_bytes(serialization.Encoding.PEM, form))
