"""Who is calling: is this the OIDC token of one of our service accounts, and meant for us?

What costs nothing is checked before a certificate is asked for. Reasons are constant phrases: the messages
of google-auth repeat the token, and are dropped.
"""

from __future__ import annotations

import json
import logging
import re
from binascii import a2b_base64
from collections.abc import Callable
from functools import cache, lru_cache
from typing import Any, Literal, Protocol

from msgspec import Struct

from taskhandler.certs import Certificate, CertificateKeeper, NoSuchKey, Unreachable
from taskhandler.config import ISSUERS

TOLERANCE = 60
"""Seconds that Google's clock and ours may differ."""
LONGEST_LIFE = 86_400
"""Seconds from `iat` to `exp`; Google's tokens live for 3,600."""
LONGEST = 8_192
"""Characters of the longest `Authorization` that is looked at; Google's have about 900."""
MOST_BRACKETS = 64
"""Objects and lists in one segment; bounds how deep they can be nested. Google's have one to three."""
SIGNATURE_REMOVED = "SIGNATURE_REMOVED_BY_GOOGLE"
"""What Cloud Run puts in the place of a signature (Cloud Run troubleshooting page)."""

_CREDENTIAL = re.compile(r"(?i:bearer) +(([\w-]+)\.([\w-]+)\.([\w-]+))", re.ASCII)
_TO_BASE64 = bytes.maketrans(b"-_", b"+/")
_LAST_CHARACTERS = (
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_",
    "",  # no bytes are spelt with 4n + 1 characters
    "AQgw",  # the last four bits are padding
    "AEIMQUYcgkosw048",  # the last two bits are padding
)
_LOG_EVERY = 60  # seconds; a token without its signature comes as often as tasks do
_log = logging.getLogger(__name__)


class Caller(Struct, frozen=True):
    """One of the configured service accounts; the e-mail is empty where nobody checks."""

    email: str


class Refused(Struct, frozen=True):
    """The caller's fault.

    Attributes:
        status_word: `unauthenticated`, or `forbidden` for a good token of the wrong account.
        why: a constant phrase, safe to log; not for the caller.
    """

    status_word: Literal["unauthenticated", "forbidden"]
    why: str


class Unverifiable(Struct, frozen=True):
    """Our fault: the certificates cannot be had. `why` is a constant phrase."""

    why: str


Answer = Caller | Refused | Unverifiable
_NO_STACK = Refused("unauthenticated", "the stack has no room left to look")


class Verifies(Protocol):
    """Tells who is calling."""

    def verify(self, authorization: str | None, *, allowed: frozenset[str] | None = None) -> Answer:
        """Tell who sent the `Authorization` header, or why that cannot be told. Never raises.

        Args:
            authorization: the value of the header (of several: joined by commas), or None.
            allowed: e-mails; narrows the configured accounts. None leaves them as they are.
        """
        ...


class Rules(Struct, frozen=True):
    """Whose tokens are good: each claim must be in its set, to the letter; an empty set refuses all."""

    audiences: frozenset[str]
    accounts: frozenset[str]
    issuers: frozenset[str] = frozenset(ISSUERS)


class Verifier:
    """Checks everything, by google-auth and Google's certificates, and remembers the good tokens."""

    def __init__(
        self, rules: Rules, keeper: CertificateKeeper, *, now: Callable[[], float], remembered: int = 1_024
    ) -> None:
        """Apply `rules` with the certificates of `keeper`; `remembered` bounds how many tokens are.

        `now` tells the seconds since 1970. google-auth looks at the system's clock besides.
        """
        self._rules, self._keeper, self._now, self._logged = rules, keeper, now, float("-inf")
        self._good = _GoodTokens(remembered)  # by the whole text: SHA-256 would take five times as long

    def verify(self, authorization: str | None, *, allowed: frozenset[str] | None = None) -> Answer:
        """See `Verifies`. A token seen before costs about a microsecond."""
        given = authorization or ""
        try:
            good = self._good.get(given)
            answer = good[0] if good and self._now() <= good[1] else self._examine(given)
            return answer if allowed is None else _among(allowed, answer)
        except RecursionError:  # our own stack is at its end: no token that is parsed is nested so deeply
            return _NO_STACK

    def _examine(self, authorization: str) -> Answer:
        if authorization.endswith("." + SIGNATURE_REMOVED):
            return self._tell_of_removal()
        token = _read(authorization, self._rules, self._now())
        if isinstance(token, Refused):
            return token
        certificate = self._keeper.find(token.kid)
        if isinstance(certificate, Unreachable):
            return Unverifiable("no certificates can be had")
        if isinstance(certificate, NoSuchKey):
            return Refused("unauthenticated", "there is no such key")
        if not _is_signed(token, certificate, self._rules):
            return Refused("unauthenticated", "google-auth refuses the signature or the times")
        answer = _among(self._rules.accounts, token.caller)
        if answer is token.caller:
            self._good.keep(authorization, (token.caller, token.exp + TOLERANCE))
        return answer

    def _tell_of_removal(self) -> Refused:
        now = self._now()
        if abs(now - self._logged) >= _LOG_EVERY:
            self._logged = now
            _log.warning(
                "a token came without its signature. If IAM decides who reaches this service, Cloud Run has "
                'checked and removed it: set TASKHANDLER_AUTH = "cloud-run". If anybody can, it is forged'
            )
        return Refused("unauthenticated", "the signature was removed by Google")


