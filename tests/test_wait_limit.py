"""Only a share of a worker's threads waits."""

from __future__ import annotations

from contextlib import ExitStack

import pytest

from taskhandler.wait_limit import WaitLimit


@pytest.mark.parametrize(("threads", "places"), [(1, 1), (2, 1), (3, 1), (8, 4), (1000, 500)])
def test_half_of_the_threads_may_wait_and_always_one(threads: int, places: int) -> None:
    limit = WaitLimit(threads=lambda: threads)
    with ExitStack() as waiting:
        free = [waiting.enter_context(limit.place()) for _ in range(places + 1)]
    assert free == [True] * places + [False]


def test_a_place_is_free_again_whatever_ends_the_wait() -> None:
    limit = WaitLimit(threads=lambda: 1)
    with pytest.raises(ZeroDivisionError), limit.place():
        raise ZeroDivisionError
    with limit.place() as is_free, limit.place() as is_free_too:
        assert (is_free, is_free_too) == (True, False)
