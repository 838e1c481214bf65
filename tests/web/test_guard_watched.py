"""Requests that carry a task's name and become a task's only on their way, or never do."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterable, Iterator
from typing import Any

import pytest
from flask import Flask, Response, request
from flask.wrappers import Request
from werkzeug.routing import MapAdapter
from werkzeug.test import run_wsgi_app

from taskhandler import TaskBlueprint
from tests.web.customizations import Customization, fail
from tests.web.guarded_app import SETTINGS, an_app, is_recorded
from tests.web.local_app import headers_of, outcome, record_of

WSGI = Callable[[dict[str, Any], Any], Iterable[bytes]]


def stripped(environ: dict[str, Any]) -> dict[str, Any]:
    return {**environ, "PATH_INFO": environ["PATH_INFO"].removeprefix("/v1"), "SCRIPT_NAME": "/v1"}


def standard_keys_only(environ: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in stripped(environ).items() if key.isupper() or key[:5] == "wsgi."}


def with_a_body_that_was_read(environ: dict[str, Any]) -> dict[str, Any]:
    body = environ["wsgi.input"].read(int(environ["CONTENT_LENGTH"]))
    return {**stripped(environ), "wsgi.input": io.BytesIO(body)}


def around(change: Callable[[dict[str, Any]], dict[str, Any]]) -> Customization:
    def install(app: Flask) -> None:
        inner = app.wsgi_app
        app.wsgi_app = lambda environ, start: inner(change(environ), start)  # type: ignore[assignment, method-assign]  # as Flask's docs do

    return Customization(install)


def lazily(app: Flask) -> None:
    inner = app.wsgi_app

    def middleware(environ: dict[str, Any], start: Any) -> Iterator[bytes]:  # noqa: ANN401 - as WSGI
        yield from inner(stripped(environ), start)

    app.wsgi_app = middleware  # type: ignore[assignment, method-assign]  # as Flask's docs do


def by_its_request_class(app: Flask) -> None:
    class Moved(Request):
        def __init__(self, environ: dict[str, Any], *more: Any, **named: Any) -> None:  # noqa: ANN401 - as werkzeug has it
            super().__init__(stripped(environ), *more, **named)

    app.request_class = Moved


def by_its_url_adapter(app: Flask) -> None:
    made = app.create_url_adapter

    def create_url_adapter(request: Request | None) -> MapAdapter | None:
        adapter = made(request)
        if adapter is not None and adapter.path_info is not None:
            adapter.path_info = adapter.path_info.removeprefix("/v1")
        return adapter

    app.create_url_adapter = create_url_adapter  # type: ignore[method-assign]  # as a subclass would


MOVERS = {
    "a middleware": around(stripped),
    "a middleware that hands on the standard keys only": around(standard_keys_only),
    "a middleware that has read the body": around(with_a_body_that_was_read),
    "a middleware that is a generator": Customization(lazily),
    "the request's class": Customization(by_its_request_class),
    "the adapter of URLs": Customization(by_its_url_adapter),
}


@pytest.mark.parametrize("late", [True, False])
@pytest.mark.parametrize("name", MOVERS)
def test_an_error_page_does_not_acknowledge_a_task_however_its_request_was_moved(name: str, *, late: bool):
    app = an_app(before=[MOVERS[name]])
    app.register_error_handler(Exception, lambda _: ("sorry", 200))
    if late:
        app.after_request(fail)
    client = app.test_client()
    assert outcome(client.post("/v1/tasks/bad", data=b"1", headers=headers_of())) == (503, "retry")
    assert outcome(client.post("/v1/tasks/ok", data=b"1", headers=headers_of("t2"))) == (200, "completed")
    record = record_of(app, "t2")
    assert record is not None
    assert record.result == '{"done":true}'


@pytest.mark.parametrize("path", ["/v1/tasks", "/v1/tasks/nobody", "/v1/tasks//ok"])
def test_a_moved_task_for_an_unknown_handler_is_answered_404(path: str):
    app = an_app(before=[MOVERS["a middleware"]])
    app.register_error_handler(404, lambda _: ("single page", 200))
    client = app.test_client()
    response = client.post(environ_overrides={"PATH_INFO": path}, data=b"1", headers=headers_of())
    assert outcome(response) == (404, "unknown-handler")
    assert outcome(client.put("/v1/tasks/ok", data=b"1", headers=headers_of())) == (405, "wrong-method")
    assert record_of(app) is None


def test_another_rule_for_a_tasks_endpoint_is_guarded_too():
    app = an_app()
    app.add_url_rule("/legacy", endpoint="tasks.bad", methods=["POST"])
    app.register_error_handler(Exception, lambda _: ("sorry", 200))
    response = app.test_client().post("/legacy", data=b"1", headers=headers_of())
    assert outcome(response) == (503, "retry")
    assert not is_recorded(app)


@pytest.mark.parametrize("name", ["t1", "other"])
@pytest.mark.parametrize("code", [202, 500])
def test_a_request_of_the_apps_own_that_delivers_a_task_keeps_its_own_answer(name: str, code: int):
    app = an_app()
    statuses: list[str] = []

    @app.post("/fan")
    def fan() -> tuple[str, int]:
        again = {**request.environ, "PATH_INFO": "/tasks/ok", "HTTP_X_CLOUDTASKS_TASKNAME": name}
        again |= {"wsgi.input": io.BytesIO(b"1"), "CONTENT_LENGTH": "1"}
        statuses.append(run_wsgi_app(app.wsgi_app, again)[1])
        return "fan", code

    response = app.test_client().post("/fan", data=b"1", headers=headers_of())
    assert (response.status_code, response.text) == (code, "fan")
    assert statuses == ["200 OK"]


def test_a_request_that_never_becomes_a_task_is_streamed_with_its_own_answer():
    made: list[int] = []

    def numbers() -> Iterator[bytes]:
        for number in range(3):
            made.append(number)
            yield b"%d" % number

    app = an_app(before=[Customization(lazily)])
    app.add_url_rule("/numbers", "numbers", lambda: Response(numbers(), 202), methods=["POST"])
    response = app.test_client().post("/v1/numbers", headers=headers_of(), buffered=False)
    assert response.status_code == 202
    assert len(made) <= 1
    assert response.get_data() == b"012"


@pytest.mark.parametrize("prefix", ["/a//tasks", "/A/tasks"])
def test_a_prefix_is_guarded_in_any_spelling(prefix: str):
    tasks = TaskBlueprint("tasks", __name__)
    tasks.handler("ok")(lambda _: 1)
    app = Flask(__name__)
    app.config.update(SETTINGS, TESTING=True)
    app.register_error_handler(404, lambda _: ("single page", 200))
    app.register_blueprint(tasks, url_prefix=prefix)
    for path in (prefix, f"{prefix}/typo", "/a/tasks/typo"):
        response = app.test_client().post(path, data=b"1", headers=headers_of())
        assert outcome(response) == (404, "unknown-handler")
