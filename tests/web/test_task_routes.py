"""Which requests are tasks: by path and header, whatever else the app routes."""

from __future__ import annotations

import pytest
from flask import Flask, current_app
from werkzeug.routing import BaseConverter
from werkzeug.test import EnvironBuilder

from taskhandler import TaskBlueprint
from taskhandler.web.task_routes import TaskRoutes

NAME = "HTTP_X_CLOUDTASKS_TASKNAME"


@pytest.fixture
def routes() -> TaskRoutes:
    tasks = TaskBlueprint("tasks", __name__)
    charge = tasks.handler("charge")(lambda: None)
    app = Flask(__name__)
    app.add_url_rule("/<path:rest>", "rest", methods=["GET", "PUT"])
    app.add_url_rule("/tasks/page/<int:number>/", "page")
    app.add_url_rule("/caf\u00e9/menu", "menu")
    routes = TaskRoutes(app, name_header=NAME)
    routes.add_mount("/tasks")
    routes.add_handler("/tasks", charge, endpoint="tasks.charge")
    routes.add_mount("/caf\u00e9")
    routes.add_handler("/caf\u00e9", charge, endpoint="more.charge")
    return routes


def environ(path: str, method: str = "POST", **more: str) -> dict[str, object]:
    return {**EnvironBuilder(method=method).get_environ(), "PATH_INFO": path, **more}


@pytest.mark.parametrize("path", ["/tasks/charge", "/tasks/charge/", "/caf\xc3\xa9/charge"])
def test_a_path_of_a_handler_is_a_task_route_and_finds_it(routes: TaskRoutes, path: str) -> None:
    handler = routes.find_handler(path)
    assert handler is not None
    assert handler.name == "charge"
    assert routes.is_task(environ(path, **{NAME: "t1"}))
    assert routes.is_task(environ(path))
    assert routes.is_task(environ(path, "GET"))


@pytest.mark.parametrize(
    "path",
    [
        "/tasks",
        "/tasks/",
        "tasks/x",
        "//tasks//x",
        "/TASKS/x",
        "/a/../tasks",
        "/./tasks/x",
        "/tasks/page/7/",
        "/caf\xc3\xa9",
    ],
)
def test_with_a_task_name_every_path_at_or_under_the_prefix_is_a_task_route(
    routes: TaskRoutes, path: str
) -> None:
    assert routes.is_task(environ(path, **{NAME: "t1"}))
    assert routes.find_handler(path) is None


@pytest.mark.parametrize("path", ["/", "", "/task", "/taskscharge", "/x/tasks/charge"])
def test_a_path_outside_of_the_prefix_is_not_a_task_route(routes: TaskRoutes, path: str) -> None:
    assert not routes.is_task(environ(path, **{NAME: "t1"}))
    assert not routes.is_task(environ(path))


@pytest.mark.parametrize("path", ["/tasks", "/tasks/", "//tasks", "/tasks/page/7/", "/tasks/page/7"])
@pytest.mark.parametrize("method", ["GET", "POST", "NONSENSE"])
def test_without_a_task_name_rules_of_the_app_and_the_bare_prefix_are_not_task_routes(
    routes: TaskRoutes, path: str, method: str
) -> None:
    assert not routes.is_task(environ(path, method))


@pytest.mark.parametrize("path", ["/tasks/nobody", "/tasks/page/x/", "/tasks//page//7/", "/caf\xc3\xa9/x"])
def test_without_a_task_name_a_path_that_only_a_catch_all_fits_is_a_task_route(
    routes: TaskRoutes, path: str
) -> None:
    assert routes.is_task(environ(path))


def test_a_rule_of_the_app_may_lie_under_a_prefix_that_is_not_ascii(routes: TaskRoutes) -> None:
    assert not routes.is_task(environ("/caf\xc3\xa9/menu", "GET"))


@pytest.mark.parametrize("host", ["a..b", "x" * 300, "", "[::1", "a:b:c", "\xff"])
def test_an_impossible_host_does_not_raise(routes: TaskRoutes, host: str) -> None:
    assert routes.is_task(environ("/tasks/nobody", HTTP_HOST=host))
    assert routes.is_task(environ("/tasks/charge", HTTP_HOST=host))


class LoadingConverter(BaseConverter):
    """One that loads what the path names, in the app's context, and may fail."""

    def to_python(self, value: str) -> object:
        return current_app.config["ROWS"][value]


def test_a_page_of_the_app_whose_converter_needs_the_app_is_not_a_task_route() -> None:
    app = Flask(__name__)
    app.config["ROWS"] = {}
    app.url_map.converters["row"] = LoadingConverter
    app.add_url_rule("/tasks/<row:row>", "row")
    routes = TaskRoutes(app, name_header=NAME)
    routes.add_mount("/tasks")
    assert not routes.is_task(environ("/tasks/7", "GET"))


def test_a_page_of_the_app_in_a_subdomain_is_not_a_task_route() -> None:
    app = Flask(__name__, subdomain_matching=True)
    app.config["SERVER_NAME"] = "h.com"
    app.add_url_rule("/tasks/own", "own", subdomain="<tenant>")
    routes = TaskRoutes(app, name_header=NAME)
    routes.add_mount("/tasks")
    assert not routes.is_task(environ("/tasks/own", "GET", HTTP_HOST="t.h.com"))
    assert routes.is_task(environ("/tasks/own", "GET", HTTP_HOST="h.com"))
