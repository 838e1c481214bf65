from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from taskhandler.auth.certificates import STALE_IF_ERROR_SECONDS, CertificateKeeper
from taskhandler.auth.fetch_answer import Fetched
from taskhandler.auth.token import CLOCK_SKEW_SECONDS, LONGEST_LIFETIME_SECONDS, Refused
from taskhandler.auth.verifier import (
    SIGNATURE_REMOVED,
    Caller,
    NoVerifier,
    OIDCVerifier,
    PlatformVerifier,
    Rules,
    Unverifiable,
    Verifier,
)
from taskhandler.config.settings import CERTS_URL
from tests import mint

ME = Caller(mint.ACCOUNT)
DOWN = ConnectionRefusedError("no")
AWAY = Unverifiable("no certificates can be fetched")
FORBIDDEN = Refused("forbidden", "another account")


@pytest.fixture
def source() -> mint.Source:
    return mint.Source(Fetched(mint.certificates(), 3600))


@pytest.fixture
def clock() -> mint.Clock:
    return mint.Clock(int(time.time()))


def test_a_token_of_a_configured_account_is_let_in(source: mint.Source):
    assert mint.verifier(source).verify(mint.bearer()) == ME


@pytest.mark.parametrize("scheme", ["Bearer", "bearer", "BEARER", "bEaReR", "Bearer  "])
def test_the_scheme_is_known_in_any_case(source: mint.Source, scheme: str):
    assert mint.verifier(source).verify(f"{scheme} {mint.token()}") == ME


@pytest.mark.parametrize(
    "claims",
    [
        mint.claims(iss="accounts.google.com"),
        mint.claims(azp=None, sub=None),
        mint.claims(nbf=mint.claims()["iat"]),
        mint.claims(google={"compute_engine": {"zone": ["a", "b"]}}),
    ],
    ids=["short issuer", "no subject", "nbf", "nested"],
)
def test_what_google_may_write_otherwise_is_let_in(source: mint.Source, claims: dict[str, object]):
    assert mint.verifier(source).verify(mint.bearer(body=claims)) == ME


def test_a_header_without_a_type_is_let_in(source: mint.Source):
    assert mint.verifier(source).verify(mint.handmade_bearer(mint.header(typ=None))) == ME


def test_no_credential_is_refused(source: mint.Source):
    refused = Refused("unauthenticated", "there is no Authorization header")
    assert [mint.verifier(source).verify(given) for given in (None, "")] == [refused, refused]


OTHERS = {
    "other": "other@project.iam.gserviceaccount.com",
    "upper case": mint.ACCOUNT.upper(),
    "empty": "",
    "space before": f" {mint.ACCOUNT}",
    "newline after": f"{mint.ACCOUNT}\n",
    "NUL after": f"{mint.ACCOUNT}\0",
    "zero-width space": f"{mint.ACCOUNT}\u200b",
    "cyrillic letter": mint.ACCOUNT.replace("e", "\u0435", 1),
    "full-width letter": mint.ACCOUNT.replace("q", "\uff51"),
    "full-width at": mint.ACCOUNT.replace("@", "\uff20"),
    "long s": mint.ACCOUNT.replace("s", "\u017f"),
    "half surrogate": f"{mint.ACCOUNT}\ud800",
    "as a list of two": f"{mint.ACCOUNT},other@project.iam.gserviceaccount.com",
}


@pytest.mark.parametrize("email", OTHERS.values(), ids=OTHERS)
def test_a_good_token_of_another_account_is_forbidden(source: mint.Source, email: str):
    assert mint.verifier(source).verify(mint.bearer(body=mint.claims(email=email))) == FORBIDDEN


def test_a_handler_can_narrow_the_accounts_but_not_widen_them(source: mint.Source):
    verifier, other = mint.verifier(source), "other@project.iam.gserviceaccount.com"
    mine, theirs = mint.bearer(), mint.bearer(body=mint.claims(email=other))
    for _ in range(2):  # the second time from memory
        assert verifier.verify(mine, allowed=frozenset({mint.ACCOUNT, other})) == ME
        assert verifier.verify(mine, allowed=frozenset({other})) == FORBIDDEN
        assert verifier.verify(mine, allowed=frozenset()) == FORBIDDEN
        assert verifier.verify(theirs, allowed=frozenset({other})) == FORBIDDEN
        assert verifier.verify(None, allowed=frozenset({other})) == verifier.verify(None)


def test_empty_rules_refuse_everybody(source: mint.Source):
    keeper = CertificateKeeper(CERTS_URL, clock=mint.Clock(), fetch=source, spawn=lambda act: act())
    nobody, nowhere = Rules(mint.RULES.audiences, frozenset()), Rules(frozenset(), mint.RULES.accounts)
    assert OIDCVerifier(nobody, keeper, now=time.time).verify(mint.bearer()) == FORBIDDEN
    refused = OIDCVerifier(nowhere, keeper, now=time.time).verify(mint.bearer())
    assert refused == Refused("unauthenticated", "another audience")


