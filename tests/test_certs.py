from __future__ import annotations

from collections.abc import Callable

import pytest

from taskhandler.certs import (
    GIVEN_UP,
    KEPT_AT_LEAST,
    KEPT_AT_MOST,
    KEPT_UNTOLD,
    QUIET,
    STALE_FOR,
    STRANGERS,
    Certificate,
    CertificateKeeper,
    Fetched,
    NoSuchKey,
    Unreachable,
)
from taskhandler.config import CERTS_URL
from tests import mint

Act = Callable[[], None]
GOOD = Fetched(mint.certificates(), 1000)
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
def clock() -> mint.Clock:
    return mint.Clock()


def keeper_of(
    source: mint.Source, clock: mint.Clock, spawn: Callable[[Act], None] = at_once
) -> CertificateKeeper:
    return CertificateKeeper(
        "https://google.test/certs", clock=clock, chance=lambda: 0.0, fetch=source, spawn=spawn, patience=0.01
    )


def knows(keeper: CertificateKeeper, kid: str = mint.KID) -> bool:
    return isinstance(keeper.find(kid), Certificate)


def test_nothing_is_fetched_before_the_first_need(clock: mint.Clock) -> None:
    source = mint.Source(GOOD)
    keeper = keeper_of(source, clock)
    assert source.asked == 0
    found = keeper.find(mint.KID)
    assert isinstance(found, Certificate)
    assert (found.kid, found.public_key[:31]) == (mint.KID, b"-----BEGIN RSA PUBLIC KEY-----\n")
    assert all(keeper.find(mint.KID) is found for _ in range(9))
    assert source.asked == 1


@pytest.mark.parametrize(
    ("told", "kept"),
    [
        (1000, 1000),
        (0, KEPT_AT_LEAST),
        (KEPT_AT_LEAST + 1, KEPT_AT_LEAST + 1),
        (10**9, KEPT_AT_MOST),
        (None, KEPT_UNTOLD),
    ],
)
def test_certificates_are_kept_for_their_max_age_within_bounds(
    clock: mint.Clock, told: float | None, kept: float
) -> None:
    source = mint.Source(Fetched(GOOD.body, told))
    keeper = keeper_of(source, clock)
    assert knows(keeper)
    clock.now += kept - 1
    assert (knows(keeper), source.asked) == (True, 1)
    clock.now += 1
    assert (knows(keeper), source.asked) == (True, 2)


def test_chance_spreads_the_refreshes_over_a_tenth_of_the_max_age(clock: mint.Clock) -> None:
    source = mint.Source(GOOD)
    keeper = CertificateKeeper(CERTS_URL, clock=clock, chance=lambda: 0.5, fetch=source, spawn=at_once)
    assert knows(keeper)
    clock.now += 949
    assert (knows(keeper), source.asked) == (True, 1)
    clock.now += 1
    assert (knows(keeper), source.asked) == (True, 2)


def test_one_refreshes_while_the_others_go_on_with_the_old_ones(clock: mint.Clock) -> None:
    source, spawn = mint.Source(GOOD, Fetched(mint.certificates("new"), 1000)), Slow()
    keeper = keeper_of(source, clock, spawn)
    assert knows(keeper)
    clock.now += 1000
    assert all(knows(keeper) for _ in range(9))
    assert (len(spawn.waiting), source.asked) == (1, 1)
    spawn.waiting.pop()()
    assert (knows(keeper, "new"), spawn.waiting) == (True, [])


def test_strangers_share_the_fetch_that_is_under_way_but_only_so_long(clock: mint.Clock) -> None:
    source, spawn = mint.Source(GOOD), Slow()
    keeper = keeper_of(source, clock, spawn)
    assert knows(keeper)
    assert isinstance(keeper.find("stranger"), Unreachable)  # out of patience
    assert isinstance(keeper.find("other stranger"), Unreachable)
    assert (len(spawn.waiting), knows(keeper)) == (1, True)
    spawn.waiting.pop()()
    assert isinstance(keeper.find("stranger"), NoSuchKey)
    assert source.asked == 2


