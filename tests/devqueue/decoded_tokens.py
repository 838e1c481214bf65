"""Tokens decoded with google-auth."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from google.auth import jwt


def verified(token: str, certs: Mapping[str, str], audience: str, *, skew: int = 10) -> dict[str, Any]:
    """Return the claims of a token that google-auth accepts; `skew` in seconds."""
    claims = jwt.decode(token, certs=certs, audience=audience, clock_skew_in_seconds=skew)  # type: ignore[no-untyped-call]  # google-auth's has no types
    return dict(claims)


def claims_of(token: str) -> dict[str, Any]:
    """Return the claims of any token."""
    return dict(jwt.decode(token, verify=False))  # type: ignore[no-untyped-call]  # google-auth's has no types


def header_of(token: str) -> dict[str, Any]:
    """Return the header of any token."""
    return dict(jwt.decode_header(token))  # type: ignore[no-untyped-call]  # google-auth's has no types
