"""A handler that takes longer than its lease keeps it."""

from __future__ import annotations

import time

import pytest

from taskhandler.lifecycle.record import State
from tests.serving.conftest import Serve
from tests.serving.deliveries import begin, deliver
from tests.serving.service import SYNC, THREADS, TIMEOUT_SECONDS


@pytest.mark.parametrize("kind", [SYNC, THREADS])
def test_a_handler_that_runs_for_three_leases_is_not_taken_over(serve: Serve, kind: tuple[str, ...]):
    service = serve(*kind, TASKHANDLER_LEASE="2")
    before = time.monotonic()
    holder = begin(service, "t", [["wait"]])
    service.begun("t")
    refused = [deliver(service, "t", [["wait"]], retry=1)]
    while service.recorded("t").heartbeats < 9:
        refused.append(deliver(service, "t", [["wait"]], retry=1))
    service.open("t")
    assert holder.result(TIMEOUT_SECONDS).said == (200, "completed")
    assert {answer.said for answer in refused} == {(429, "in-flight")}
    (done,) = service.effects("done", "t")
    assert done.at - before > 5.9  # each heartbeat is due a third of a lease after the one before it
    record = service.recorded("t")
    assert (record.state, record.attempt, record.fence) == (State.COMPLETED, 1, 1)
    assert record.heartbeats >= 9


def test_more_handlers_than_senders_of_heartbeats_all_keep_their_leases(serve: Serve):
    service = serve("--workers", "1", "--worker-class", "gthread", "--threads", "16")
    holders = [begin(service, f"t{number}", [["wait gate"]]) for number in range(12)]
    for number in range(12):
        service.begun(f"t{number}")
    service.until(lambda: all(service.recorded(f"t{number}").heartbeats >= 9 for number in range(12)))
    service.open("gate")
    assert {holder.result(TIMEOUT_SECONDS).said for holder in holders} == {(200, "completed")}
    assert len(service.effects("begun")) == 12
