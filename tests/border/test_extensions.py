"""Real extensions beside tasks: none acknowledges a task, and each can be configured to let tasks through."""

from __future__ import annotations

import itertools
import logging

import pytest

from taskhandler.lifecycle.record import State
from tests.border.conftest import Serve
from tests.border.extensions import EXTENSIONS
from tests.border.servers import SERVERS, Server, chosen

TASKS = itertools.count()
ON_EACH_SERVER = pytest.mark.parametrize("server", chosen(core=["test client"]))
BARRING = [
    f"{name}/{placement}"
    for name, extension in EXTENSIONS.items()
    for placement in ("early", "late")
    if not extension.reaches
]
PASSING = [
    f"{name}{', exempted' * (extension.exempted is not None)}/{placement}"
    for name, extension in EXTENSIONS.items()
    for placement in extension.placements
    if extension.reaches or extension.exempted
]
TEST_CLIENT = SERVERS[0]


@ON_EACH_SERVER
@pytest.mark.parametrize("extension", BARRING)
def test_an_extension_that_answers_does_not_acknowledge_a_task(
    running: Serve, server: Server, extension: str
):
    served, task = running(server), f"x{next(TASKS)}"
    said = served.deliver(task, customization=extension)
    assert (said.status, said.outcome, served.record(task)) == (503, "intercepted", None)
    assert "retry-after" in said.head.lower()


@ON_EACH_SERVER
@pytest.mark.parametrize("extension", PASSING)
def test_an_extension_that_lets_tasks_through_leaves_their_outcomes_unchanged(
    running: Serve, server: Server, extension: str
):
    served, task, failing = running(server), f"x{next(TASKS)}", f"x{next(TASKS)}"
    said = served.deliver(task, customization=extension)
    assert (said.status, said.outcome, served.state(task)) == (200, "completed", State.COMPLETED)
    assert said.body.startswith('{"outcome":"completed"')
    said = served.deliver(failing, customization=extension, handler="fail")
    assert (said.status, said.outcome, served.state(failing)) == (503, "retry", State.WAITING)
    assert [effect.attempt for effect in served.effects("ran", task)] == [1]


ANSWERED = {
    "Flask-WTF/early": "400",
    "Flask-WTF with an error page/early": "200",
    "Flask-Limiter/early": "429",
    "Flask-Talisman/early": "302",
    "Flask-Login/early": "302",
    "before_request_answers/early": "200",
    "a_session_that_cannot_be_opened/early": "500",
}


@pytest.mark.parametrize(("customization", "answered"), ANSWERED.items())
def test_what_an_extension_answered_in_the_place_of_a_task_is_one_log_line(
    fresh: Serve, caplog: pytest.LogCaptureFixture, customization: str, answered: str
):
    fresh(TEST_CLIENT).deliver("t", customization=customization)
    (line,) = [record for record in caplog.records if getattr(record, "outcome", "") == "intercepted"]
    assert answered in line.getMessage()
    assert "note" in line.getMessage()
    assert line.levelno == logging.WARNING
