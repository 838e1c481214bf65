"""Tokens that google-auth accepts, and hostile ones that it does not."""

from __future__ import annotations

from typing import Any

import pytest
from google.auth import exceptions

from taskhandler.devqueue.faults import TokenFault
from taskhandler.devqueue.task import Oidc
from taskhandler.devqueue.tokens import Mint, new_key

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
def mint(clock: Clock) -> Mint:
    keys = iter(KEYS)
    return Mint(now=clock, keys=lambda _: next(keys))


def verified(token: str, mint: Mint) -> dict[str, Any]:
    # the clock here is not the machine's; the times are looked at by themselves
    skew = 10**9
    return reading.verified(token, mint.certificates(), AUDIENCE, skew=skew)


def test_google_auth_verifies_a_token_against_the_certificates(mint: Mint):
    claims = verified(mint.token(WHO), mint)
    assert claims["iss"] == "https://accounts.google.com"
    assert (claims["email"], claims["email_verified"]) == (EMAIL, True)
    assert claims["sub"] == claims["azp"]
    assert claims["sub"].isdigit()
    assert (claims["iat"], claims["exp"]) == (NOW, NOW + 3600)
    assert "nbf" not in claims


def test_the_header_is_googles(mint: Mint):
    header = reading.header_of(mint.token(WHO))
    assert header == {"alg": "RS256", "kid": KEYS[0].kid, "typ": "JWT"}


def test_a_token_is_used_again_for_five_minutes(mint: Mint, clock: Clock):
    first = mint.authorization(WHO, None)
    clock.now += 299
    assert mint.authorization(WHO, None) == first
    clock.now += 2
    assert mint.authorization(WHO, None) != first


def test_another_audience_gets_another_token(mint: Mint):
    assert mint.authorization(WHO, None) != mint.authorization(Oidc(EMAIL, "https://other.example"), None)


@pytest.mark.parametrize("fault", [TokenFault.WRONG_AUD, TokenFault.UNKNOWN_KEY, TokenFault.BAD_SIGNATURE])
def test_google_auth_refuses_these_tokens(mint: Mint, fault: TokenFault):
    with pytest.raises(exceptions.GoogleAuthError):
        verified(mint.token(WHO, fault=fault), mint)


@pytest.mark.parametrize(
    ("fault", "claim", "value"),
    [
        (TokenFault.EXPIRED, "exp", NOW - 7200),
        (TokenFault.FUTURE, "iat", NOW + 7200),
        (TokenFault.WRONG_ISS, "iss", "https://issuer.example"),
        (TokenFault.WRONG_EMAIL, "email", "stranger@another-project.iam.gserviceaccount.com"),
    ],
)
def test_these_tokens_are_signed_and_wrong(mint: Mint, fault: TokenFault, claim: str, value: object):
    assert verified(mint.token(WHO, fault=fault), mint)[claim] == value


def test_a_token_can_be_missing(mint: Mint):
    assert mint.authorization(WHO, TokenFault.NONE) is None


def test_an_unknown_key_has_an_unknown_id_and_a_bad_signature_a_known_one(mint: Mint):
    strange = reading.header_of(mint.token(WHO, fault=TokenFault.UNKNOWN_KEY))["kid"]
    forged = reading.header_of(mint.token(WHO, fault=TokenFault.BAD_SIGNATURE))["kid"]
    assert strange not in mint.certificates()
    assert forged in mint.certificates()


def test_any_claim_can_be_changed_or_taken_out(mint: Mint):
    claims = verified(mint.token(WHO, claims={"email_verified": None, "sub": ..., "hd": "x"}), mint)
    assert (claims["email_verified"], claims["hd"], "sub" in claims) == (None, "x", False)


def test_after_a_rotation_old_tokens_verify_until_the_next_one(mint: Mint):
    old = mint.authorization(WHO, None)
    kid = mint.rotate()
    assert old is not None
    assert mint.authorization(WHO, None) != old
    assert set(mint.certificates()) == {KEYS[0].kid, kid}
    verified(old.removeprefix("Bearer "), mint)
    mint.rotate()
    assert KEYS[0].kid not in mint.certificates()
