"""Only a share of a worker's threads waits."""

from __future__ import annotations

import subprocess
import sys
from contextlib import ExitStack

import pytest

from taskhandler.delivery.wait_limit import WaitLimit


@pytest.mark.parametrize(("threads", "places"), [(1, 0), (2, 1), (3, 1), (8, 4), (1000, 500)])
def test_half_of_the_threads_may_wait_and_no_more(threads: int, places: int) -> None:
    limit = WaitLimit(threads=lambda: threads)
    with ExitStack() as waiting:
        free = [waiting.enter_context(limit.reserve_slot()) for _ in range(places + 1)]
    assert free == [True] * places + [False]


def test_a_place_is_free_again_however_the_wait_ends() -> None:
    limit = WaitLimit(threads=lambda: 2)
    with pytest.raises(ZeroDivisionError), limit.reserve_slot():
        raise ZeroDivisionError
    with limit.reserve_slot() as is_free, limit.reserve_slot() as is_free_too:
        assert (is_free, is_free_too) == (True, False)


FORKING = """
import os, sys
from taskhandler.delivery.wait_limit import WaitLimit
limit = WaitLimit(threads=lambda: 2)
with limit.reserve_slot():
    limit._lock.acquire()
    child = os.fork()
    if not child:
        with limit.reserve_slot() as is_free:
            os._exit(not is_free)
    limit._lock.release()
    sys.exit(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
"""


def test_a_forked_process_has_all_places_whatever_its_parent_was_doing() -> None:
    assert subprocess.run([sys.executable, "-c", FORKING], check=False, timeout=60).returncode == 0
