from __future__ import annotations

import json
from collections.abc import Callable

import pytest

from taskhandler.auth.certificates import (
    KEPT_AT_LEAST_SECONDS,
    KEPT_AT_MOST_SECONDS,
    KEPT_BY_DEFAULT_SECONDS,
    QUIET_SECONDS,
    STALE_IF_ERROR_SECONDS,
    CertificateKeeper,
    Unreachable,
)
from taskhandler.auth.fetch_response import Certificate, Fetched
from taskhandler.config.settings import CERTS_URL
from tests.auth import issuer

Act = Callable[[], None]
GOOD = Fetched(issuer.certificates(), 1000)
DOWN = ConnectionRefusedError("no")


def at_once(act: Act) -> None:
    act()


class Slow:
    """Starts the first thread at once, and keeps the others waiting."""

    def __init__(self) -> None:
        self.waiting: list[Act] = []
        self.first = True

    def __call__(self, act: Act) -> None:
        if not self.first:
            return self.waiting.append(act)
        self.first = False
        return act()


@pytest.fixture
def clock() -> issuer.Clock:
    return issuer.Clock()


def keeper_of(
    source: issuer.Source, clock: issuer.Clock, spawn: Callable[[Act], None] = at_once
) -> CertificateKeeper:
    return CertificateKeeper(
        "https://google.test/certs", clock=clock, chance=lambda: 0.0, fetch=source, spawn=spawn
    )


def knows(keeper: CertificateKeeper, kid: str = issuer.KID) -> bool:
    return isinstance(keeper.find(kid), Certificate)


def test_nothing_is_fetched_before_the_first_need(clock: issuer.Clock) -> None:
    source = issuer.Source(GOOD)
    keeper = keeper_of(source, clock)
    assert source.asked == 0
    found = keeper.find(issuer.KID)
    assert isinstance(found, Certificate)
    assert (found.kid, found.public_key[:31]) == (issuer.KID, b"-----BEGIN RSA PUBLIC KEY-----\n")
    assert all(keeper.find(issuer.KID) is found for _ in range(9))
    assert source.asked == 1


@pytest.mark.parametrize(
    ("max_age", "kept"),
    [
        (1000, 1000),
        (0, KEPT_AT_LEAST_SECONDS),
        (KEPT_AT_LEAST_SECONDS + 1, KEPT_AT_LEAST_SECONDS + 1),
        (10**9, KEPT_AT_MOST_SECONDS),
        (None, KEPT_BY_DEFAULT_SECONDS),
    ],
)
def test_certificates_are_fresh_for_their_max_age_within_bounds(
    clock: issuer.Clock, max_age: float | None, kept: float
) -> None:
    source = issuer.Source(Fetched(GOOD.body, max_age))
    keeper = keeper_of(source, clock)
    assert knows(keeper)
    clock.now += kept - 1
    assert (knows(keeper), source.asked) == (True, 1)
    clock.now += 1
    assert (knows(keeper), source.asked) == (True, 2)


def test_chance_spreads_the_refreshes_over_a_tenth_of_the_max_age(clock: issuer.Clock) -> None:
    source = issuer.Source(GOOD)
    keeper = CertificateKeeper(CERTS_URL, clock=clock, chance=lambda: 0.5, fetch=source, spawn=at_once)
    assert knows(keeper)
    clock.now += 949
    assert (knows(keeper), source.asked) == (True, 1)
    clock.now += 1
    assert (knows(keeper), source.asked) == (True, 2)


def test_one_caller_refreshes_certificates_while_the_others_use_the_old_ones(clock: issuer.Clock) -> None:
    source, spawn = issuer.Source(GOOD, Fetched(issuer.certificates("new"), 1000)), Slow()
    keeper = keeper_of(source, clock, spawn)
    assert knows(keeper)
    clock.now += 1000
    assert all(knows(keeper) for _ in range(9))
    assert (len(spawn.waiting), source.asked) == (1, 1)
    spawn.waiting.pop()()
    assert (knows(keeper, "new"), spawn.waiting) == (True, [])


def test_when_no_thread_can_be_started_for_the_fetch_the_keys_are_unreachable_for_a_while(
    clock: issuer.Clock,
) -> None:
    tries: list[Act] = []

    def spawn(act: Act) -> None:
        tries.append(act)
        if len(tries) == 1:
            raise RuntimeError("can't start new thread")
        act()

    keeper = keeper_of(issuer.Source(GOOD), clock, spawn)
    assert isinstance(keeper.find(issuer.KID), Unreachable)
    clock.now += QUIET_SECONDS
    assert knows(keeper)


def test_a_fetch_that_raises_an_unexpected_error_releases_all_waiting_callers(clock: issuer.Clock) -> None:
    keeper = keeper_of(issuer.Source(KeyError("a bug"), GOOD), clock)
    with pytest.raises(KeyError):
        keeper.find(issuer.KID)
    clock.now += QUIET_SECONDS
    assert knows(keeper)


