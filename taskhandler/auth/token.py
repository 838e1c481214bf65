"""What a well-formed token is: all checks of it that need neither a key nor the network.

The cheapest checks come first: length, shape, base64url, JSON, times, names. The reasons are constant
phrases that repeat nothing of the token.
"""

from __future__ import annotations

import json
import re
from binascii import a2b_base64
from collections.abc import Collection
from functools import lru_cache
from typing import Any, Literal

from msgspec import Struct

CLOCK_SKEW_SECONDS = 60
"""By which Google's clock and ours may differ."""
LONGEST_LIFETIME_SECONDS = 86_400
"""From `iat` to `exp`; Google's tokens live for 3,600."""
LONGEST_CREDENTIAL_CHARACTERS = 4_096
"""Of an `Authorization` header that is read; Google's have about 900."""
MOST_BRACKETS = 64
"""Objects and lists in one segment; bounds how deep they can be nested. Google's have one to three."""

_CREDENTIAL = re.compile(r"(?i:bearer) +(([\w-]+)\.([\w-]+)\.([\w-]+))", re.ASCII)
_TO_BASE64 = bytes.maketrans(b"-_", b"+/")
_LAST_CHARACTERS = (
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_",
    "",  # no bytes are encoded in 4n + 1 characters
    "AQgw",  # the last four bits are padding
    "AEIMQUYcgkosw048",  # the last two bits are padding
)


class Refused(Struct, frozen=True):
    """The caller is refused.

    Attributes:
        status_word: `unauthenticated`, or `forbidden` for a good token of another account.
        why: a constant phrase, safe to log; not for the caller.
    """

    status_word: Literal["unauthenticated", "forbidden"]
    why: str


class Token(Struct, frozen=True):
    """A token that is valid, but for its signature and its account, which are not checked yet.

    Attributes:
        text: the three segments, without the scheme before them.
        kid: the id of the key that it claims to be signed with.
        exp: when it expires, in seconds since 1970.
        email: the account that it claims to be of.
    """

    text: str
    kid: str
    exp: int
    email: str


def read_token(
    authorization: str, *, audiences: Collection[str], issuers: Collection[str], now: float
) -> Token | Refused:
    """Check everything that needs neither a key nor the network.

    Args:
        authorization: the value of the header; of several, joined by commas.
        audiences: of which `aud` must be one exactly.
        issuers: of which `iss` must be one exactly.
        now: seconds since 1970.
    """
    if not authorization:
        return _refuse("there is no Authorization header")
    shape = (
        _CREDENTIAL.fullmatch(authorization) if len(authorization) <= LONGEST_CREDENTIAL_CHARACTERS else None
    )
    if shape is None:
        return _refuse("the Authorization header is not one Bearer token of a plausible length")
    text, header, payload, signature = shape.groups()
    if not (_is_canonical(header) and _is_canonical(payload) and _is_canonical(signature)):
        return _refuse("the token is not canonical base64url")
    kid, claims = _read_key_id(header), _decode_object(payload)
    if isinstance(kid, Refused):
        return kid
    if claims is None:
        return _refuse("the token's claims are not a plain JSON object")
    fault = _find_fault_in_times(claims, now) or _find_fault_in_names(claims, audiences, issuers)
    return Token(text, kid, claims["exp"], claims["email"]) if fault is None else _refuse(fault)


def _refuse(why: str) -> Refused:
    return Refused("unauthenticated", why)


def _is_canonical(segment: str) -> bool:
    return segment[-1] in _LAST_CHARACTERS[len(segment) % 4]


@lru_cache(maxsize=64)  # the tokens of one key have one header
def _read_key_id(segment: str) -> str | Refused:
    header = _decode_object(segment)
    if header is None or header.get("alg") != "RS256":
        return _refuse("the token is not signed with RS256")
    if header.get("typ", "JWT") != "JWT" or not header.keys().isdisjoint(("crit", "cty", "b64")):
        return _refuse("the token is not a plain JWT")
    kid = header.get("kid")
    return kid if kid and isinstance(kid, str) else _refuse("the token names no key")


def _decode_object(segment: str) -> dict[str, Any] | None:
    try:
        text = a2b_base64(segment.encode().translate(_TO_BASE64) + b"==").decode()
        if text.count("{") + text.count("[") > MOST_BRACKETS:
            return None
        found, end = _JSON.raw_decode(text)
    except ValueError:
        return None
    return found if isinstance(found, dict) and end == len(text) else None


def _refuse_duplicates(pairs: list[tuple[str, object]]) -> dict[str, object]:
    found = dict(pairs)
    if len(found) < len(pairs):
        raise ValueError("duplicate key")
    return found


def _refuse_constant(name: str) -> object:
    raise ValueError(name)


_JSON = json.JSONDecoder(object_pairs_hook=_refuse_duplicates, parse_constant=_refuse_constant)


def _find_fault_in_times(claims: dict[str, Any], now: float) -> str | None:
    iat, exp = claims.get("iat"), claims.get("exp")
    nbf = claims.get("nbf", iat)
    if type(iat) is not int or type(exp) is not int or type(nbf) is not int:
        return "the token's times are not integers"
    if not 0 < exp - iat <= LONGEST_LIFETIME_SECONDS:
        return "the token's lifetime is not plausible"
    if max(iat, nbf) > now + CLOCK_SKEW_SECONDS:
        return "the token is not valid yet"
    return "the token has expired" if exp < now - CLOCK_SKEW_SECONDS else None


def _find_fault_in_names(
    claims: dict[str, Any], audiences: Collection[str], issuers: Collection[str]
) -> str | None:
    iss, aud = claims.get("iss"), claims.get("aud")
    if not isinstance(iss, str) or iss not in issuers:
        return "the token is of another issuer"
    if not isinstance(aud, str) or aud not in audiences:
        return "the token is for another audience"
    verified = claims.get("email_verified") is True and isinstance(claims.get("email"), str)
    return None if verified else "the token has no verified e-mail address"
