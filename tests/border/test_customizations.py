"""Whatever an app registers beside its tasks, none of it acknowledges a task or changes what is answered."""

from __future__ import annotations

import itertools

import pytest

from taskhandler.lifecycle.record import State
from tests.border.app import CUSTOMIZATIONS
from tests.border.conftest import Serve
from tests.border.servers import Server, chosen

TASKS = itertools.count()
CASES = [
    f"{name}/{placement}"
    for name, customization in CUSTOMIZATIONS.items()
    for placement in customization.placements
    if not customization.kills
]
REACHING = [case for case in CASES if CUSTOMIZATIONS[case.partition("/")[0]].reaches]
BARRING = [case for case in CASES if case not in REACHING]
ON_EACH_SERVER = pytest.mark.parametrize("server", chosen(core=["test client", "gunicorn gthread"]))
CHEAPLY = pytest.mark.parametrize("server", chosen(core=["test client"]))


@ON_EACH_SERVER
@pytest.mark.parametrize("customization", REACHING)
def test_the_outcome_of_a_handler_is_answered_beside_any_app_code(
    running: Serve, server: Server, customization: str
):
    served, task = running(server), f"t{next(TASKS)}"
    said = served.deliver(task, customization=customization)
    assert (said.status, said.outcome, served.state(task)) == (200, "completed", State.COMPLETED)
    said = served.deliver(task, customization=customization, X_CloudTasks_TaskRetryCount="1")
    assert (said.status, said.outcome) == (200, "duplicate")
    assert len(served.effects("ran", task)) == 1
    for handler in ("fail", "retry"):
        failing = f"t{next(TASKS)}"
        said = served.deliver(failing, customization=customization, handler=handler)
        assert (said.status, said.outcome, served.state(failing)) == (503, "retry", State.WAITING)
        assert "retry-after" in said.head.lower()


@ON_EACH_SERVER
@pytest.mark.parametrize("customization", BARRING)
def test_app_code_that_answers_in_the_place_of_a_task_does_not_acknowledge_it(
    running: Serve, server: Server, customization: str
):
    served = running(server)
    for handler in ("note", "fail"):
        task = f"t{next(TASKS)}"
        said = served.deliver(task, customization=customization, handler=handler)
        assert (said.status, said.outcome) == (503, "intercepted")
        assert "retry-after" in said.head.lower()
        assert "sorry" not in said.body
        assert served.record(task) is None
        assert not served.effects("ran", task)


@CHEAPLY
@pytest.mark.parametrize("customization", CASES)
def test_a_task_for_an_unknown_handler_is_not_acknowledged_by_any_app_code(
    running: Serve, server: Server, customization: str
):
    served = running(server)
    for path in ("/tasks", "/tasks/", "/tasks/nobody", "/tasks//note", "/tasks/note//"):
        task = f"t{next(TASKS)}"
        said = served.deliver(task, customization=customization, path=path)
        assert (path, said.status, said.outcome) == (path, 404, "unknown-handler")
        assert served.record(task) is None


@CHEAPLY
@pytest.mark.parametrize("customization", CASES)
def test_a_request_without_a_token_is_not_acknowledged_and_runs_nothing(
    running: Serve, server: Server, customization: str
):
    served = running(server)
    for path in ("/tasks", "/tasks/note", "/tasks/nobody"):
        task = f"t{next(TASKS)}"
        said = served.deliver(task, customization=customization, path=path, Authorization=None)
        assert said.outcome in {"unauthenticated", "intercepted"}
        assert said.status == {"unauthenticated": 401, "intercepted": 503}[said.outcome]
        assert not served.effects("ran", task)


@ON_EACH_SERVER
@pytest.mark.parametrize("placement", ["early", "late"])
def test_a_page_of_the_app_is_served_to_people_and_does_not_acknowledge_a_task(
    running: Serve, server: Server, placement: str
):
    served, customization = running(server), f"pages_at_and_under_the_prefix/{placement}"
    for path, shown in {"/tasks": "sorry", "/tasks/health": "sorry", "/tasks/log": "line 2"}.items():
        said = served.deliver(
            "t", b"", customization=customization, path=path, method="GET", X_CloudTasks_TaskName=None
        )
        assert (path, said.status, said.outcome) == (path, 200, "")
        assert shown in said.body
        said = served.deliver("t", customization=customization, path=path)
        assert (path, said.status, said.outcome) == (path, 404, "unknown-handler")
    assert served.record("t") is None
