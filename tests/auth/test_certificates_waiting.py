"""Who waits for a fetch, and who does not: a fetch that goes on until the test lets it end."""

from __future__ import annotations

import gc
import threading
import weakref
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor, as_completed
from itertools import islice

import pytest

from taskhandler.auth.certificates import MOST_WAITING_CALLERS, CertificateKeeper, NoSuchKey, Unreachable
from taskhandler.auth.fetch_response import Certificate, Fetched
from taskhandler.config.settings import CERTS_URL
from tests.auth import issuer

GOOD = Fetched(issuer.certificates(), 21_000)
WITH_NEW = Fetched(issuer.certificates(issuer.KID, "new"), 21_000)
TEST_TIMEOUT_SECONDS = 60.0
"""Seconds after which a test that hangs fails."""


class Hanging:
    """A fetch that answers when it is released: each with the next answer."""

    def __init__(self, *answers: Fetched | OSError) -> None:
        self.answers = list(answers)
        self.begun = threading.Semaphore(0)
        self.go_on = threading.Semaphore(0)
        self.threads: list[threading.Thread] = []

    def __call__(self, _url: str, _timeout: float) -> Fetched:
        self.threads.append(threading.current_thread())
        self.begun.release()
        assert self.go_on.acquire(timeout=TEST_TIMEOUT_SECONDS)
        answer = self.answers.pop(0)
        if isinstance(answer, OSError):
            raise answer
        return answer

    def end(self) -> None:
        """Let one fetch end, and wait until its thread has."""
        self.go_on.release()
        for thread in self.threads:
            thread.join(TEST_TIMEOUT_SECONDS)


@pytest.fixture
def clock() -> issuer.Clock:
    return issuer.Clock()


@pytest.fixture
def hanging() -> Iterator[Hanging]:
    fetch = Hanging(GOOD, WITH_NEW, WITH_NEW)
    yield fetch
    fetch.go_on.release(9)
    fetch.end()


def keeper_of(
    hanging: Hanging,
    clock: issuer.Clock,
    *,
    shared_wait: float = TEST_TIMEOUT_SECONDS,
    starter_wait: float = 0.01,
) -> CertificateKeeper:
    return CertificateKeeper(
        CERTS_URL,
        clock=clock,
        chance=lambda: 0.0,
        fetch=hanging,
        shared_wait=shared_wait,
        starter_wait=starter_wait,
    )


def warm(hanging: Hanging, clock: issuer.Clock, **waits: float) -> CertificateKeeper:
    """A keeper that knows a key."""
    keeper = keeper_of(hanging, clock, **waits)
    hanging.go_on.release()
    assert isinstance(keeper.find(issuer.KID), Certificate)
    assert hanging.begun.acquire(timeout=TEST_TIMEOUT_SECONDS)
    hanging.threads.pop().join(TEST_TIMEOUT_SECONDS)
    return keeper


def test_fifty_unknown_keys_are_refused_while_the_fetch_still_hangs(
    hanging: Hanging, clock: issuer.Clock
) -> None:
    keeper = warm(hanging, clock)
    with ThreadPoolExecutor(50) as threads:
        answers = list(threads.map(keeper.find, [f"unknown-{number}" for number in range(500)]))
        known = set(threads.map(keeper.find, [issuer.KID] * 500))
    assert {type(answer) for answer in answers} == {NoSuchKey}
    assert {type(answer) for answer in known} == {Certificate}
    assert [thread.is_alive() for thread in hanging.threads] == [True]  # one fetch, and it has not ended


def test_a_new_key_is_known_to_the_caller_who_starts_the_fetch(hanging: Hanging, clock: issuer.Clock) -> None:
    keeper = warm(hanging, clock, starter_wait=TEST_TIMEOUT_SECONDS)
    with ThreadPoolExecutor(1) as threads:
        first = threads.submit(keeper.find, "new")
        assert hanging.begun.acquire(timeout=TEST_TIMEOUT_SECONDS)
        assert isinstance(keeper.find("new"), NoSuchKey)  # another caller does not wait
        assert not first.done()
        hanging.end()
        assert isinstance(first.result(TEST_TIMEOUT_SECONDS), Certificate)


def test_a_new_key_is_known_after_a_fetch_that_no_caller_waited_for(
    hanging: Hanging, clock: issuer.Clock
) -> None:
    keeper = warm(hanging, clock)
    assert isinstance(keeper.find("new"), NoSuchKey)
    hanging.end()
    assert isinstance(keeper.find("new"), Certificate)