class PlatformVerifier:
    """Checks only the claims. For behind a platform that has checked, and perhaps removed, the signature."""

    def __init__(self, rules: Rules, *, now: Callable[[], float]) -> None:
        """Apply `rules`; `now` tells the seconds since 1970."""
        self._rules, self._now = rules, now

    def verify(self, authorization: str | None, *, allowed: frozenset[str] | None = None) -> Answer:
        """See `Verifies`."""
        try:
            token = _read(authorization or "", self._rules, self._now())
            answer = token if isinstance(token, Refused) else _among(self._rules.accounts, token.caller)
            return answer if allowed is None else _among(allowed, answer)
        except RecursionError:  # of our own stack, as above
            return _NO_STACK


class NoVerifier:
    """Lets everybody in, nameless. For desks and tests."""

    def verify(self, authorization: str | None, *, allowed: frozenset[str] | None = None) -> Answer:  # noqa: ARG002 - as in `Verifies`
        """See `Verifies`."""
        return Caller("")


class _Token(Struct, frozen=True):
    """A token in which everything but the signature and the account is as it should be."""

    text: str
    kid: str
    exp: int
    caller: Caller


class _GoodTokens:
    """The last so many, in two generations: to forget one of them whole takes neither lock nor order."""

    def __init__(self, limit: int) -> None:
        self._half = limit // 2
        self._young: dict[str, tuple[Caller, int]] = {}
        self._old: dict[str, tuple[Caller, int]] = {}

    def get(self, key: str) -> tuple[Caller, int] | None:
        return self._young.get(key) or self._old.get(key)

    def keep(self, key: str, good: tuple[Caller, int]) -> None:
        if len(self._young) >= self._half:
            self._old, self._young = self._young, {}
        self._young[key] = good


def _read(authorization: str, rules: Rules, now: float) -> _Token | Refused:
    """Check everything that takes neither a key nor the network."""
    if not authorization:
        return Refused("unauthenticated", "there is no Authorization")
    shape = _CREDENTIAL.fullmatch(authorization) if len(authorization) <= LONGEST else None
    if shape is None:
        return Refused("unauthenticated", "not one Bearer token of a credible length")
    text, header, payload, signature = shape.groups()
    if not (_is_canonical(header) and _is_canonical(payload) and _is_canonical(signature)):
        return Refused("unauthenticated", "not canonical base64url")
    kid, claims = _key_named_in(header), _json_object(payload)
    if isinstance(kid, Refused):
        return kid
    if claims is None:
        return Refused("unauthenticated", "the claims are not a plain JSON object")
    fault = _fault_in_times(claims, now) or _fault_in_names(claims, rules)
    if fault is not None:
        return Refused("unauthenticated", fault)
    return _Token(text, kid, claims["exp"], Caller(claims["email"]))


def _is_canonical(segment: str) -> bool:
    return segment[-1] in _LAST_CHARACTERS[len(segment) % 4]


@lru_cache(maxsize=64)  # the tokens of one key have one header
def _key_named_in(segment: str) -> str | Refused:
    header = _json_object(segment)
    if header is None or header.get("alg") != "RS256":
        return Refused("unauthenticated", "the header is not that of a token signed with RS256")
    if header.get("typ", "JWT") != "JWT" or not header.keys().isdisjoint(("crit", "cty", "b64")):
        return Refused("unauthenticated", "not a plain JWT")
    kid = header.get("kid")
    return kid if kid and isinstance(kid, str) else Refused("unauthenticated", "no key is named")


def _json_object(segment: str) -> dict[str, Any] | None:
    try:
        text = a2b_base64(segment.encode().translate(_TO_BASE64) + b"==").decode()
        if text.count("{") + text.count("[") > MOST_BRACKETS:
            return None
        found, end = _JSON.raw_decode(text)
    except ValueError:
        return None
    return found if isinstance(found, dict) and end == len(text) else None


def _one_each(pairs: list[tuple[str, object]]) -> dict[str, object]:
    found = dict(pairs)
    if len(found) < len(pairs):
        raise ValueError(pairs)
    return found


def _refuse_constant(name: str) -> object:
    raise ValueError(name)


_JSON = json.JSONDecoder(object_pairs_hook=_one_each, parse_constant=_refuse_constant)


def _fault_in_times(claims: dict[str, Any], now: float) -> str | None:
    iat, exp = claims.get("iat"), claims.get("exp")
    nbf = claims.get("nbf", iat)
    if type(iat) is not int or type(exp) is not int or type(nbf) is not int:
        return "the times are not whole numbers"
    if not 0 < exp - iat <= LONGEST_LIFE:
        return "the lifetime is not credible"
    if max(iat, nbf) > now + TOLERANCE:
        return "not valid yet"
    return "expired" if exp < now - TOLERANCE else None


def _fault_in_names(claims: dict[str, Any], rules: Rules) -> str | None:
    iss, aud = claims.get("iss"), claims.get("aud")
    if not isinstance(iss, str) or iss not in rules.issuers:
        return "another issuer"
    if not isinstance(aud, str) or aud not in rules.audiences:
        return "another audience"
    verified = claims.get("email_verified") is True and isinstance(claims.get("email"), str)
    return None if verified else "no verified e-mail"


def _is_signed(token: _Token, certificate: Certificate, rules: Rules) -> bool:
    certs, audience = {certificate.kid: certificate.public_key}, list(rules.audiences)
    try:
        _jwt_decode()(token.text, certs=certs, audience=audience, clock_skew_in_seconds=TOLERANCE)
    except ValueError:  # the root of all that it raises about what has come this far
        return False
    return True


@cache
def _jwt_decode() -> Callable[..., object]:
    from google.auth import jwt  # noqa: PLC0415 - `import taskhandler` must stay light

    return jwt.decode


def _among(accounts: frozenset[str], answer: Answer) -> Answer:
    if isinstance(answer, Caller) and answer.email not in accounts:
        return Refused("forbidden", "another account")
    return answer
