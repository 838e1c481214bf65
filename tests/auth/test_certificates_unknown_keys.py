"""An unknown key: what it is answered, what it may cost, and how a new key becomes known."""

from __future__ import annotations

import pytest

from taskhandler.auth.certificates import (
    QUIET_SECONDS,
    UNKNOWN_KEY_BURST_FETCHES,
    UNKNOWN_KEY_SECONDS,
    CertificateKeeper,
    NoSuchKey,
    Unreachable,
)
from taskhandler.auth.fetch_response import Certificate, Fetched
from tests.auth import issuer

GOOD = Fetched(issuer.certificates(), 21_000)
WITH_NEW = Fetched(issuer.certificates(issuer.KID, "new"), 21_000)
DOWN = ConnectionRefusedError("no")


@pytest.fixture
def clock() -> issuer.Clock:
    return issuer.Clock()


def keeper_of(source: issuer.Source, clock: issuer.Clock) -> CertificateKeeper:
    """A keeper that knows a key already."""
    keeper = CertificateKeeper(
        "https://google.test/certs", clock=clock, chance=lambda: 0.0, fetch=source, spawn=lambda act: act()
    )
    assert isinstance(keeper.find(issuer.KID), Certificate)
    return keeper


def test_a_flood_of_unknown_keys_causes_a_few_fetches_and_then_one_a_minute(clock: issuer.Clock) -> None:
    source = issuer.Source(GOOD)
    keeper = keeper_of(source, clock)
    for number in range(600):
        assert isinstance(keeper.find(f"unknown-{number}"), NoSuchKey)
        clock.now += 1
    assert source.asked == 1 + UNKNOWN_KEY_BURST_FETCHES + 600 // UNKNOWN_KEY_SECONDS - 1


def test_an_unknown_key_does_not_use_up_the_fetch_of_a_key_that_comes_after_it(clock: issuer.Clock) -> None:
    keeper = keeper_of(issuer.Source(GOOD, GOOD, WITH_NEW), clock)
    assert isinstance(keeper.find("unknown"), NoSuchKey)
    clock.now += 1
    assert isinstance(keeper.find("new"), Certificate)


def test_after_a_flood_a_new_key_is_known_within_a_minute(clock: issuer.Clock) -> None:
    source = issuer.Source(*[GOOD] * (1 + UNKNOWN_KEY_BURST_FETCHES), WITH_NEW)
    keeper = keeper_of(source, clock)
    for number in range(1000):
        keeper.find(f"unknown-{number}")
    assert isinstance(keeper.find("new"), NoSuchKey)
    clock.now += UNKNOWN_KEY_SECONDS
    assert isinstance(keeper.find("new"), Certificate)


def test_an_unknown_key_at_a_cold_start_causes_one_fetch(clock: issuer.Clock) -> None:
    source = issuer.Source(GOOD)
    keeper = CertificateKeeper("https://google.test/", clock=clock, fetch=source, spawn=lambda act: act())
    assert isinstance(keeper.find("unknown"), NoSuchKey)
    assert source.asked == 1


def test_an_unknown_key_is_refused_while_the_certificates_are_fresh_though_the_address_fails(
    clock: issuer.Clock,
) -> None:
    source = issuer.Source(GOOD, DOWN)
    keeper = keeper_of(source, clock)
    for _ in range(100):
        assert isinstance(keeper.find("unknown"), NoSuchKey)
        clock.now += 1
    assert source.asked > 2


def test_an_address_that_fails_is_asked_for_an_unknown_key_after_the_quiet_time_only(
    clock: issuer.Clock,
) -> None:
    source = issuer.Source(GOOD, DOWN, WITH_NEW)
    keeper = keeper_of(source, clock)
    assert isinstance(keeper.find("new"), NoSuchKey)
    clock.now += QUIET_SECONDS - 0.1
    assert (isinstance(keeper.find("new"), NoSuchKey), source.asked) == (True, 2)
    clock.now += 0.1
    assert isinstance(keeper.find("new"), Certificate)


def test_an_unknown_key_is_unreachable_while_the_certificates_are_stale_and_the_address_fails(
    clock: issuer.Clock,
) -> None:
    keeper = keeper_of(issuer.Source(GOOD, DOWN, GOOD), clock)
    clock.now += 21_000
    assert isinstance(keeper.find("unknown"), Unreachable)
    assert isinstance(keeper.find(issuer.KID), Certificate)
    clock.now += QUIET_SECONDS
    assert isinstance(keeper.find("unknown"), NoSuchKey)


def test_a_key_that_the_last_answer_no_longer_has_is_unknown(clock: issuer.Clock) -> None:
    keeper = keeper_of(issuer.Source(GOOD, Fetched(issuer.certificates("new"), 21_000)), clock)
    clock.now += 21_000
    keeper.find(issuer.KID)
    assert isinstance(keeper.find(issuer.KID), NoSuchKey)
