"""Which tokens are remembered as good, by what, and until when."""

from __future__ import annotations

import json
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from taskhandler.auth.certificates import STALE_IF_ERROR_SECONDS, CertificateKeeper
from taskhandler.auth.fetch_response import Fetched
from taskhandler.auth.token import CLOCK_SKEW_SECONDS, Refused
from taskhandler.auth.verifier import REMEMBERED_SECONDS, Caller, OIDCVerifier, Unverifiable
from taskhandler.config.settings import CERTS_URL
from tests.auth import issuer

ME = Caller(issuer.ACCOUNT)
NO_SUCH_KEY = Refused("unauthenticated", "the token is signed with an unknown key")
FRESH_SECONDS = 1000
BOTH = Fetched(issuer.certificates(issuer.KID, "other"), FRESH_SECONDS)
WITHOUT = Fetched(issuer.certificates("other"), FRESH_SECONDS)
FORBIDDEN = Refused("forbidden", "the token is of an account that is not allowed")
AWAY = Unverifiable("Google's certificates cannot be fetched")
DOWN = ConnectionRefusedError("no")


@pytest.fixture
def clock() -> issuer.Clock:
    """Of the verifier and of the keeper: it starts at the true time, which google-auth looks at."""
    return issuer.Clock(int(time.time()))


def verifier_of(source: issuer.Source, clock: issuer.Clock) -> OIDCVerifier:
    keeper = CertificateKeeper(
        CERTS_URL, clock=clock, chance=lambda: 0.0, fetch=source, spawn=lambda act: act()
    )
    return OIDCVerifier(issuer.RULES, keeper, now=clock, clock=clock)


def refresh(verifier: OIDCVerifier, clock: issuer.Clock) -> None:
    """Let the certificates grow old, and another token have them refreshed."""
    clock.now += FRESH_SECONDS
    assert verifier.verify(issuer.bearer(key="other")) == ME


def test_a_remembered_token_ends_with_its_key(clock: issuer.Clock):
    verifier, bearer = verifier_of(issuer.Source(BOTH, WITHOUT), clock), issuer.bearer()
    assert verifier.verify(bearer) == ME
    refresh(verifier, clock)
    assert verifier.verify(bearer) == NO_SUCH_KEY


def test_a_remembered_token_ends_with_its_key_in_every_spelling(clock: issuer.Clock):
    verifier, token = verifier_of(issuer.Source(BOTH, WITHOUT), clock), issuer.token()
    spellings = [f"{scheme} {token}" for scheme in ("Bearer", "bearer", "Bearer   ")]
    assert {verifier.verify(spelling) for spelling in spellings} == {ME}
    refresh(verifier, clock)
    assert {verifier.verify(spelling) for spelling in spellings} == {NO_SUCH_KEY}


def test_a_remembered_token_ends_when_another_key_takes_the_id_of_its_key(clock: issuer.Clock):
    changed = json.dumps({issuer.KID: issuer.certificate("new"), "other": issuer.certificate("other")})
    verifier = verifier_of(issuer.Source(BOTH, Fetched(changed.encode(), FRESH_SECONDS)), clock)
    bearer = issuer.bearer()
    assert verifier.verify(bearer) == ME
    refresh(verifier, clock)
    assert isinstance(verifier.verify(bearer), Refused)


def test_a_remembered_token_has_its_key_refreshed_without_any_other_token(clock: issuer.Clock):
    source, bearer = issuer.Source(BOTH, WITHOUT), issuer.bearer()
    verifier = verifier_of(source, clock)
    for _ in range(FRESH_SECONDS):
        assert (verifier.verify(bearer), source.asked) == (ME, 1)
        clock.now += 1
    clock.now += REMEMBERED_SECONDS
    verifier.verify(bearer)
    assert source.asked == 2
    assert verifier.verify(bearer) == NO_SUCH_KEY


def test_a_remembered_token_outlives_a_refresh_that_keeps_its_key(clock: issuer.Clock):
    source = issuer.Source(BOTH, BOTH, DOWN)
    verifier, bearer = verifier_of(source, clock), issuer.bearer()
    assert verifier.verify(bearer) == ME
    refresh(verifier, clock)
    assert verifier.verify(bearer) == ME


def test_a_remembered_token_is_good_until_it_expires_while_no_certificates_can_be_fetched():
    now, clock = issuer.Clock(int(time.time())), issuer.Clock()
    verifier, bearer = away(now, clock, issuer.bearer(body=issuer.claims(exp=int(now.now) + 3600)))
    for _ in range(61):
        assert verifier.verify(bearer) == ME
        assert verifier.verify(issuer.bearer(body=issuer.claims(sub="another"))) == AWAY
        now.now += 60
    assert verifier.verify(bearer) == ME
    now.now += 1
    assert verifier.verify(bearer) == Refused("unauthenticated", "the token has expired")


def away(
    now: issuer.Clock, clock: issuer.Clock, *bearers: str, remembered: int = 1_024
) -> tuple[OIDCVerifier, str]:
    """A verifier that has seen `bearers`, and then has no certificates that it could use for any other."""
    source = issuer.Source(BOTH, DOWN)
    keeper = CertificateKeeper(CERTS_URL, clock=clock, fetch=source, spawn=lambda act: act())
    verifier = OIDCVerifier(issuer.RULES, keeper, now=now, clock=clock, remembered=remembered)
    assert {verifier.verify(bearer) for bearer in bearers} == {ME}
    clock.now += FRESH_SECONDS + STALE_IF_ERROR_SECONDS
    return verifier, bearers[0]


