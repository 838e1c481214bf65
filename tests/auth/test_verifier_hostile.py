from __future__ import annotations

import time
from base64 import urlsafe_b64decode

import pytest

from taskhandler.auth.certificates import UNKNOWN_KEY_BURST_FETCHES
from taskhandler.auth.fetch_response import Fetched
from taskhandler.auth.token import LONGEST_CREDENTIAL_CHARACTERS, MOST_BRACKETS, Refused
from taskhandler.auth.verifier import Caller, PlatformVerifier
from tests.auth import issuer
from tests.auth.hostile_tokens import (
    BODY,
    FORGED,
    GENUINE,
    HEAD,
    HOSTILE,
    NO_TIMES,
    NOW,
    SIGNATURE,
    SIGNED,
    nested,
    raw,
)

PUBLISHED = Fetched(issuer.certificates(), 3600)


def says_nothing(why: str, bearer: str) -> bool:
    """Does `why` repeat neither the token nor what is expected?"""
    words = [*bearer.replace(" ", ".").split("."), issuer.AUDIENCE, issuer.ACCOUNT, "https", issuer.KID]
    return not any(word in why for word in words if len(word) > 6)


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_token_is_refused_without_a_fetch_and_not_repeated_in_the_reason(
    name: str, caplog: pytest.LogCaptureFixture
):
    bearer, source = HOSTILE[name], issuer.Source(PUBLISHED)
    refused = issuer.verifier(source).verify(bearer)
    assert isinstance(refused, Refused)
    assert refused.status_word == "unauthenticated"
    assert says_nothing(refused.why, bearer)
    assert (source.asked, [line for line in caplog.records if line.name == "taskhandler.auth"]) == (
        0,
        [],
    )
    assert PlatformVerifier(issuer.RULES, now=time.time).verify(bearer) == refused


@pytest.mark.parametrize("name", SIGNED)
def test_a_hostile_token_without_a_signature_is_refused_without_a_fetch(name: str):
    unsigned = SIGNED[name].rpartition(".")[0] + ".AAAA"
    source = issuer.Source(PUBLISHED)
    refused = issuer.verifier(source).verify(unsigned)
    assert isinstance(refused, Refused)
    assert (refused.status_word, source.asked) == ("unauthenticated", 0)


@pytest.mark.parametrize("name", FORGED)
def test_a_forged_signature_is_refused_after_one_fetch(name: str):
    source, bearer = issuer.Source(PUBLISHED), FORGED[name]
    verifier = issuer.verifier(source)
    refused = verifier.verify(bearer)
    assert isinstance(refused, Refused)
    assert refused.status_word == "unauthenticated"
    assert says_nothing(refused.why, bearer)
    assert verifier.verify(bearer) == refused
    assert source.asked == 1 + (refused.why == "the token is signed with an unknown key")


def test_a_flood_of_unknown_keys_is_refused_for_a_bounded_number_of_calls():
    source, clock = issuer.Source(PUBLISHED), issuer.Clock(time.time())
    verifier = issuer.verifier(source, clock)
    assert isinstance(verifier.verify(f"Bearer {GENUINE}"), Caller)
    for number in range(120):
        refused = verifier.verify(f"Bearer {issuer.segment(issuer.header(kid=str(number)))}.{BODY}.AAAA")
        assert refused == Refused("unauthenticated", "the token is signed with an unknown key")
        clock.now += 1
    assert source.asked == 1 + UNKNOWN_KEY_BURST_FETCHES + 1


@pytest.mark.parametrize("text", NO_TIMES)
@pytest.mark.parametrize("name", ["exp", "iat", "nbf"])
def test_a_time_that_is_not_an_integer_is_refused(name: str, text: str):
    bearer = issuer.handmade_bearer(body=raw(issuer.claims(nbf=NOW), **{name: NO_TIMES[text]}))
    refused = issuer.verifier(issuer.Source(PUBLISHED)).verify(bearer)
    assert refused == Refused("unauthenticated", "the token's times are not integers")


@pytest.mark.parametrize("length", [2, 3, 4])
def test_only_the_canonical_spelling_of_a_signature_is_accepted(length: int):
    verifier, begun = issuer.verifier(issuer.Source(PUBLISHED)), SIGNATURE[: 336 + length - 1]
    for last in "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_":
        signature = begun + last
        canonical = issuer.encoded(urlsafe_b64decode(signature + "==")) == signature
        refused = verifier.verify(f"Bearer {HEAD}.{BODY}.{signature}")
        assert (refused == Refused("unauthenticated", "the token is not canonical base64url")) != canonical


@pytest.mark.parametrize("length", [LONGEST_CREDENTIAL_CHARACTERS, LONGEST_CREDENTIAL_CHARACTERS + 1])
def test_a_credential_of_the_longest_length_is_accepted(length: int):
    given = "Bearer " + " " * (length - len(GENUINE) - 7) + GENUINE
    assert isinstance(issuer.verifier(issuer.Source(PUBLISHED)).verify(given), Caller) == (
        length == LONGEST_CREDENTIAL_CHARACTERS
    )


def test_claims_nested_to_the_bound_are_accepted():
    source, deepest = issuer.Source(PUBLISHED), issuer.handmade_bearer(body=nested(MOST_BRACKETS - 1))
    assert isinstance(issuer.verifier(source).verify(deepest), Caller)
