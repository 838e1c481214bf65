"""An app's own hooks and error handlers cannot answer a task in the place of its delivery."""

from __future__ import annotations

import pytest
from flask import Flask, Response, redirect

from taskhandler import TaskBlueprint
from tests.desk import app_with, deliver, outcome, record_of


@pytest.fixture
def tasks() -> TaskBlueprint:
    blueprint = TaskBlueprint("tasks", __name__)
    blueprint.handler("echo")(lambda payload: payload)
    return blueprint


def test_a_before_request_that_answers_200_does_not_acknowledge(tasks: TaskBlueprint) -> None:
    app = app_with(tasks)
    app.before_request(lambda: "down for maintenance")
    assert outcome(deliver(app, "echo")) == (503, "unavailable")
    assert record_of(app) is None


@pytest.mark.parametrize("early", [True, False])
def test_an_after_request_that_answers_otherwise_does_not_acknowledge(
    tasks: TaskBlueprint, *, early: bool
) -> None:
    def elsewhere(_: Response) -> Response:
        answer = redirect("https://else.where")
        assert isinstance(answer, Response)
        return answer

    app = Flask(__name__)
    app.config.update({"TESTING": True, "TASKHANDLER_AUTH": "none", "TASKHANDLER_LEDGER": "memory://"})
    if early:
        app.after_request(elsewhere)
    app.register_blueprint(tasks, url_prefix="/tasks")
    if not early:
        app.after_request(elsewhere)
    assert outcome(deliver(app, "echo")) == (503, "unavailable")


def test_an_error_handler_that_answers_200_does_not_acknowledge(tasks: TaskBlueprint) -> None:
    app = app_with(tasks, TESTING=True, PROPAGATE_EXCEPTIONS=False)

    @app.before_request
    def broken() -> None:
        raise RuntimeError

    app.register_error_handler(500, lambda _: ("sorry", 200))
    assert outcome(deliver(app, "echo")) == (503, "unavailable")


@pytest.mark.parametrize("path", ["echo//", "nobody", "no//body"])
def test_a_404_handler_that_redirects_does_not_acknowledge(tasks: TaskBlueprint, path: str) -> None:
    app = app_with(tasks)
    app.register_error_handler(404, lambda _: redirect("/"))
    assert outcome(deliver(app, path)) == (404, "unknown-handler")


def test_the_apps_own_limit_of_bodies_does_not_answer(tasks: TaskBlueprint) -> None:
    app = app_with(tasks, MAX_CONTENT_LENGTH=10)
    app.register_error_handler(413, lambda _: redirect("/"))
    assert outcome(deliver(app, "echo", b"1" * 100)) == (200, "completed")


def test_the_apps_other_routes_are_left_alone(tasks: TaskBlueprint) -> None:
    app = app_with(tasks)
    app.add_url_rule("/", "home", lambda: "hello")
    app.register_error_handler(404, lambda _: ("nothing here", 200))
    client = app.test_client()
    assert client.get("/").text == "hello"
    assert client.get("/nowhere").status_code == 200
    assert client.post("/nowhere").status_code == 200


def test_no_answer_holds_a_traceback_or_the_payload(tasks: TaskBlueprint) -> None:
    @tasks.handler("leaky")
    def leaky(_: str) -> None:
        raise ValueError("the secret is 4711")

    response = deliver(app_with(tasks), "leaky", b'"hush"')
    assert outcome(response) == (503, "retry")
    assert response.json == {"outcome": "retry", "task": "t1", "attempt": 1}
