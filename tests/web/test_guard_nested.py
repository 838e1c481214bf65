"""Requests within requests: an app inside another, and tasks on copies of an environment."""

from __future__ import annotations

import io
from collections.abc import Callable
from typing import Any

import pytest
from flask import Flask, request
from werkzeug.test import run_wsgi_app

from taskhandler import TaskBlueprint
from taskhandler.lifecycle.record import State
from tests.web.customizations import Customization, fail
from tests.web.guarded_app import SETTINGS, an_app, is_recorded
from tests.web.local_app import deliver, headers_of, outcome, record_of


def test_an_app_inside_another_app_shares_its_reply():
    outer, inner = an_app(), an_app()
    outer.add_url_rule("/x", "x", lambda: "x")

    def mount(environ: dict[str, Any], start: Callable[..., Any]) -> Any:  # noqa: ANN401 - as WSGI
        return inner.wsgi_app(environ, start)

    front = Flask("front")
    front.config.update(SETTINGS, TESTING=True)
    front.wsgi_app = mount  # type: ignore[assignment, method-assign]  # as Flask's docs do
    tasks = TaskBlueprint("tasks", __name__)
    tasks.handler("ok")(lambda _: fail())
    front.register_blueprint(tasks, url_prefix="/tasks")
    assert outcome(deliver(front, "ok")) == (200, "completed")
    assert is_recorded(inner)


def takes_a_number(_: int) -> None: ...


@pytest.mark.parametrize("inner", [True, False])
def test_another_task_on_a_copy_of_the_environment_does_not_answer_for_this_one(*, inner: bool):
    def another(environ: dict[str, Any], wsgi: Any) -> None:  # noqa: ANN401 - an application
        names = {"PATH_INFO": "/tasks/ok", "HTTP_X_CLOUDTASKS_TASKNAME": "other"}
        run_wsgi_app(wsgi, {**environ, **names})

    class Both:
        def __init__(self, wsgi: Any) -> None:  # noqa: ANN401 - an application
            self.wsgi = wsgi

        def __call__(self, environ: dict[str, Any], start: Any) -> Any:  # noqa: ANN401 - as WSGI
            if inner and environ["PATH_INFO"] == "/tasks/bad":
                another(environ, self.wsgi)
            return self.wsgi(environ, start)

    def install(app: Flask) -> None:
        app.wsgi_app = Both(app.wsgi_app)  # type: ignore[assignment, method-assign]  # as Flask's docs do

    app = an_app(before=[Customization(install)])

    @app.before_request
    def before() -> None:
        if not inner and request.path == "/tasks/bad":
            another(request.environ, app.wsgi_app)

    assert outcome(deliver(app, "bad")) == (503, "retry")
    assert not is_recorded(app)


def test_an_environment_reused_for_another_task_answers_for_that_task():
    inner: list[str] = []
    tasks = TaskBlueprint("more", __name__)

    @tasks.handler("outer")
    def outer() -> None:
        again = {**request.environ, "PATH_INFO": "/more/inner", "HTTP_X_CLOUDTASKS_TASKNAME": "t2"}
        again |= {"wsgi.input": io.BytesIO(b"7"), "CONTENT_LENGTH": "1"}
        inner.append(run_wsgi_app(app.wsgi_app, again)[1])
        raise ValueError

    tasks.handler("inner")(takes_a_number)
    app = an_app()
    app.register_blueprint(tasks, url_prefix="/more")
    response = app.test_client().post("/more/outer", data=b"not a number", headers=headers_of())
    assert outcome(response) == (503, "retry")
    assert inner == ["200 OK"]
    record = record_of(app, "t2")
    assert record is not None
    assert record.state is State.COMPLETED