def test_stale_certificates_are_used_for_a_bounded_time(clock: issuer.Clock) -> None:
    source = issuer.Source(GOOD, DOWN)
    keeper = keeper_of(source, clock)
    assert knows(keeper)
    clock.now += 1000 + STALE_IF_ERROR_SECONDS - 1
    assert knows(keeper)
    clock.now += 1
    assert isinstance(keeper.find(issuer.KID), Unreachable)


def test_an_address_that_fails_is_asked_again_only_after_a_pause(clock: issuer.Clock) -> None:
    source = issuer.Source(DOWN, DOWN, GOOD)
    keeper = keeper_of(source, clock)
    assert all(isinstance(keeper.find(issuer.KID), Unreachable) for _ in range(9))
    clock.now += QUIET_SECONDS - 0.1
    assert isinstance(keeper.find(issuer.KID), Unreachable)
    assert source.asked == 1
    clock.now += 0.1
    assert isinstance(keeper.find(issuer.KID), Unreachable)
    assert source.asked == 2
    clock.now += QUIET_SECONDS
    assert (knows(keeper), source.asked) == (True, 3)


def test_a_fetch_that_another_thread_has_just_finished_is_not_started_again() -> None:
    source, keepers = issuer.Source(GOOD), list[CertificateKeeper]()

    def clock() -> float:
        if source.asked == 0 and keepers:
            keeper = keepers.pop()  # as another thread might, between the look and the start
            assert knows(keeper)
        return 50.0

    keeper = CertificateKeeper(CERTS_URL, clock=clock, fetch=source, spawn=at_once)
    keepers.append(keeper)
    assert (knows(keeper), source.asked) == (True, 1)


def test_a_key_that_a_refresh_does_not_change_stays_the_same_object(clock: issuer.Clock) -> None:
    source = issuer.Source(GOOD, Fetched(issuer.certificates(issuer.KID, "new"), 1000))
    keeper = keeper_of(source, clock)
    before = keeper.find(issuer.KID)
    clock.now += 1000
    assert keeper.find(issuer.KID) is before
    assert keeper.certificates.keys() == {issuer.KID, "new"}
    assert keeper.certificates[issuer.KID] is before


def test_a_key_that_changes_under_its_id_becomes_another_object(clock: issuer.Clock) -> None:
    changed = json.dumps({issuer.KID: issuer.certificate("new")}).encode()
    keeper = keeper_of(issuer.Source(GOOD, Fetched(changed, 1000)), clock)
    before = keeper.find(issuer.KID)
    clock.now += 1000
    keeper.find(issuer.KID)
    assert keeper.certificates[issuer.KID] != before


def test_fetches_that_fail_for_the_same_cause_are_logged_once_a_minute(
    clock: issuer.Clock, caplog: pytest.LogCaptureFixture
) -> None:
    keeper = keeper_of(issuer.Source(DOWN), clock)
    for _ in range(13):
        assert isinstance(keeper.find(issuer.KID), Unreachable)
        clock.now += QUIET_SECONDS
    line = "could not fetch certificates from https://google.test/certs: ConnectionRefusedError: no"
    assert caplog.messages == [line, f"{line} (and 11 more before)"]


def test_text_from_the_network_is_cleaned_and_cut_before_it_is_logged(
    clock: issuer.Clock, caplog: pytest.LogCaptureFixture
) -> None:
    keeper = keeper_of(issuer.Source(OSError("HTTP 500 \x1b[2J\nERROR forged " + "x" * 9000)), clock)
    assert isinstance(keeper.find(issuer.KID), Unreachable)
    assert "HTTP 500 ?[2J ERROR forged xxx" in caplog.messages[0]
    assert len(caplog.messages[0]) < 300


def test_a_closed_keeper_fetches_no_more_and_still_finds_its_keys(clock: issuer.Clock) -> None:
    source = issuer.Source(GOOD)
    keeper, unused = keeper_of(source, clock), keeper_of(source, clock)
    assert knows(keeper)
    for closed in (keeper, unused):
        closed.close()
        closed.close()
    clock.now += 1001
    assert knows(keeper)
    assert isinstance(unused.find(issuer.KID), Unreachable)
    assert source.asked == 1


def test_a_fetch_under_way_when_its_keeper_is_closed_is_the_last(clock: issuer.Clock) -> None:
    source, slow = issuer.Source(GOOD), Slow()
    slow.first = False
    keeper = CertificateKeeper(
        "https://google.test/certs", clock=clock, fetch=source, spawn=slow, shared_wait=0, starter_wait=0
    )
    assert isinstance(keeper.find(issuer.KID), Unreachable)
    keeper.close()
    slow.waiting.pop()()
    assert knows(keeper)
    clock.now += 10**7
    assert isinstance(keeper.find(issuer.KID), Unreachable)
    assert source.asked == 1
