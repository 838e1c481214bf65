from __future__ import annotations

import threading
import weakref

import pytest

from taskhandler.auth.fetch_response import Fetched
from taskhandler.auth.fetch_thread import Fetch, describe_fault, run_fetch, start_thread

FETCHED = Fetched(b"{}", 60)


class Keeper:
    """Records what its fetch hands over."""

    def __init__(self) -> None:
        self.answers: list[Fetched | str] = []

    def conclude(self, fetch: Fetch, answer: Fetched | str) -> None:
        fetch.over.set()
        self.answers.append(answer)


def under_way() -> Fetch:
    return Fetch(0.0, threading.Event())


def failing(error: BaseException) -> Fetched:
    raise error


def test_what_was_fetched_is_handed_to_the_keeper():
    keeper, fetch = Keeper(), under_way()
    run_fetch(fetch, lambda: FETCHED, weakref.WeakMethod(keeper.conclude))
    assert (keeper.answers, fetch.over.is_set()) == ([FETCHED], True)


@pytest.mark.parametrize("error", [OSError("down"), ValueError("garbage")])
def test_a_failed_fetch_is_handed_over_as_one_line(error: Exception):
    keeper = Keeper()
    run_fetch(under_way(), lambda: failing(error), weakref.WeakMethod(keeper.conclude))
    assert keeper.answers == [f"{type(error).__name__}: {error}"]


@pytest.mark.parametrize("error", [KeyError("a mistake"), SystemExit(1)])
def test_an_unexpected_error_of_a_fetch_is_handed_over_and_raised(error: BaseException):
    keeper = Keeper()
    with pytest.raises(type(error)):
        run_fetch(under_way(), lambda: failing(error), weakref.WeakMethod(keeper.conclude))
    assert keeper.answers == ["the fetch was interrupted"]


def test_a_keeper_that_was_collected_is_handed_nothing():
    keeper = Keeper()
    conclude = weakref.WeakMethod(keeper.conclude)
    del keeper
    run_fetch(under_way(), lambda: FETCHED, conclude)
    assert conclude() is None


def test_the_text_of_a_failed_fetch_is_cleaned_and_cut():
    said = describe_fault(OSError("one\ntwo \x1b[31m" + "x" * 9000))
    assert said.startswith("OSError: one two ?[31mxxx")
    assert len(said) < 250


def test_the_thread_of_a_fetch_is_a_daemon_with_a_name():
    found: list[threading.Thread] = []
    ran = threading.Event()

    def act() -> None:
        found.append(threading.current_thread())
        ran.set()

    start_thread(act)
    assert ran.wait(60)
    assert [(thread.daemon, thread.name) for thread in found] == [(True, "taskhandler-certs")]
