from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from taskhandler.auth.certificates import CertificateKeeper
from taskhandler.auth.fetch_response import Fetched
from taskhandler.auth.token import CLOCK_SKEW_SECONDS, LONGEST_LIFETIME_SECONDS, Refused
from taskhandler.auth.verifier import (
    SIGNATURE_REMOVED,
    Caller,
    NoVerifier,
    OIDCVerifier,
    PlatformVerifier,
    TokenPolicy,
    Unverifiable,
    Verifier,
)
from taskhandler.config.settings import CERTS_URL
from tests.auth import issuer

ME = Caller(issuer.ACCOUNT)
DOWN = ConnectionRefusedError("no")
AWAY = Unverifiable("Google's certificates cannot be fetched")
FORBIDDEN = Refused("forbidden", "the token is of an account that is not allowed")


@pytest.fixture
def source() -> issuer.Source:
    return issuer.Source(Fetched(issuer.certificates(), 3600))


@pytest.fixture
def clock() -> issuer.Clock:
    return issuer.Clock(int(time.time()))


def test_a_token_of_a_configured_account_is_accepted(source: issuer.Source):
    assert issuer.verifier(source).verify(issuer.bearer()) == ME


@pytest.mark.parametrize("scheme", ["Bearer", "bearer", "BEARER", "bEaReR", "Bearer  "])
def test_the_scheme_bearer_is_accepted_in_any_case(source: issuer.Source, scheme: str):
    assert issuer.verifier(source).verify(f"{scheme} {issuer.token()}") == ME


@pytest.mark.parametrize(
    "claims",
    [
        issuer.claims(iss="accounts.google.com"),
        issuer.claims(azp=None, sub=None),
        issuer.claims(nbf=issuer.claims()["iat"]),
        issuer.claims(google={"compute_engine": {"zone": ["a", "b"]}}),
    ],
    ids=["short issuer", "no subject", "nbf", "nested"],
)
def test_a_token_that_google_may_write_differently_is_accepted(
    source: issuer.Source, claims: dict[str, object]
):
    assert issuer.verifier(source).verify(issuer.bearer(body=claims)) == ME


def test_a_token_without_a_type_is_accepted(source: issuer.Source):
    assert issuer.verifier(source).verify(issuer.handmade_bearer(issuer.header(typ=None))) == ME


def test_a_request_without_a_credential_is_refused(source: issuer.Source):
    refused = Refused("unauthenticated", "there is no Authorization header")
    assert [issuer.verifier(source).verify(given) for given in (None, "")] == [refused, refused]


OTHERS = {
    "other": "other@project.iam.gserviceaccount.com",
    "upper case": issuer.ACCOUNT.upper(),
    "empty": "",
    "space before": f" {issuer.ACCOUNT}",
    "newline after": f"{issuer.ACCOUNT}\n",
    "NUL after": f"{issuer.ACCOUNT}\0",
    "zero-width space": f"{issuer.ACCOUNT}\u200b",
    "cyrillic letter": issuer.ACCOUNT.replace("e", "\u0435", 1),
    "full-width letter": issuer.ACCOUNT.replace("q", "\uff51"),
    "full-width at": issuer.ACCOUNT.replace("@", "\uff20"),
    "long s": issuer.ACCOUNT.replace("s", "\u017f"),
    "half surrogate": f"{issuer.ACCOUNT}\ud800",
    "as a list of two": f"{issuer.ACCOUNT},other@project.iam.gserviceaccount.com",
}


@pytest.mark.parametrize("email", OTHERS.values(), ids=OTHERS)
def test_a_good_token_of_another_account_is_forbidden(source: issuer.Source, email: str):
    assert issuer.verifier(source).verify(issuer.bearer(body=issuer.claims(email=email))) == FORBIDDEN


