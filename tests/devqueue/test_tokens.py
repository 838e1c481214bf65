"""Tokens that google-auth accepts, and faulty ones that it does not."""

from __future__ import annotations

from typing import Any

import pytest
from google.auth import exceptions

from taskhandler.devqueue.faults import TokenFault
from taskhandler.devqueue.task import Oidc
from taskhandler.devqueue.tokens import TokenIssuer, new_key

from . import decoded_tokens

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
    # the tests have a clock of their own; other assertions look at the times
    skew = 10**9
    return decoded_tokens.verified(token, issuer.certificates(), AUDIENCE, skew=skew)


def test_google_auth_verifies_a_token_against_the_certificates(issuer: TokenIssuer):
    claims = verified(issuer.token(WHO), issuer)
    assert claims["iss"] == "https://accounts.google.com"
    assert (claims["email"], claims["email_verified"]) == (EMAIL, True)
    assert claims["sub"] == claims["azp"]
    assert claims["sub"].isdigit()
    assert (claims["iat"], claims["exp"]) == (NOW, NOW + 3600)
    assert "nbf" not in claims


def test_a_tokens_header_has_the_members_of_googles(issuer: TokenIssuer):
    header = decoded_tokens.header_of(issuer.token(WHO))
    assert header == {"alg": "RS256", "kid": KEYS[0].kid, "typ": "JWT"}


def test_deliveries_share_a_token_for_five_minutes(issuer: TokenIssuer, clock: Clock):
    first = issuer.authorization(WHO, None)
    clock.now += 299
    assert issuer.authorization(WHO, None) == first
    clock.now += 2
    assert issuer.authorization(WHO, None) != first


def test_deliveries_to_another_audience_have_another_token(issuer: TokenIssuer):
    assert issuer.authorization(WHO, None) != issuer.authorization(Oidc(EMAIL, "https://other.example"), None)


@pytest.mark.parametrize("fault", [TokenFault.WRONG_AUD, TokenFault.UNKNOWN_KEY, TokenFault.BAD_SIGNATURE])
def test_google_auth_refuses_a_token_with_a_wrong_audience_or_key(issuer: TokenIssuer, fault: TokenFault):
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
def test_a_token_with_a_faulty_claim_is_properly_signed(
    issuer: TokenIssuer, fault: TokenFault, claim: str, value: object
):
    assert verified(issuer.token(WHO, fault=fault), issuer)[claim] == value


def test_the_token_fault_none_leaves_the_authorization_out(issuer: TokenIssuer):
    assert issuer.authorization(WHO, TokenFault.NONE) is None


def test_only_a_token_with_an_unknown_key_names_an_unpublished_key(issuer: TokenIssuer):
    strange = decoded_tokens.header_of(issuer.token(WHO, fault=TokenFault.UNKNOWN_KEY))["kid"]
    forged = decoded_tokens.header_of(issuer.token(WHO, fault=TokenFault.BAD_SIGNATURE))["kid"]
    assert strange not in issuer.certificates()
    assert forged in issuer.certificates()


def test_claims_of_a_token_can_be_changed_and_removed(issuer: TokenIssuer):
    claims = verified(issuer.token(WHO, claims={"email_verified": None, "sub": ..., "hd": "x"}), issuer)
    assert (claims["email_verified"], claims["hd"], "sub" in claims) == (None, "x", False)


def test_a_token_verifies_after_one_rotation_but_its_key_is_gone_after_two(issuer: TokenIssuer):
    old = issuer.authorization(WHO, None)
    kid = issuer.rotate()
    assert old is not None
    assert issuer.authorization(WHO, None) != old
    assert set(issuer.certificates()) == {KEYS[0].kid, kid}
    verified(old.removeprefix("Bearer "), issuer)
    issuer.rotate()
    assert KEYS[0].kid not in issuer.certificates()
