"""Apps inside of apps, under a prefix of a server's, and blueprints that come too late."""

from __future__ import annotations

import itertools
from pathlib import Path

import pytest
from flask import Flask
from werkzeug.middleware.dispatcher import DispatcherMiddleware
from werkzeug.test import Client

from taskhandler.lifecycle.record import State
from tests.border.app import border_tasks, build
from tests.border.conftest import Serve
from tests.border.customization import page
from tests.border.served import Served, lines
from tests.border.servers import SERVERS

TASKS = itertools.count()


@pytest.fixture
def served(running: Serve) -> Served:
    """For its settings and its ledger: the apps of these tests run in their process."""
    return running(SERVERS[0])


def outcomes(served: Served, app: object, path: str) -> list[tuple[str, State | None]]:
    """What comes of a handler that returns, and of one that fails: the outcome, and the record's state."""
    came = []
    for handler in ("note", "fail"):
        task = f"m{next(TASKS)}"
        answer = Client(app).post(  # type: ignore[arg-type]  # a WSGI app, whatever its type says
            f"{path}/{handler}", headers=dict(lines(task)), data=b"null"
        )
        came.append((answer.headers.get("X-TaskHandler-Outcome", ""), served.state(task)))
    return came


ALL_IS_WELL = [("completed", State.COMPLETED), ("retry", State.WAITING)]


def test_an_app_mounted_under_a_prefix_receives_its_tasks(served: Served):
    root = DispatcherMiddleware(Flask("root"), {"/shop": build("nothing/early", served.settings)})
    assert outcomes(served, root, "/shop/tasks") == ALL_IS_WELL


@pytest.mark.parametrize(
    ("mount", "when"), [("/inner", "before"), ("/inner", "after"), ("/tasks/in", "after")]
)
def test_an_app_with_tasks_inside_another_app_with_tasks_receives_its_own(
    served: Served, mount: str, when: str
):
    inner = build("nothing/early", served.settings)

    def mount_inner(outer: Flask) -> None:
        outer.wsgi_app = DispatcherMiddleware(outer.wsgi_app, {mount: inner})  # type: ignore[method-assign]  # Flask's documented way

    outer = build("nothing/early", served.settings, prepare=mount_inner if when == "before" else None)
    if when == "after":
        mount_inner(outer)
    assert outcomes(served, outer, f"{mount}/tasks") == ALL_IS_WELL
    assert outcomes(served, outer, "/tasks") == ALL_IS_WELL


def test_an_app_mounted_under_the_task_prefix_of_another_receives_no_tasks(served: Served):
    inner = build("nothing/early", served.settings)

    def mount(outer: Flask) -> None:
        outer.wsgi_app = DispatcherMiddleware(outer.wsgi_app, {"/tasks/in": inner})  # type: ignore[method-assign]  # Flask's documented way

    outer = build("nothing/early", served.settings, prepare=mount)
    assert outcomes(served, outer, "/tasks/in/tasks") == [("unknown-handler", None)] * 2


def test_a_blueprint_registered_after_the_first_request_leaves_the_app_working(served: Served):
    app = build("a_page_for_404/early", served.settings)
    assert outcomes(served, app, "/tasks") == ALL_IS_WELL
    late = border_tasks(Path(served.settings["BORDER_FOLDER"]))
    with pytest.raises(AssertionError, match="first request"):
        app.register_blueprint(late, url_prefix="/late", name="late")
    with pytest.raises(AssertionError, match="first request"):
        app.before_request(page)
    assert outcomes(served, app, "/tasks") == ALL_IS_WELL


def test_two_apps_in_one_process_have_outcomes_of_their_own(served: Served):
    kind, hostile = (
        build("nothing/early", served.settings),
        build("before_request_answers/early", served.settings),
    )
    assert outcomes(served, hostile, "/tasks") == [("intercepted", None)] * 2
    assert outcomes(served, kind, "/tasks") == ALL_IS_WELL