def test_a_handler_can_narrow_the_accounts_but_not_widen_them(source: issuer.Source):
    verifier, other = issuer.verifier(source), "other@project.iam.gserviceaccount.com"
    mine, theirs = issuer.bearer(), issuer.bearer(body=issuer.claims(email=other))
    for _ in range(2):  # the second time from memory
        assert verifier.verify(mine, allowed=frozenset({issuer.ACCOUNT, other})) == ME
        assert verifier.verify(mine, allowed=frozenset({other})) == FORBIDDEN
        assert verifier.verify(mine, allowed=frozenset()) == FORBIDDEN
        assert verifier.verify(theirs, allowed=frozenset({other})) == FORBIDDEN
        assert verifier.verify(None, allowed=frozenset({other})) == verifier.verify(None)


def test_empty_rules_refuse_every_token(source: issuer.Source):
    keeper = CertificateKeeper(CERTS_URL, clock=issuer.Clock(), fetch=source, spawn=lambda act: act())
    nobody, nowhere = (
        TokenPolicy(issuer.RULES.audiences, frozenset()),
        TokenPolicy(frozenset(), issuer.RULES.accounts),
    )
    assert OIDCVerifier(nobody, keeper, now=time.time).verify(issuer.bearer()) == FORBIDDEN
    refused = OIDCVerifier(nowhere, keeper, now=time.time).verify(issuer.bearer())
    assert refused == Refused("unauthenticated", "the token is for another audience")


def test_tokens_of_other_configured_issuers_are_accepted(source: issuer.Source):
    keeper = CertificateKeeper(CERTS_URL, clock=issuer.Clock(), fetch=source, spawn=lambda act: act())
    rules = TokenPolicy(issuer.RULES.audiences, issuer.RULES.accounts, frozenset({"http://issuer.local"}))
    verifier = OIDCVerifier(rules, keeper, now=time.time)
    assert verifier.verify(issuer.bearer(body=issuer.claims(iss="http://issuer.local"))) == ME
    assert verifier.verify(issuer.bearer()) == Refused("unauthenticated", "the token is of another issuer")


def test_a_token_for_any_of_several_audiences_is_accepted(source: issuer.Source):
    keeper = CertificateKeeper(CERTS_URL, clock=issuer.Clock(), fetch=source, spawn=lambda act: act())
    rules = TokenPolicy(frozenset({"https://a", "https://b"}), issuer.RULES.accounts)
    verifier = OIDCVerifier(rules, keeper, now=time.time)
    assert [verifier.verify(issuer.bearer(body=issuer.claims(aud=aud))) for aud in rules.audiences] == [
        ME,
        ME,
    ]


def test_a_token_is_good_until_a_minute_after_it_expires(source: issuer.Source, clock: issuer.Clock):
    bearer = issuer.bearer(body=issuer.claims(iat=int(clock.now) - 100, exp=int(clock.now) - 30))
    for verifier in (issuer.verifier(source, clock), PlatformVerifier(issuer.RULES, now=clock)):
        clock.now = int(clock.now)
        before = clock.now
        clock.now = before - 30 + CLOCK_SKEW_SECONDS
        assert [verifier.verify(bearer), verifier.verify(bearer)] == [ME, ME]
        clock.now += 1
        assert verifier.verify(bearer) == Refused("unauthenticated", "the token has expired")
        clock.now = before


def test_a_token_is_good_from_a_minute_before_it_was_issued(source: issuer.Source, clock: issuer.Clock):
    begins = int(clock.now)
    issued, valid = (
        issuer.bearer(body=issuer.claims(iat=begins)),
        issuer.bearer(body=issuer.claims(nbf=begins)),
    )
    clock.now = begins - CLOCK_SKEW_SECONDS
    assert issuer.verifier(source, clock).verify(issued) == ME
    assert issuer.verifier(source, clock).verify(valid) == ME
    clock.now -= 1
    assert issuer.verifier(source, clock).verify(issued) == Refused(
        "unauthenticated", "the token is not valid yet"
    )
    early = issuer.bearer(body=issuer.claims(iat=begins - 90, nbf=begins))
    assert issuer.verifier(source, clock).verify(early) == Refused(
        "unauthenticated", "the token is not valid yet"
    )