SCHEMES = [
    f"{scheme}{' ' * spaces}"
    for scheme in ("Bearer", "bearer", "BEARER", "bEaReR")
    for spaces in range(1, 251)
]


def test_one_token_in_a_thousand_spellings_is_remembered_once():
    now, token = issuer.Clock(time.time()), issuer.token()
    first = issuer.bearer(body=issuer.claims(sub="first"))
    spellings = [f"{scheme}{token}" for scheme in SCHEMES]
    verifier, _ = away(now, issuer.Clock(), first, *spellings, remembered=4)
    assert verifier.verify(first) == ME  # a thousand entries would have had it forgotten


def test_a_token_remembered_in_one_spelling_is_remembered_in_all():
    now, token = issuer.Clock(time.time()), issuer.token()
    verifier, _ = away(now, issuer.Clock(), f"bearer   {token}")
    assert {verifier.verify(f"{scheme}{token}") for scheme in SCHEMES} == {ME}


def test_a_remembered_token_is_still_checked_against_its_handlers_accounts():
    verifier, bearer = away(issuer.Clock(time.time()), issuer.Clock(), issuer.bearer())
    assert verifier.verify(bearer, allowed=frozenset({"other@a.test"})) == FORBIDDEN


def test_a_token_of_another_account_is_not_remembered(clock: issuer.Clock):
    verifier = verifier_of(issuer.Source(BOTH, WITHOUT), clock)
    other = issuer.bearer(body=issuer.claims(email="other@project.iam.gserviceaccount.com"))
    assert verifier.verify(other) == FORBIDDEN
    refresh(verifier, clock)
    assert verifier.verify(other) == NO_SUCH_KEY


def test_a_good_token_is_accepted_until_it_expires_even_when_certificates_are_lost(
    clock: issuer.Clock,
):
    source, keeper_clock = issuer.Source(Fetched(issuer.certificates(), 300), DOWN), issuer.Clock()
    keeper = CertificateKeeper(CERTS_URL, clock=keeper_clock, fetch=source, spawn=lambda act: act())
    verifier = OIDCVerifier(issuer.RULES, keeper, now=clock)
    exp = int(clock.now) + 3600
    bearer, other = issuer.bearer(body=issuer.claims(exp=exp)), issuer.bearer(body=issuer.claims(sub="1"))
    assert verifier.verify(bearer) == ME
    keeper_clock.now += 300 + STALE_IF_ERROR_SECONDS
    assert (verifier.verify(bearer), verifier.verify(other)) == (ME, AWAY)
    clock.now = exp + CLOCK_SKEW_SECONDS
    assert verifier.verify(bearer) == ME
    clock.now += 1
    assert verifier.verify(bearer) == Refused("unauthenticated", "the token has expired")


def test_the_number_of_remembered_tokens_is_bounded_and_the_oldest_goes_first(clock: issuer.Clock):
    source = issuer.Source(Fetched(issuer.certificates(), 300), DOWN)
    keeper_clock = issuer.Clock()
    keeper = CertificateKeeper(CERTS_URL, clock=keeper_clock, fetch=source, spawn=lambda act: act())
    verifier = OIDCVerifier(issuer.RULES, keeper, now=clock, remembered=4)
    bearers = [issuer.bearer(body=issuer.claims(sub=str(number))) for number in range(9)]
    assert [verifier.verify(bearer) for bearer in bearers] == [ME] * 9
    keeper_clock.now += 300 + STALE_IF_ERROR_SECONDS
    assert [verifier.verify(bearer) for bearer in bearers] == [AWAY] * 6 + [ME] * 3


def test_a_refused_token_is_not_remembered(clock: issuer.Clock):
    source = issuer.Source(DOWN, Fetched(issuer.certificates(), 300), DOWN)
    verifier, bearer = issuer.verifier(source, clock), issuer.bearer()
    assert verifier.verify(bearer) == AWAY
    clock.now += 10
    assert verifier.verify(bearer) == ME


def test_while_the_certificates_hang_unknown_keys_are_refused_and_remembered_tokens_accepted():
    with issuer.Publisher() as published, ThreadPoolExecutor(50) as threads:
        keeper = CertificateKeeper(published.url, clock=time.monotonic, starter_wait=0.01)
        verifier, remembered = OIDCVerifier(issuer.RULES, keeper, now=time.time), issuer.bearer()
        assert verifier.verify(remembered) == ME
        published.open.clear()
        segments = issuer.token().split(".")[1:]
        unknown = [
            ".".join([f"Bearer {issuer.segment(issuer.header(kid=f'k{number}'))}", *segments])
            for number in range(250)
        ]
        answers = list(threads.map(verifier.verify, [*unknown, *[remembered] * 250]))
        assert not published.open.is_set()
        assert set(answers[:250]) == {Refused("unauthenticated", "the token is signed with an unknown key")}
        assert set(answers[250:]) == {ME}
        assert published.asked <= 2
