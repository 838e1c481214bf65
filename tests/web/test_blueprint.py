"""Mounting, routing and refusing: the blueprint as Flask sees it."""

from __future__ import annotations

from typing import Any

import pytest
from flask import Blueprint, Flask

from taskhandler import ConfigError, Handler, TaskBlueprint, UsageError
from tests.web.local_app import app_with, deliver, headers_of, outcome, record_of


@pytest.fixture
def tasks() -> TaskBlueprint:
    blueprint = TaskBlueprint("tasks", __name__)
    blueprint.handler("echo")(lambda payload: payload)
    return blueprint


def bare_app(**settings: object) -> Flask:
    app = Flask(__name__)
    app.config.update({"TESTING": True, "TASKHANDLER_AUTH": "none", "TASKHANDLER_LEDGER": "memory://"})
    app.config.update(settings)
    return app


def test_a_handler_is_declared_with_and_without_arguments() -> None:
    tasks = TaskBlueprint("tasks", __name__)

    @tasks.handler
    def one() -> str:
        return "one"

    @tasks.handler("number-two")
    def two(number: int) -> int:
        return 2 * number

    @tasks.handler(max_attempts=3)
    def three() -> None: ...

    assert [handler.name for handler in (one, two, three)] == ["one", "number-two", "three"]
    assert isinstance(two, Handler)
    assert (one(), two(21)) == ("one", 42)
    assert three.options.max_attempts == 3


def test_an_unknown_option_is_refused_with_a_guess() -> None:
    tasks = TaskBlueprint("tasks", __name__)
    options: dict[str, Any] = {"max_atempts": 3}
    with pytest.raises(UsageError, match=r"max_atempts.*Did you mean .max_attempts."):
        tasks.handler("x", **options)(lambda: None)


def test_two_handlers_of_one_name_are_refused(tasks: TaskBlueprint) -> None:
    with pytest.raises(UsageError, match="already has a handler 'echo'"):
        tasks.handler("echo")(lambda: None)


def test_a_handler_declared_after_registration_is_refused(tasks: TaskBlueprint) -> None:
    app_with(tasks)
    with pytest.raises(AssertionError, match="handler"):
        tasks.handler("late")(lambda: None)


@pytest.mark.parametrize("prefix", [None, "", "/", "/<tenant>/tasks"])
def test_a_url_prefix_is_required(tasks: TaskBlueprint, prefix: str | None) -> None:
    with pytest.raises(ConfigError, match="url_prefix"):
        bare_app().register_blueprint(tasks, url_prefix=prefix)


def test_a_service_that_is_not_configured_to_check_refuses_to_start(tasks: TaskBlueprint) -> None:
    app = Flask(__name__)
    app.config.update({"TASKHANDLER_LEDGER": "memory://"})
    with pytest.raises(ConfigError, match="TASKHANDLER_AUDIENCE is not set"):
        app.register_blueprint(tasks, url_prefix="/tasks")
    app = Flask(__name__)
    app.config.update({"TASKHANDLER_LEDGER": "memory://", "TASKHANDLER_AUDIENCE": "https://a.b"})
    with pytest.raises(ConfigError, match="TASKHANDLER_SERVICE_ACCOUNTS is not set"):
        app.register_blueprint(tasks, url_prefix="/tasks")


def test_auth_none_is_refused_outside_debug_and_testing(tasks: TaskBlueprint) -> None:
    with pytest.raises(ConfigError, match="TASKHANDLER_AUTH = 'none'"):
        bare_app(TESTING=False).register_blueprint(tasks, url_prefix="/tasks")


