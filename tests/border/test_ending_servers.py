"""Servers that stop, die or lose their client while a handler runs: nothing is lost."""

from __future__ import annotations

import contextlib
import http.client
import itertools
import threading
from concurrent.futures import Future

import pytest

from taskhandler.lifecycle.record import TERMINAL, State
from tests.border.conftest import Serve
from tests.border.served import TIMEOUT_SECONDS, Served, lines
from tests.border.servers import Server, chosen
from tests.serving.raw_http import Said, request

TASKS = itertools.count()
COMPLETED = (200, "completed")
SIGNAL_IS_HANDLED = threading.Event()
ON_EACH_SERVER = pytest.mark.parametrize("server", chosen(core=["waitress"], processes=True))


def begin(served: Served, task: str) -> Future[list[Said]]:
    """Deliver a task whose handler waits, and wait until that runs; the answer, or none, comes later."""
    answer: Future[list[Said]] = Future()

    def run() -> None:
        try:
            answer.set_result(served.exchange(request(lines(task), b"", path="/tasks/wait")))
        except (OSError, http.client.HTTPException) as error:
            answer.set_exception(error)

    threading.Thread(target=run, daemon=True).start()
    served.until(lambda: served.effects("ran", task))
    return answer


def redeliver(served: Served, task: str) -> None:
    """Deliver a task again until it is acknowledged, which it is when its end is recorded."""
    retries = itertools.count(1)

    def acknowledged() -> bool:
        said = served.deliver(task, b"", handler="wait", X_CloudTasks_TaskRetryCount=str(next(retries)))
        assert (said.status == 200) == (served.state(task) in TERMINAL)
        return said.status == 200

    served.until(acknowledged)


@ON_EACH_SERVER
def test_a_task_that_runs_at_sigterm_completes_or_is_taken_over(fresh: Serve, server: Server):
    served = fresh(server)
    answer = begin(served, "t")
    served.terminate()
    if server.finishes_on_sigterm:
        SIGNAL_IS_HANDLED.wait(1)  # opened sooner, the gate would only make this a weaker test
        served.open("t")
        assert [(said.status, said.outcome) for said in answer.result(TIMEOUT_SECONDS)] == [COMPLETED]
    served.wait()
    served.open("t")
    record = served.record("t")
    assert record is not None
    finished = State.COMPLETED if server.finishes_on_sigterm else State.RUNNING
    assert (record.state, record.attempt) == (finished, 1)
    served.start()
    redeliver(served, "t")
    record = served.record("t")
    assert record is not None
    assert (record.state, record.attempt) == (State.COMPLETED, 1 if server.finishes_on_sigterm else 2)


@ON_EACH_SERVER
def test_a_task_whose_worker_is_killed_is_taken_over(fresh: Serve, server: Server):
    served = fresh(server)
    answer = begin(served, "t")
    served.kill()
    assert answer.exception(TIMEOUT_SECONDS) or not answer.result()
    assert served.state("t") is State.RUNNING
    served.open("t")
    served.start()
    redeliver(served, "t")
    record = served.record("t")
    assert record is not None
    assert (record.state, record.attempt, record.history) == (State.COMPLETED, 2, ("1 lost",))


@ON_EACH_SERVER
def test_a_hook_that_ends_the_process_acknowledges_nothing(fresh: Serve, server: Server):
    served = fresh(server)
    ending = request(
        lines("t", customization="before_request_ends_the_process/early"), b"null", path="/tasks/note"
    )
    with contextlib.suppress(OSError):  # the connection broke off, which is not an answer either
        assert not [said for said in served.exchange(ending) if said.status < 400]
    assert served.record("t") is None
    served.kill()
    served.start()
    assert served.deliver("t").outcome == "completed"


@ON_EACH_SERVER
def test_a_client_that_hangs_up_in_the_middle_of_a_handler_does_not_stop_it(running: Serve, server: Server):
    served, task = running(server), f"e{next(TASKS)}"
    served.send_and_leave(request(lines(task), b"null", path="/tasks/wait"))
    served.until(lambda: served.effects("ran", task))
    served.open(task)
    served.until(lambda: served.state(task) is State.COMPLETED)
    said = served.deliver(task, b"null", handler="wait", X_CloudTasks_TaskRetryCount="1")
    assert (said.status, said.outcome) == (200, "duplicate")
    assert len(served.effects("ran", task)) == 1