def test_a_token_may_live_for_a_day(source: issuer.Source):
    born = int(time.time())
    verifier, refused = (
        issuer.verifier(source),
        Refused("unauthenticated", "the token's lifetime is not plausible"),
    )
    assert (
        verifier.verify(issuer.bearer(body=issuer.claims(iat=born, exp=born + LONGEST_LIFETIME_SECONDS)))
        == ME
    )
    assert (
        verifier.verify(issuer.bearer(body=issuer.claims(iat=born, exp=born + LONGEST_LIFETIME_SECONDS + 1)))
        == refused
    )
    assert verifier.verify(issuer.bearer(body=issuer.claims(iat=born, exp=born))) == refused
    assert verifier.verify(issuer.bearer(body=issuer.claims(iat=born + 1, exp=born))) == refused


def test_a_token_that_google_auth_refuses_for_its_times_is_refused(
    source: issuer.Source, clock: issuer.Clock
):
    clock.now -= 7200
    old = issuer.bearer(body=issuer.claims(iat=int(clock.now), exp=int(clock.now) + 3600))
    refused = Refused("unauthenticated", "google-auth rejected the token's signature or its times")
    assert issuer.verifier(source, clock).verify(old) == refused


def test_sixteen_threads_starting_cold_ask_for_certificates_once():
    with issuer.Publisher() as published:
        keeper = CertificateKeeper(published.url, clock=time.monotonic)
        verifier = OIDCVerifier(issuer.RULES, keeper, now=time.time)
        bearers = [issuer.bearer(body=issuer.claims(sub=str(number % 20))) for number in range(160)]
        with ThreadPoolExecutor(16) as threads:
            assert set(threads.map(verifier.verify, bearers)) == {ME}
        assert published.asked == 1


def test_a_token_whose_signature_the_platform_removed_has_its_own_reason_and_log_line(
    source: issuer.Source, clock: issuer.Clock, caplog: pytest.LogCaptureFixture
):
    keeper = CertificateKeeper(CERTS_URL, clock=clock, fetch=source, spawn=lambda act: act())
    verifier = OIDCVerifier(issuer.RULES, keeper, now=time.time, clock=clock)
    bearer = f"{issuer.bearer().rpartition('.')[0]}.{SIGNATURE_REMOVED}"
    for number in range(61):
        refused = verifier.verify(bearer)
        assert refused == Refused("unauthenticated", "Google has removed the token's signature")
        assert len(caplog.messages) == 1 + (number == 60)
        clock.now += 1
    assert 'TASKHANDLER_AUTH = "cloud-run"' in caplog.messages[0]
    assert source.asked == 0
    assert [word for word in bearer.split(".") if word in caplog.text] == []


@pytest.mark.parametrize("signature", [SIGNATURE_REMOVED, "AAAA", "c2lnbmF0dXJl"])
def test_behind_a_platform_that_checks_tokens_the_signature_is_not_verified_again(signature: str):
    verifier = PlatformVerifier(issuer.RULES, now=time.time)
    bearer = f"{issuer.bearer().rpartition('.')[0]}.{signature}"
    assert verifier.verify(bearer) == ME
    assert verifier.verify(bearer, allowed=frozenset()) == FORBIDDEN
    assert verifier.verify(None) == Refused("unauthenticated", "there is no Authorization header")
    assert verifier.verify(issuer.bearer(body=issuer.claims(email="other@a.test"))) == FORBIDDEN


def test_without_verification_every_caller_is_accepted_without_an_email(source: issuer.Source):
    verifiers: list[Verifier] = [
        NoVerifier(),
        issuer.verifier(source),
        PlatformVerifier(issuer.RULES, now=time.time),
    ]
    assert verifiers[0].verify(None) == verifiers[0].verify("x", allowed=frozenset()) == Caller("")