def test_the_issuers_can_be_others(source: mint.Source):
    keeper = CertificateKeeper(CERTS_URL, clock=mint.Clock(), fetch=source, spawn=lambda act: act())
    rules = Rules(mint.RULES.audiences, mint.RULES.accounts, frozenset({"http://desk"}))
    verifier = OIDCVerifier(rules, keeper, now=time.time)
    assert verifier.verify(mint.bearer(body=mint.claims(iss="http://desk"))) == ME
    assert verifier.verify(mint.bearer()) == Refused("unauthenticated", "another issuer")


def test_any_of_several_audiences_will_do(source: mint.Source):
    keeper = CertificateKeeper(CERTS_URL, clock=mint.Clock(), fetch=source, spawn=lambda act: act())
    rules = Rules(frozenset({"https://a", "https://b"}), mint.RULES.accounts)
    verifier = OIDCVerifier(rules, keeper, now=time.time)
    assert [verifier.verify(mint.bearer(body=mint.claims(aud=aud))) for aud in rules.audiences] == [ME, ME]


def test_a_token_is_good_until_a_minute_after_it_expires(source: mint.Source, clock: mint.Clock):
    bearer = mint.bearer(body=mint.claims(iat=int(clock.now) - 100, exp=int(clock.now) - 30))
    for verifier in (mint.verifier(source, clock), PlatformVerifier(mint.RULES, now=clock)):
        clock.now = int(clock.now)
        before = clock.now
        clock.now = before - 30 + CLOCK_SKEW_SECONDS
        assert [verifier.verify(bearer), verifier.verify(bearer)] == [ME, ME]
        clock.now += 1
        assert verifier.verify(bearer) == Refused("unauthenticated", "expired")
        clock.now = before


def test_a_token_is_good_from_a_minute_before_it_was_issued(source: mint.Source, clock: mint.Clock):
    begins = int(clock.now)
    issued, valid = mint.bearer(body=mint.claims(iat=begins)), mint.bearer(body=mint.claims(nbf=begins))
    clock.now = begins - CLOCK_SKEW_SECONDS
    assert mint.verifier(source, clock).verify(issued) == ME
    assert mint.verifier(source, clock).verify(valid) == ME
    clock.now -= 1
    assert mint.verifier(source, clock).verify(issued) == Refused("unauthenticated", "not valid yet")
    early = mint.bearer(body=mint.claims(iat=begins - 90, nbf=begins))
    assert mint.verifier(source, clock).verify(early) == Refused("unauthenticated", "not valid yet")


def test_a_token_may_live_for_a_day(source: mint.Source):
    born = int(time.time())
    verifier, refused = mint.verifier(source), Refused("unauthenticated", "the lifetime is not credible")
    assert verifier.verify(mint.bearer(body=mint.claims(iat=born, exp=born + LONGEST_LIFETIME_SECONDS))) == ME
    assert (
        verifier.verify(mint.bearer(body=mint.claims(iat=born, exp=born + LONGEST_LIFETIME_SECONDS + 1)))
        == refused
    )
    assert verifier.verify(mint.bearer(body=mint.claims(iat=born, exp=born))) == refused
    assert verifier.verify(mint.bearer(body=mint.claims(iat=born + 1, exp=born))) == refused


def test_google_auth_has_the_last_word_on_the_times(source: mint.Source, clock: mint.Clock):
    clock.now -= 7200
    old = mint.bearer(body=mint.claims(iat=int(clock.now), exp=int(clock.now) + 3600))
    refused = Refused("unauthenticated", "google-auth refuses the signature or the times")
    assert mint.verifier(source, clock).verify(old) == refused


def test_a_good_token_is_remembered_until_it_expires_whatever_becomes_of_the_certificates(clock: mint.Clock):
    source, keeper_clock = mint.Source(Fetched(mint.certificates(), 300), DOWN), mint.Clock()
    keeper = CertificateKeeper(CERTS_URL, clock=keeper_clock, fetch=source, spawn=lambda act: act())
    verifier = OIDCVerifier(mint.RULES, keeper, now=clock)
    exp = int(clock.now) + 3600
    bearer, other = mint.bearer(body=mint.claims(exp=exp)), mint.bearer(body=mint.claims(sub="1"))
    assert verifier.verify(bearer) == ME
    keeper_clock.now += 300 + STALE_IF_ERROR_SECONDS
    assert (verifier.verify(bearer), verifier.verify(other)) == (ME, AWAY)
    clock.now = exp + CLOCK_SKEW_SECONDS
    assert verifier.verify(bearer) == ME
    clock.now += 1
    assert verifier.verify(bearer) == Refused("unauthenticated", "expired")


