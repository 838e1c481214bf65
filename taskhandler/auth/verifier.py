"""Who is calling: is this the OIDC token of one of our service accounts, and meant for us?

What needs no certificate is checked first. Reasons are constant phrases: the messages of google-auth repeat
the token, and are dropped.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from functools import cache
from typing import Protocol

from msgspec import Struct

from taskhandler.auth.certificates import CertificateKeeper, NoSuchKey, Unreachable
from taskhandler.auth.fetch_response import Certificate
from taskhandler.auth.token import (
    CLOCK_SKEW_SECONDS,
    LONGEST_CREDENTIAL_CHARACTERS,
    Refused,
    Token,
    read_token,
)
from taskhandler.config.settings import ISSUERS
from taskhandler.throttled_log import ThrottledLog

LOGGER = logging.getLogger("taskhandler.auth")

SIGNATURE_REMOVED = "SIGNATURE_REMOVED_BY_GOOGLE"
"""What Cloud Run replaces a signature with (Cloud Run troubleshooting page)."""
REMEMBERED_SECONDS = 60.0
"""After which a remembered token is checked again: its key is looked up, old certificates are refreshed."""
_SCHEME = "Bearer "


class Caller(Struct, frozen=True):
    """One of the configured service accounts; the e-mail is empty where tokens are not checked."""

    email: str


class Unverifiable(Struct, frozen=True):
    """There are no certificates to verify the token with. `why` is a constant phrase."""

    why: str


Answer = Caller | Refused | Unverifiable
_NO_STACK = Refused("unauthenticated", "the call stack is too deep to verify a token")


class Verifier(Protocol):
    """Says who is calling."""

    def verify(self, authorization: str | None, *, allowed: frozenset[str] | None = None) -> Answer:
        """Say who sent the `Authorization` header, or why that is unknown. Never raises.

        Args:
            authorization: the value of the header (of several: joined by commas), or None.
            allowed: e-mail addresses, which narrow the configured accounts; None for all of these.
        """
        ...


class TokenPolicy(Struct, frozen=True):
    """Which tokens are accepted: each claim must be in its set exactly; an empty set accepts none."""

    audiences: frozenset[str]
    accounts: frozenset[str]
    issuers: frozenset[str] = frozenset(ISSUERS)


class OIDCVerifier:
    """Checks everything with google-auth and Google's certificates, and remembers the valid tokens."""

    def __init__(
        self,
        policy: TokenPolicy,
        keeper: CertificateKeeper,
        *,
        now: Callable[[], float],
        clock: Callable[[], float] = time.monotonic,
        remembered: int = 1_024,
    ) -> None:
        """Apply `policy` with the certificates of `keeper`.

        Args:
            policy: which tokens are accepted.
            keeper: keeps the certificates.
            now: seconds since 1970. google-auth uses the system's own clock as well.
            clock: seconds, monotonic; limits how often a warning is logged.
            remembered: how many valid tokens are remembered, at most.
        """
        self._policy, self._keeper, self._now = policy, keeper, now
        self._log = ThrottledLog(LOGGER, clock=clock)
        self._good = _GoodTokens(remembered)

    def verify(self, authorization: str | None, *, allowed: frozenset[str] | None = None) -> Answer:
        """See `Verifier`. A token seen before costs about half a microsecond."""
        given = authorization or ""
        try:
            good = self._good.get(given)
            if good is not None and good.certificate is self._keeper.certificates.get(good.kid):
                answer = good.caller if self._now() < good.until else self._examine(given)
            else:
                answer = self._examine(given)
            return answer if allowed is None else _narrow(allowed, answer)
        except (
            RecursionError
        ):  # the stack was nearly full before: no token that is parsed is nested so deeply
            return _NO_STACK

    def _examine(self, authorization: str) -> Answer:
        if (
            authorization.endswith("." + SIGNATURE_REMOVED)
            and len(authorization) <= LONGEST_CREDENTIAL_CHARACTERS
        ):
            return self._warn_of_removed_signature()
        token = _read(authorization, self._policy, self._now())
        if isinstance(token, Refused):
            return token
        certificate, key = self._keeper.find(token.kid), f"{_SCHEME}{token.text}"
        known = self._good.get(key)
        if known is not None and known.certificate is self._keeper.certificates.get(token.kid):
            return self._remember(key, known.caller, token, known.certificate)
        if isinstance(certificate, Unreachable):
            return Unverifiable("Google's certificates cannot be fetched")
        if isinstance(certificate, NoSuchKey):
            return Refused("unauthenticated", "the token is signed with an unknown key")
        if not _is_signed(token, certificate, self._policy):
            return Refused("unauthenticated", "google-auth rejected the token's signature or its times")
        caller = Caller(token.email)
        answer = _narrow(self._policy.accounts, caller)
        return self._remember(key, caller, token, certificate) if answer is caller else answer

    def _remember(self, key: str, caller: Caller, token: Token, certificate: Certificate) -> Caller:
        until = min(token.exp + CLOCK_SKEW_SECONDS, self._now() + REMEMBERED_SECONDS)
        self._good.keep(key, _Good(caller, until, token.kid, certificate))
        return caller

    def _warn_of_removed_signature(self) -> Refused:
        self._log.warning(
            "a token came without its signature. If this service requires authentication, Cloud Run has "
            'checked the signature and removed it: set TASKHANDLER_AUTH = "cloud-run". If the service allows '
            "unauthenticated requests, the token is forged"
        )
        return Refused("unauthenticated", "Google has removed the token's signature")


