"""Task blueprints among other routes of an app: which of two rules that fit a URL gets the task."""

from __future__ import annotations

import pytest
from flask import Flask

from taskhandler import ConfigError, TaskBlueprint, UsageError
from tests.web.local_app import headers_of, outcome

SETTINGS = {"TESTING": True, "TASKHANDLER_AUTH": "none", "TASKHANDLER_LEDGER": "memory://"}


def an_app() -> Flask:
    app = Flask(__name__)
    app.config.update(SETTINGS)
    return app


def team(name: str, ran: list[str]) -> TaskBlueprint:
    """A blueprint with a handler `run` that notes who ran."""
    tasks = TaskBlueprint(name, __name__)
    tasks.handler("run")(lambda _: ran.append(name))
    return tasks


def deliver(app: Flask, path: str) -> tuple[int, str]:
    return outcome(app.test_client().post(path, data=b"1", headers=headers_of(path.replace("/", "-"))))


@pytest.mark.parametrize("rule", ["/tasks/run", "/tasks/run/"])
def test_a_handler_that_a_route_of_the_app_would_shadow_is_refused(rule: str):
    app = an_app()
    app.add_url_rule(rule, "page", lambda: "page", methods=["GET", "POST"])
    with pytest.raises(UsageError, match="/tasks/run is already the URL of the endpoint 'page'"):
        app.register_blueprint(team("mail", []), url_prefix="/tasks")


def test_routes_that_do_not_shadow_a_handler_are_accepted():
    ran: list[str] = []
    app = an_app()
    app.add_url_rule("/tasks/run", "page", lambda: "page")
    app.add_url_rule("/tasks/<name>", "any", lambda name: name, methods=["POST"])
    app.register_blueprint(team("mail", ran), url_prefix="/tasks")
    assert deliver(app, "/tasks/run") == (200, "completed")
    assert app.test_client().get("/tasks/run").text == "page"
    assert ran == ["mail"]


@pytest.mark.parametrize("order", [("/tasks", "/tasks/run"), ("/tasks/run", "/tasks")])
def test_a_blueprint_at_the_url_of_a_handler_does_not_shadow_it(order: tuple[str, str]):
    ran: list[str] = []
    app = an_app()
    for prefix in order:
        app.register_blueprint(team(f"at{prefix.replace('/', '-')}", ran), url_prefix=prefix)
    assert deliver(app, "/tasks/run/run") == (200, "completed")
    assert deliver(app, "/tasks/run") == (200, "completed")
    assert ran == ["at-tasks-run", "at-tasks"]


def test_blueprints_of_two_subdomains_may_have_the_same_prefix():
    ran: list[str] = []
    app = Flask(__name__, subdomain_matching=True)
    app.config.update(an_app().config, SERVER_NAME="shop.example")
    for name in ("billing", "mail"):
        app.register_blueprint(team(name, ran), url_prefix="/tasks", subdomain=name)
    client = app.test_client()
    for name in ("mail", "billing"):
        url = f"http://{name}.shop.example/tasks/run"
        assert outcome(client.post(url, data=b"1", headers=headers_of(name))) == (200, "completed")
    assert ran == ["mail", "billing"]


@pytest.mark.parametrize("order", [["a", "b"], ["b", "a"]])
def test_a_blueprint_in_another_subdomain_than_the_targets_cannot_enqueue(order: list[str]):
    app, ran = Flask(__name__, subdomain_matching=True), list[str]()
    app.config.update(SETTINGS, SERVER_NAME="shop.com", TASK_TARGET_URL="https://a.shop.com/tasks")
    teams = {name: team(name, ran) for name in order}
    for name, tasks in teams.items():
        app.register_blueprint(tasks, url_prefix="/tasks", subdomain=name)
    mounts = app.extensions["taskhandler"].mounts
    assert mounts.url_of(teams["a"].handlers["run"]) == "https://a.shop.com/tasks/run"
    with pytest.raises(UsageError, match=r"answers under b\.shop\.com, and "):
        mounts.url_of(teams["b"].handlers["run"])


@pytest.mark.parametrize(
    ("app", "server", "subdomain"),
    [
        (Flask(__name__), "shop.com", "a"),
        (Flask(__name__, subdomain_matching=True), None, "a"),
        (Flask(__name__, subdomain_matching=True), "shop.com", "<name>"),
        (Flask(__name__, host_matching=True, static_host="shop.com"), None, None),
    ],
)
def test_a_blueprint_that_no_host_reaches_is_refused(app: Flask, server: str | None, subdomain: str | None):
    app.config.update(SETTINGS, SERVER_NAME=server)
    with pytest.raises(ConfigError, match=r"under no host|not answer under this subdomain"):
        app.register_blueprint(team("a", []), url_prefix="/tasks", subdomain=subdomain)
