"""Tokens that google-auth accepts, and hostile ones that it does not."""

from __future__ import annotations

from typing import Any

import pytest
from google.auth import exceptions

from taskhandler.devqueue.faults import TokenFault
from taskhandler.devqueue.task import Oidc
from taskhandler.devqueue.tokens import TokenIssuer, new_key

from . import reading

NOW = 1_800_000_000.0
EMAIL, AUDIENCE = "tasks@shop.iam.gserviceaccount.com", "https://shop.example/tasks"
WHO = Oidc(EMAIL, AUDIENCE)
KEYS = [new_key(NOW) for _ in range(4)]


class Clock:
    def __init__(self) -> None:
        self.now = NOW

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def issuer(clock: Clock) -> TokenIssuer:
    keys = iter(KEYS)
    return TokenIssuer(now=clock, make_key=lambda _: next(keys))


def verified(token: str, issuer: TokenIssuer) -> dict[str, Any]:
    # the clock here is not the machine's; the times are looked at by themselves
    skew = 10**9
    return reading.verified(token, issuer.certificates(), AUDIENCE, skew=skew)


def test_google_auth_verifies_a_token_against_the_certificates(issuer: TokenIssuer):
    claims = verified(issuer.token(WHO), issuer)
    assert claims["iss"] == "https://accounts.google.com"
    assert (claims["email"], claims["email_verified"]) == (EMAIL, True)
    assert claims["sub"] == claims["azp"]
    assert claims["sub"].isdigit()
    assert (claims["iat"], claims["exp"]) == (NOW, NOW + 3600)
    assert "nbf" not in claims


def test_the_header_is_googles(issuer: TokenIssuer):
    header = reading.header_of(issuer.token(WHO))
    assert header == {"alg": "RS256", "kid": KEYS[0].kid, "typ": "JWT"}


def test_a_token_is_used_again_for_five_minutes(issuer: TokenIssuer, clock: Clock):
    first = issuer.authorization(WHO, None)
    clock.now += 299
    assert issuer.authorization(WHO, None) == first
    clock.now += 2
    assert issuer.authorization(WHO, None) != first


def test_another_audience_gets_another_token(issuer: TokenIssuer):
    assert issuer.authorization(WHO, None) != issuer.authorization(Oidc(EMAIL, "https://other.example"), None)


@pytest.mark.parametrize("fault", [TokenFault.WRONG_AUD, TokenFault.UNKNOWN_KEY, TokenFault.BAD_SIGNATURE])
def test_google_auth_refuses_these_tokens(issuer: TokenIssuer, fault: TokenFault):
    with pytest.raises(exceptions.GoogleAuthError):
        verified(issuer.token(WHO, fault=fault), issuer)


@pytest.mark.parametrize(
    ("fault", "claim", "value"),
    [
        (TokenFault.EXPIRED, "exp", NOW - 7200),
        (TokenFault.FUTURE, "iat", NOW + 7200),
        (TokenFault.WRONG_ISS, "iss", "https://issuer.example"),
        (TokenFault.WRONG_EMAIL, "email", "other@another-project.iam.gserviceaccount.com"),
    ],
)
def test_these_tokens_are_signed_and_wrong(issuer: TokenIssuer, fault: TokenFault, claim: str, value: object):
    assert verified(issuer.token(WHO, fault=fault), issuer)[claim] == value


def test_a_token_can_be_missing(issuer: TokenIssuer):
    assert issuer.authorization(WHO, TokenFault.NONE) is None


def test_an_unknown_key_has_an_unknown_id_and_a_bad_signature_a_known_one(issuer: TokenIssuer):
    strange = reading.header_of(issuer.token(WHO, fault=TokenFault.UNKNOWN_KEY))["kid"]
    forged = reading.header_of(issuer.token(WHO, fault=TokenFault.BAD_SIGNATURE))["kid"]
    assert strange not in issuer.certificates()
    assert forged in issuer.certificates()


def test_any_claim_can_be_changed_or_taken_out(issuer: TokenIssuer):
    claims = verified(issuer.token(WHO, claims={"email_verified": None, "sub": ..., "hd": "x"}), issuer)
    assert (claims["email_verified"], claims["hd"], "sub" in claims) == (None, "x", False)


def test_after_a_rotation_old_tokens_verify_until_the_next_one(issuer: TokenIssuer):
    old = issuer.authorization(WHO, None)
    kid = issuer.rotate()
    assert old is not None
    assert issuer.authorization(WHO, None) != old
    assert set(issuer.certificates()) == {KEYS[0].kid, kid}
    verified(old.removeprefix("Bearer "), issuer)
    issuer.rotate()
    assert KEYS[0].kid not in issuer.certificates()