class PlatformVerifier:
    """Checks only the claims: for a platform that has checked the signature, and perhaps removed it."""

    def __init__(self, policy: TokenPolicy, *, now: Callable[[], float]) -> None:
        """Apply `policy`; `now` returns the seconds since 1970."""
        self._policy, self._now = policy, now

    def verify(self, authorization: str | None, *, allowed: frozenset[str] | None = None) -> Answer:
        """See `Verifier`."""
        try:
            token = _read(authorization or "", self._policy, self._now())
            if isinstance(token, Refused):
                return token
            answer = _narrow(self._policy.accounts, Caller(token.email))
            return answer if allowed is None else _narrow(allowed, answer)
        except RecursionError:  # as above
            return _NO_STACK


class NoVerifier:
    """Accepts every caller, without a name. For local development and tests."""

    def verify(self, authorization: str | None, *, allowed: frozenset[str] | None = None) -> Answer:  # noqa: ARG002 - as in `Verifier`
        """See `Verifier`."""
        return Caller("")


class _Good(Struct, frozen=True):
    """A token that was verified: whose it is, until when it need not be checked again, and its key."""

    caller: Caller
    until: float
    kid: str
    certificate: Certificate


class _GoodTokens:
    """The tokens verified last, in two generations: a full one replaces the older one.

    Forgetting a whole generation needs no lock and no order of use. The keys are whole headers, in the form
    that nearly all of them have already: cutting off the scheme would copy and hash each one again.
    """

    def __init__(self, limit: int) -> None:
        self._half = limit // 2
        self._young: dict[str, _Good] = {}
        self._old: dict[str, _Good] = {}

    def get(self, key: str) -> _Good | None:
        return self._young.get(key) or self._old.get(key)

    def keep(self, key: str, good: _Good) -> None:
        if len(self._young) >= self._half and key not in self._young:
            self._old, self._young = self._young, {}
        self._young[key] = good


def _read(authorization: str, policy: TokenPolicy, now: float) -> Token | Refused:
    return read_token(authorization, audiences=policy.audiences, issuers=policy.issuers, now=now)


def _is_signed(token: Token, certificate: Certificate, policy: TokenPolicy) -> bool:
    certs, audience = {certificate.kid: certificate.public_key}, list(policy.audiences)
    try:
        _load_jwt_decode()(
            token.text, certs=certs, audience=audience, clock_skew_in_seconds=CLOCK_SKEW_SECONDS
        )
    except ValueError:  # the root of all errors that it raises about such a token
        return False
    return True


@cache
def _load_jwt_decode() -> Callable[..., object]:
    from google.auth import jwt  # noqa: PLC0415 - `import taskhandler` must stay light

    return jwt.decode


def _narrow(accounts: frozenset[str], answer: Answer) -> Answer:
    if isinstance(answer, Caller) and answer.email not in accounts:
        return Refused("forbidden", "the token is of an account that is not allowed")
    return answer