def test_only_the_last_good_tokens_are_remembered(clock: mint.Clock):
    source = mint.Source(Fetched(mint.certificates(), 300), DOWN)
    keeper_clock = mint.Clock()
    keeper = CertificateKeeper(CERTS_URL, clock=keeper_clock, fetch=source, spawn=lambda act: act())
    verifier = OIDCVerifier(mint.RULES, keeper, now=clock, remembered=4)
    bearers = [mint.bearer(body=mint.claims(sub=str(number))) for number in range(9)]
    assert [verifier.verify(bearer) for bearer in bearers] == [ME] * 9
    keeper_clock.now += 300 + STALE_IF_ERROR_SECONDS
    assert [verifier.verify(bearer) for bearer in bearers] == [AWAY] * 6 + [ME] * 3


def test_a_refused_token_is_not_remembered(clock: mint.Clock):
    source = mint.Source(DOWN, Fetched(mint.certificates(), 300), DOWN)
    verifier, bearer = mint.verifier(source, clock), mint.bearer()
    assert verifier.verify(bearer) == AWAY
    clock.now += 10
    assert verifier.verify(bearer) == ME


def test_sixteen_threads_starting_cold_ask_for_certificates_once():
    with mint.Publisher() as published:
        keeper = CertificateKeeper(published.url, clock=time.monotonic)
        verifier = OIDCVerifier(mint.RULES, keeper, now=time.time)
        bearers = [mint.bearer(body=mint.claims(sub=str(number % 20))) for number in range(160)]
        with ThreadPoolExecutor(16) as threads:
            assert set(threads.map(verifier.verify, bearers)) == {ME}
        assert published.asked == 1


def test_a_removed_signature_has_its_own_reason_and_log_line(
    source: mint.Source, clock: mint.Clock, caplog: pytest.LogCaptureFixture
):
    keeper = CertificateKeeper(CERTS_URL, clock=clock, fetch=source, spawn=lambda act: act())
    verifier = OIDCVerifier(mint.RULES, keeper, now=time.time, clock=clock)
    bearer = f"{mint.bearer().rpartition('.')[0]}.{SIGNATURE_REMOVED}"
    for number in range(61):
        refused = verifier.verify(bearer)
        assert refused == Refused("unauthenticated", "the signature was removed by Google")
        assert len(caplog.messages) == 1 + (number == 60)
        clock.now += 1
    assert 'TASKHANDLER_AUTH = "cloud-run"' in caplog.messages[0]
    assert source.asked == 0
    assert [word for word in bearer.split(".") if word in caplog.text] == []


@pytest.mark.parametrize("signature", [SIGNATURE_REMOVED, "AAAA", "c2lnbmF0dXJl"])
def test_behind_a_platform_that_checks_the_signature_is_not_looked_at(signature: str):
    verifier = PlatformVerifier(mint.RULES, now=time.time)
    bearer = f"{mint.bearer().rpartition('.')[0]}.{signature}"
    assert verifier.verify(bearer) == ME
    assert verifier.verify(bearer, allowed=frozenset()) == FORBIDDEN
    assert verifier.verify(None) == Refused("unauthenticated", "there is no Authorization header")
    assert verifier.verify(mint.bearer(body=mint.claims(email="other@a.test"))) == FORBIDDEN


def test_where_nobody_checks_everybody_comes_in_nameless(source: mint.Source):
    verifiers: list[Verifier] = [
        NoVerifier(),
        mint.verifier(source),
        PlatformVerifier(mint.RULES, now=time.time),
    ]
    assert verifiers[0].verify(None) == verifiers[0].verify("x", allowed=frozenset()) == Caller("")


def test_unknown_keys_are_refused_and_remembered_tokens_let_in_while_the_certificates_hang():
    with mint.Publisher() as published, ThreadPoolExecutor(50) as threads:
        keeper = CertificateKeeper(published.url, clock=time.monotonic, starter_wait=0.01)
        verifier, remembered = OIDCVerifier(mint.RULES, keeper, now=time.time), mint.bearer()
        assert verifier.verify(remembered) == ME
        published.open.clear()
        segments = mint.token().split(".")[1:]
        unknown = [
            ".".join([f"Bearer {mint.segment(mint.header(kid=f'k{number}'))}", *segments])
            for number in range(250)
        ]
        answers = list(threads.map(verifier.verify, [*unknown, *[remembered] * 250]))
        assert not published.open.is_set()
        assert set(answers[:250]) == {Refused("unauthenticated", "there is no such key")}
        assert set(answers[250:]) == {ME}
        assert published.asked <= 2