def test_a_known_key_does_not_wait_for_the_refresh_of_stale_certificates(
    hanging: Hanging, clock: issuer.Clock
) -> None:
    keeper = warm(hanging, clock)
    clock.now += 21_000
    with ThreadPoolExecutor(16) as threads:
        assert {type(answer) for answer in threads.map(keeper.find, [issuer.KID] * 64)} == {Certificate}
    assert [thread.is_alive() for thread in hanging.threads] == [True]


def test_at_a_cold_start_a_bounded_number_of_callers_wait_and_the_others_are_answered_at_once(
    hanging: Hanging, clock: issuer.Clock
) -> None:
    keeper = keeper_of(hanging, clock)
    callers = MOST_WAITING_CALLERS + 20
    with ThreadPoolExecutor(callers) as threads:
        answers = [threads.submit(keeper.find, issuer.KID) for _ in range(callers)]
        first = list(islice(as_completed(answers, timeout=TEST_TIMEOUT_SECONDS), 20))
        assert {type(answer.result()) for answer in first} == {Unreachable}
        assert [thread.is_alive() for thread in hanging.threads] == [True]
        hanging.end()
        rest = [type(answer.result(TEST_TIMEOUT_SECONDS)) for answer in answers]
    assert (rest.count(Certificate), rest.count(Unreachable)) == (MOST_WAITING_CALLERS, 20)


def test_no_caller_waits_for_a_fetch_that_began_long_ago(hanging: Hanging, clock: issuer.Clock) -> None:
    keeper = keeper_of(hanging, clock, shared_wait=2.0)
    with ThreadPoolExecutor(1) as threads:
        threads.submit(keeper.find, issuer.KID)
        assert hanging.begun.acquire(timeout=TEST_TIMEOUT_SECONDS)
        clock.now += 2.0
        assert isinstance(keeper.find(issuer.KID), Unreachable)
        hanging.end()


def test_after_a_failure_only_the_caller_who_starts_the_next_fetch_waits_for_it(clock: issuer.Clock) -> None:
    hanging = Hanging(OSError("no"), GOOD)
    keeper = keeper_of(hanging, clock, starter_wait=TEST_TIMEOUT_SECONDS)
    hanging.go_on.release()
    assert isinstance(keeper.find(issuer.KID), Unreachable)
    assert hanging.begun.acquire(timeout=TEST_TIMEOUT_SECONDS)
    clock.now += 5
    with ThreadPoolExecutor(1) as threads:
        starter = threads.submit(keeper.find, issuer.KID)
        assert hanging.begun.acquire(timeout=TEST_TIMEOUT_SECONDS)
        assert isinstance(keeper.find(issuer.KID), Unreachable)
        hanging.end()
        assert isinstance(starter.result(TEST_TIMEOUT_SECONDS), Certificate)


def test_while_a_fetch_hangs_no_other_is_started(hanging: Hanging, clock: issuer.Clock) -> None:
    keeper = keeper_of(hanging, clock, shared_wait=0.01)
    for _ in range(50):
        assert isinstance(keeper.find(issuer.KID), Unreachable)
        clock.now += 100
    assert len(hanging.threads) == 1


def test_the_thread_of_a_fetch_is_a_daemon_and_does_not_keep_the_keeper_alive(
    hanging: Hanging, clock: issuer.Clock
) -> None:
    keeper = keeper_of(hanging, clock, shared_wait=0.01)
    assert isinstance(keeper.find(issuer.KID), Unreachable)
    alive = weakref.ref(keeper)
    del keeper
    gc.collect()
    assert alive() is None
    (thread,) = hanging.threads
    assert thread.daemon
    hanging.end()
    assert not thread.is_alive()


def failing(_url: str, _timeout: float) -> Fetched:
    raise OSError("no")


def test_a_failed_fetch_leaves_no_reference_cycle_with_the_keeper_in_it(clock: issuer.Clock) -> None:
    keeper = CertificateKeeper(CERTS_URL, clock=clock, fetch=failing, spawn=lambda act: act())
    gc.collect()
    gc.disable()
    try:
        assert isinstance(keeper.find(issuer.KID), Unreachable)
        alive = weakref.ref(keeper)
        del keeper
        assert alive() is None
    finally:
        gc.enable()