def test_a_ledger_that_is_not_shared_is_refused_on_cloud_run(
    tasks: TaskBlueprint, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("K_SERVICE", "shop")
    settings = {
        "TASKHANDLER_AUTH": "oidc",
        "TASKHANDLER_AUDIENCE": "a",
        "TASKHANDLER_SERVICE_ACCOUNTS": "a@b.c",
    }
    with pytest.raises(ConfigError, match=r"TASKHANDLER_LEDGER = 'memory://'.*firestore"):
        bare_app(**settings).register_blueprint(tasks, url_prefix="/tasks")


def test_a_task_blueprint_can_be_nested(tasks: TaskBlueprint) -> None:
    app, outer = bare_app(), Blueprint("outer", __name__, url_prefix="/internal")
    outer.register_blueprint(tasks, url_prefix="/queue")
    app.register_blueprint(outer)
    response = app.test_client().post("/internal/queue/echo", data=b"1", headers=headers_of())
    assert outcome(response) == (200, "completed")
    response = app.test_client().post("/internal/queue/nobody", data=b"1", headers=headers_of())
    assert outcome(response) == (404, "unknown-handler")


def test_a_blueprint_can_be_registered_twice_under_different_names(tasks: TaskBlueprint) -> None:
    app = bare_app()
    app.register_blueprint(tasks, url_prefix="/a")
    app.register_blueprint(tasks, url_prefix="/b", name="tasks-again")
    client = app.test_client()
    assert outcome(client.post("/a/echo", data=b"1", headers=headers_of())) == (200, "completed")
    assert outcome(client.post("/b/echo", data=b"1", headers=headers_of())) == (200, "duplicate")


def test_two_task_blueprints_may_share_an_app_and_a_prefix(tasks: TaskBlueprint) -> None:
    other = TaskBlueprint("others", __name__)
    other.handler("shout")(lambda payload: payload)
    app = app_with(tasks)
    app.register_blueprint(other, url_prefix="/tasks")
    assert outcome(deliver(app, "echo", task="a")) == (200, "completed")
    assert outcome(deliver(app, "shout", task="b")) == (200, "completed")
    assert outcome(deliver(app, "nobody", task="c")) == (404, "unknown-handler")


def test_one_blueprint_may_live_in_two_apps(tasks: TaskBlueprint) -> None:
    apps = [app_with(tasks), app_with(tasks)]
    assert [outcome(deliver(app, "echo")) for app in apps] == [(200, "completed")] * 2


@pytest.mark.parametrize("path", ["/tasks/echo", "/tasks/echo/"])
def test_a_missing_or_trailing_slash_is_not_redirected(tasks: TaskBlueprint, path: str) -> None:
    response = app_with(tasks).test_client().post(path, data=b"1", headers=headers_of())
    assert outcome(response) == (200, "completed")


@pytest.mark.parametrize("path", ["//tasks/echo", "/tasks//echo", "/tasks/echo//", "/tasks//"])
def test_doubled_slashes_are_not_redirected(tasks: TaskBlueprint, path: str) -> None:
    response = app_with(tasks).test_client().open(path, method="POST", data=b"1", headers=headers_of())
    assert response.status_code == 404


@pytest.mark.parametrize("method", ["GET", "HEAD", "PUT", "PATCH", "DELETE", "OPTIONS"])
def test_another_method_is_answered_405_with_allow(tasks: TaskBlueprint, method: str) -> None:
    app = app_with(tasks)
    response = app.test_client().open("/tasks/echo", method=method, headers=headers_of())
    assert outcome(response) == (405, "wrong-method")
    assert response.headers["Allow"] == "POST"
    assert record_of(app) is None


def test_an_unknown_handler_is_answered_404_and_nothing_is_recorded(tasks: TaskBlueprint) -> None:
    app = app_with(tasks)
    assert outcome(deliver(app, "nobody")) == (404, "unknown-handler")
    assert outcome(deliver(app, "no/body")) == (404, "unknown-handler")
    assert record_of(app) is None


def test_the_apps_other_routes_are_not_shadowed(tasks: TaskBlueprint) -> None:
    app = app_with(tasks)
    app.add_url_rule("/tasks/<int:number>", "page", lambda number: f"page {number}", methods=["GET", "POST"])
    app.add_url_rule("/<path:rest>", "site", lambda rest: f"site {rest}")
    client = app.test_client()
    assert client.get("/tasks/7").text == "page 7"
    assert client.post("/tasks/7").text == "page 7"
    assert outcome(client.get("/tasks/nobody")) == (404, "unknown-handler")
    assert client.get("/elsewhere").text == "site elsewhere"
    assert outcome(deliver(app, "echo")) == (200, "completed")


def test_an_async_handler_completes_its_task(tasks: TaskBlueprint) -> None:
    @tasks.handler("wait")
    async def wait(number: int) -> int:
        return number + 1

    app = app_with(tasks)
    assert outcome(deliver(app, "wait", b"1")) == (200, "completed")
    record = record_of(app)
    assert record is not None
    assert record.result == "2"


def test_enqueue_outside_of_an_app_context_says_what_to_write(tasks: TaskBlueprint) -> None:
    with pytest.raises(UsageError, match=r"app\.app_context"):
        tasks.handlers["echo"].enqueue({})


def test_every_answer_is_json(tasks: TaskBlueprint) -> None:
    app = app_with(tasks)
    for handler in ("echo", "nobody"):
        assert deliver(app, handler).content_type == "application/json"


def test_a_handlers_accounts_must_be_among_those_of_the_service() -> None:
    tasks = TaskBlueprint("tasks", __name__)
    tasks.handler("x", service_accounts="else@b.iam.gserviceaccount.com")(lambda: None)
    settings = {
        "TASKHANDLER_AUTH": "oidc",
        "TASKHANDLER_AUDIENCE": "a",
        "TASKHANDLER_SERVICE_ACCOUNTS": "a@b.c",
    }
    with pytest.raises(ConfigError, match=r"service_accounts = .*else@b.*TASKHANDLER_SERVICE_ACCOUNTS"):
        bare_app(**settings).register_blueprint(tasks, url_prefix="/tasks")
