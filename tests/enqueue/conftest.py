"""An enqueuer over a local queue, one for all tests of a file."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from taskhandler.devqueue import LocalQueue
from tests.enqueue.local_enqueuer import LocalEnqueuer


@pytest.fixture(scope="module")
def local() -> Iterator[LocalEnqueuer]:
    with LocalQueue(seed=0) as queue:
        yield LocalEnqueuer(queue)
