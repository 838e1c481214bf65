"""What the README promises, each promise in its words, of a service as it is really served."""

from __future__ import annotations

import http.client
import os
import signal
import subprocess

import pytest
from google.cloud import tasks_v2

from taskhandler.devqueue.faults import TokenFault
from taskhandler.lifecycle.record import State
from tests.serving.conftest import Serve
from tests.serving.deliveries import begin, create, deliver, redeliver
from tests.serving.service import ACCOUNT, TIMEOUT_SECONDS, Service


def refusing(service: Service) -> set[int]:
    """The processes that have found a task in flight."""
    return {effect.pid for effect in service.effects("task_in_flight")}


def test_a_task_that_completed_is_not_run_again(serve: Serve, client: tasks_v2.CloudTasksClient):
    service = serve()
    service.queue.faults(duplicate=1.0, late_duplicate=1.0, late_after=0.5)
    for number in range(10):
        create(client, service, f"t{number}")
    service.until(lambda: len(service.effects("task_duplicate")) == 20)
    answers = {deliver(service, "t0", retry=retry).said for retry in range(5)}
    assert answers == {(200, "duplicate")}
    for number in range(10):
        record = service.recorded(f"t{number}")
        assert (record.state, record.attempt, record.result) == (State.COMPLETED, 1, '{"attempt":1}')
        assert len(service.effects("begun", f"t{number}")) == 1


def test_at_most_one_live_delivery_runs_a_task_at_a_time(serve: Serve):
    service = serve("--workers", "3", "--preload", "--worker-class", "gthread", "--threads", "8")
    answers = [begin(service, "t", [["wait"]]) for _ in range(20)]
    service.until(lambda: sum(answer.done() for answer in answers) == 19)
    refused = [answer.result() for answer in answers if answer.done()]
    assert {answer.said for answer in refused} == {(429, "in-flight")}
    assert {answer.retry_after for answer in refused} <= {"1", "2"}
    service.until(lambda: deliver(service, "t", [["wait"]]).status == 429 and len(refusing(service)) > 1)
    service.open("t")
    (said,) = {answer.result(TIMEOUT_SECONDS).said for answer in answers} - {(429, "in-flight")}
    assert said == (200, "completed")
    assert len(service.effects("begun", "t")) == 1
    assert service.recorded("t").attempt == 1


@pytest.mark.parametrize("end", [[], ["fail late"], ["reject late"], ["check"]])
def test_a_holder_that_lost_its_lease_is_fenced(serve: Serve, end: list[str]):
    service = serve()
    script = [["wait", *end]]
    zombie = begin(service, "t", script)
    stopped = service.begun("t").pid
    os.kill(stopped, signal.SIGSTOP)
    assert redeliver(service, "t", script).said == (200, "completed")
    completed = service.recorded("t")
    assert (completed.state, completed.attempt, completed.result) == (State.COMPLETED, 2, '{"attempt":2}')
    assert completed.history == ("1 lost",)
    service.open("t")
    os.kill(stopped, signal.SIGCONT)
    assert zombie.result(TIMEOUT_SECONDS).said == (200, "duplicate")
    assert service.recorded("t") == completed
    (fenced,) = service.effects("task_fenced", "t")
    assert fenced.pid == stopped
    assert len(service.effects("task_completed", "t")) == 1


def test_a_holder_that_lost_its_lease_to_one_that_still_runs_is_answered_503(serve: Serve):
    service = serve(TASKHANDLER_IN_FLIGHT_WAIT="20")
    script = [["wait"], ["wait second"]]
    zombie = begin(service, "t", script)
    stopped = service.begun("t").pid
    os.kill(stopped, signal.SIGSTOP)
    holder = begin(service, "t", script, retry=1)
    service.begun("t", 2)
    service.open("t")
    os.kill(stopped, signal.SIGCONT)
    assert zombie.result(TIMEOUT_SECONDS).said == (503, "retry")
    assert service.recorded("t").state is State.RUNNING
    service.open("second")
    assert holder.result(TIMEOUT_SECONDS).said == (200, "completed")
    assert service.recorded("t").attempt == 2


@pytest.mark.parametrize(("end", "state"), [([], State.COMPLETED), (["reject no"], State.REJECTED)])
def test_a_task_is_answered_2xx_only_when_its_end_is_durably_recorded(
    serve: Serve, end: list[str], state: State
):
    service = serve()
    with pytest.raises((http.client.HTTPException, OSError)):  # did its work, and died unrecorded
        deliver(service, "t", [["kill"], end])
    assert service.state("t") is State.RUNNING
    assert redeliver(service, "t", [["kill"], end]).said == (200, state.value)
    service.kill()  # what was answered is in the file, whatever becomes of the processes
    record = service.recorded("t")
    assert (record.state, record.attempt, record.history) == (state, 2, ("1 lost",))


def test_a_task_whose_reply_is_lost_is_a_duplicate_at_its_next_delivery(
    serve: Serve, client: tasks_v2.CloudTasksClient
):
    service = serve()
    service.queue.faults(drop_reply=1.0, attempts=(0, 1))
    create(client, service, "t")
    service.until(lambda: len(service.effects("task_duplicate", "t")) == 2)
    service.until(lambda: service.answers("t")[2:] == [200])
    sent = [entry for entry in service.queue.attempts("t") if entry["queue"] == service.queue_name]
    assert [entry["error"] for entry in sent] == ["reply dropped", "reply dropped", None]
    assert len(service.effects("begun", "t")) == 1


def test_nobody_but_the_configured_service_accounts_can_run_a_handler(serve: Serve):
    service = serve()
    answers = {
        fault: deliver(service, "t", bearer=forged(service, fault)).said
        for fault in TokenFault
        if fault is not TokenFault.NONE
    }
    assert answers.pop(TokenFault.WRONG_EMAIL) == (403, "forbidden")
    assert set(answers.values()) == {(401, "unauthenticated")}
    for bearer in ("", "x", "x" * 7000, "a.b.c"):
        assert deliver(service, "t", bearer=bearer).said == (401, "unauthenticated")
    assert not service.effects("begun")
    assert service.record("t") is None


def forged(service: Service, fault: TokenFault) -> str:
    return service.queue.token(email=ACCOUNT, audience=service.target, fault=fault)


@pytest.mark.parametrize("missing", ["TASK_TARGET_URL", "TASK_SERVICE_ACCOUNT_EMAIL"])
def test_a_service_that_is_not_configured_to_check_refuses_to_start(serve: Serve, missing: str):
    service = serve(**{missing: ""})
    assert service.gunicorn.wait(TIMEOUT_SECONDS) != 0
    assert "ConfigError" in service.log.read_text()


def test_a_service_with_auth_none_refuses_to_start(serve: Serve):
    service = serve(TASKHANDLER_AUTH="none")
    try:
        assert service.gunicorn.wait(TIMEOUT_SECONDS) != 0
    except subprocess.TimeoutExpired:  # pragma: no cover - the test fails
        pytest.fail("it starts")
    assert "anyone could run the handlers" in service.log.read_text()