def test_a_fetch_that_does_not_end_is_given_up_and_what_it_brings_in_the_end_is_ignored(
    clock: mint.Clock,
) -> None:
    source, spawn = mint.Source(GOOD, GOOD, Fetched(mint.certificates("old"), 1000)), Slow()
    keeper = keeper_of(source, clock, spawn)
    assert knows(keeper)
    clock.now += 1000
    assert knows(keeper)
    clock.now += GIVEN_UP - 1
    assert (knows(keeper), len(spawn.waiting)) == (True, 1)
    clock.now += 1
    assert (knows(keeper), len(spawn.waiting)) == (True, 2)
    spawn.waiting.pop()()
    spawn.waiting.pop()()
    assert (knows(keeper), source.asked) == (True, 3)


def test_a_machine_out_of_threads_makes_google_unreachable_for_a_while(clock: mint.Clock) -> None:
    tries: list[Act] = []

    def spawn(act: Act) -> None:
        tries.append(act)
        if len(tries) == 1:
            raise RuntimeError("can't start new thread")
        act()

    keeper = keeper_of(mint.Source(GOOD), clock, spawn)
    assert isinstance(keeper.find(mint.KID), Unreachable)
    clock.now += QUIET
    assert knows(keeper)


def test_a_mistake_in_fetching_leaves_nobody_waiting(clock: mint.Clock) -> None:
    keeper = keeper_of(mint.Source(KeyError("a bug"), GOOD), clock)
    with pytest.raises(KeyError):
        keeper.find(mint.KID)
    clock.now += QUIET
    assert knows(keeper)


def test_stale_certificates_are_used_for_a_bounded_time(clock: mint.Clock) -> None:
    source = mint.Source(GOOD, DOWN)
    keeper = keeper_of(source, clock)
    assert knows(keeper)
    clock.now += 1000 + STALE_FOR - 1
    assert knows(keeper)
    clock.now += 1
    assert isinstance(keeper.find(mint.KID), Unreachable)


def test_an_address_that_fails_is_not_hammered(clock: mint.Clock) -> None:
    source = mint.Source(DOWN, DOWN, GOOD)
    keeper = keeper_of(source, clock)
    assert all(isinstance(keeper.find(mint.KID), Unreachable) for _ in range(9))
    clock.now += QUIET - 0.1
    assert isinstance(keeper.find(mint.KID), Unreachable)
    assert source.asked == 1
    clock.now += 0.1
    assert isinstance(keeper.find(mint.KID), Unreachable)
    assert source.asked == 2
    clock.now += QUIET
    assert (knows(keeper), source.asked) == (True, 3)


def test_an_unknown_key_costs_one_fetch_a_minute(clock: mint.Clock) -> None:
    source = mint.Source(GOOD)
    keeper = keeper_of(source, clock)
    assert knows(keeper)
    for minute in range(3):
        for number in range(30):
            assert isinstance(keeper.find(f"stranger-{minute}-{number}"), NoSuchKey)
            clock.now += STRANGERS / 30
    assert source.asked == 1 + 3


def test_a_cold_start_by_an_unknown_key_costs_one_fetch(clock: mint.Clock) -> None:
    source = mint.Source(GOOD)
    assert isinstance(keeper_of(source, clock).find("stranger"), NoSuchKey)
    assert source.asked == 1


def test_a_key_that_is_new_at_google_is_found(clock: mint.Clock) -> None:
    source = mint.Source(GOOD, Fetched(mint.certificates(mint.KID, "new"), 1000))
    keeper = keeper_of(source, clock)
    assert (knows(keeper), knows(keeper, "new"), source.asked) == (True, True, 2)


def test_an_unknown_key_is_nobodys_fault_while_google_is_away(clock: mint.Clock) -> None:
    source = mint.Source(GOOD, DOWN, GOOD)
    keeper = keeper_of(source, clock)
    assert knows(keeper)
    for _ in range(9):
        assert isinstance(keeper.find("stranger"), Unreachable)
        clock.now += 5
    assert (knows(keeper), source.asked) == (True, 2)
    clock.now += STRANGERS
    assert isinstance(keeper.find("stranger"), NoSuchKey)


def test_who_comes_to_the_start_when_another_has_just_landed_does_not_start_again() -> None:
    source, keepers = mint.Source(GOOD), list[CertificateKeeper]()

    def clock() -> float:
        if source.asked == 0 and keepers:
            keeper = keepers.pop()  # another thread, let us say, between a look and a leap
            assert knows(keeper)
        return 50.0

    keeper = CertificateKeeper(CERTS_URL, clock=clock, fetch=source, spawn=at_once)
    keepers.append(keeper)
    assert (knows(keeper), source.asked) == (True, 1)
