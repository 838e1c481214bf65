"""A middleware that was there before the tasks may move a request to a task's path: it is a task's then."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any, NoReturn

import pytest
from flask import Flask, Response, request
from werkzeug.test import TestResponse

from taskhandler import TaskBlueprint
from taskhandler.lifecycle.record import State
from tests.web.local_app import headers_of, outcome, record_of

Inner = Callable[[dict[str, Any], Any], Iterable[bytes]]


@pytest.fixture
def app() -> Flask:
    """An app that is reached under /shop, and whose middleware takes that off the path."""
    app = Flask(__name__)
    app.config.update({"TASKHANDLER_AUTH": "none", "TASKHANDLER_LEDGER": "memory://", "TESTING": True})
    app.config["PROPAGATE_EXCEPTIONS"] = False
    inner = app.wsgi_app
    app.wsgi_app = lambda environ, start_response: inner(moved(environ), start_response)  # type: ignore[method-assign]  # Flask's documented way
    tasks = TaskBlueprint("tasks", __name__)
    tasks.handler("echo")(lambda payload: payload)

    @tasks.handler("fail")
    def fail() -> None:
        raise ConnectionError("the bank does not answer")

    app.register_blueprint(tasks, url_prefix="/tasks")
    return app


def moved(environ: dict[str, Any]) -> dict[str, Any]:
    path = environ["PATH_INFO"].removeprefix("/shop")
    return {**environ, "SCRIPT_NAME": "/shop", "PATH_INFO": path}


def deliver(app: Flask, path: str) -> TestResponse:
    return app.test_client().post(path, data=b"1", headers=headers_of())


def state(app: Flask) -> State | None:
    record = record_of(app)
    return None if record is None else record.state


def replaced(_: Response) -> Response:
    return Response("replaced", 200)


def test_the_decided_reply_is_sent_whatever_a_hook_makes_of_it(app: Flask) -> None:
    app.after_request(replaced)
    assert outcome(deliver(app, "/shop/tasks/echo")) == (200, "completed")
    assert state(app) is State.COMPLETED


def test_a_failed_task_at_a_moved_path_is_not_acknowledged_by_a_hook(app: Flask) -> None:
    app.after_request(replaced)
    assert outcome(deliver(app, "/shop/tasks/fail")) == (503, "retry")
    assert state(app) is State.WAITING


def test_a_hook_that_answers_does_not_acknowledge_a_task(app: Flask) -> None:
    app.before_request(lambda: "sorry")
    assert outcome(deliver(app, "/shop/tasks/echo")) == (503, "intercepted")
    for path in ("/shop/tasks/nobody", "/shop/tasks"):
        assert outcome(deliver(app, path)) == (404, "unknown-handler")
    assert state(app) is None


def test_a_hook_and_an_error_page_that_raise_do_not_acknowledge_a_task(app: Flask) -> None:
    def fail(*_: object) -> NoReturn:
        raise RuntimeError

    app.before_request(fail)
    app.register_error_handler(Exception, fail)
    app.config["PROPAGATE_EXCEPTIONS"] = True
    assert outcome(deliver(app, "/shop/tasks/echo")) == (503, "intercepted")


def test_a_hook_that_reads_the_body_first_leaves_it_to_the_handler(app: Flask) -> None:
    def read() -> None:
        assert request.stream.read() == b"1"

    app.before_request(read)
    assert outcome(deliver(app, "/shop/tasks/echo")) == (200, "completed")
    record = record_of(app)
    assert record is not None
    assert record.result == "1"


def test_a_non_task_request_with_a_task_name_passes_unread_and_unbuffered(app: Flask) -> None:
    given: list[str] = []

    def lines() -> Iterator[str]:
        for number in range(3):
            given.append(f"{number}\n")
            yield given[-1]

    app.add_url_rule("/own", "own", lambda: Response(lines(), 202), methods=["POST"])
    answer = app.test_client().post("/shop/own", data=b"1", headers=headers_of(), buffered=False)
    assert (answer.status_code, len(given)) == (202, 1)  # the client looks at the first line
    assert answer.text == "0\n1\n2\n"


def test_an_error_of_a_non_task_request_with_a_task_name_is_left_to_the_app(app: Flask) -> None:
    def fail() -> NoReturn:
        raise RuntimeError("of the app's own")

    app.add_url_rule("/own", "own", fail, methods=["POST"])
    assert deliver(app, "/shop/own").status_code == 500
    app.config["PROPAGATE_EXCEPTIONS"] = True
    with pytest.raises(RuntimeError, match="own"):
        deliver(app, "/shop/own")
