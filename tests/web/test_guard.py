"""Nothing in an app answers a task in the place of its delivery, and what is not a task's is left alone."""

from __future__ import annotations

from typing import Any

import pytest
from flask import Flask, Response, request

from taskhandler.lifecycle.record import State
from tests.web.customizations import ACKNOWLEDGING_TOGETHER, CUSTOMIZATIONS, INNER_ONLY, Customization
from tests.web.guarded_app import an_app, is_recorded
from tests.web.local_app import deliver, headers_of, outcome, record_of


@pytest.mark.parametrize("propagate", [True, False])
@pytest.mark.parametrize("early", [True, False])
@pytest.mark.parametrize("name", CUSTOMIZATIONS)
def test_a_customization_of_the_app_cannot_change_the_answer_of_a_delivery(
    name: str, *, early: bool, propagate: bool
):
    customization = CUSTOMIZATIONS[name]
    where: dict[str, Any] = {"before" if early else "after": [customization]}
    for handler, expected in (("ok", customization.returning), ("bad", customization.raising)):
        app = an_app(**where, PROPAGATE_EXCEPTIONS=propagate)
        response = deliver(app, handler)
        assert response.headers["X-TaskHandler-Outcome"] == expected
        assert (response.status_code == 200) == (expected == "completed")
        assert is_recorded(app) == (expected == "completed")
        assert response.content_type == "application/json"


@pytest.mark.parametrize("name", INNER_ONLY)
def test_a_middleware_inside_the_guard_cannot_acknowledge_a_task(name: str):
    app = an_app(before=[INNER_ONLY[name]])
    assert outcome(deliver(app, "ok")) == (503, "intercepted")
    assert record_of(app) is None


def test_a_failing_hook_with_an_error_page_for_it_does_not_acknowledge_a_failed_task():
    app = an_app(after=[CUSTOMIZATIONS[name] for name in ACKNOWLEDGING_TOGETHER])
    for retry in range(3):
        assert outcome(deliver(app, "bad", retry=retry)) == (503, "retry")
    record = record_of(app)
    assert record is not None
    assert (record.state, record.attempt) == (State.WAITING, 3)


@pytest.mark.parametrize("method", ["GET", "HEAD", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "NONSENSE"])
@pytest.mark.parametrize("path", ["/tasks/ok", "/tasks/nobody", "/tasks", "/tasks/"])
def test_a_task_request_with_another_method_is_not_acknowledged(method: str, path: str):
    app = an_app(after=[CUSTOMIZATIONS["a single page and a catch-all"]])
    response = app.test_client().open(path, method=method, headers=headers_of())
    assert outcome(response) == ((405, "wrong-method") if path == "/tasks/ok" else (404, "unknown-handler"))
    assert (response.data == b"") == (method == "HEAD")
    assert record_of(app) is None


@pytest.mark.parametrize(
    "path",
    [
        "/tasks",
        "/tasks/",
        "/tasks//",
        "//tasks",
        "/tasks/nobody",
        "/tasks/no/body",
        "/tasks//ok",
        "//tasks/ok",
        "/tasks/ok//",
        "/tasks/./ok",
        "/x/../tasks/ok",
        "/tasks/../z",
        "/tasks/..",
        "/tasks\\ok",
        "/TASKS/ok",
        "/tasks/OK",
        "/tasks/\xc3\xa9",
        "tasks/nobody",
    ],
)
def test_a_task_for_no_handler_is_never_acknowledged_however_its_path_is_spelt(path: str):
    app = an_app(
        before=[CUSTOMIZATIONS["a single page and a catch-all"], CUSTOMIZATIONS["an error page for codes"]]
    )
    client = app.test_client()
    response = client.post(environ_overrides={"PATH_INFO": path}, data=b"null", headers=headers_of())
    assert outcome(response) == (404, "unknown-handler")
    assert record_of(app) is None


@pytest.mark.parametrize("path", ["/tasks/ok", "/tasks/ok/", "/tasks/ok%2f"])
def test_both_forms_of_a_handlers_path_reach_it(path: str):
    assert outcome(an_app().test_client().post(path, data=b"null", headers=headers_of())) == (
        200,
        "completed",
    )


def echo() -> bytes:
    return request.get_data()


def test_a_request_that_is_not_a_task_is_left_to_the_app():
    app = an_app(before=[CUSTOMIZATIONS["a single page and a catch-all"]])
    app.add_url_rule("/", "home", lambda: "hello")
    app.add_url_rule("/tasks", "own", lambda: f"own {request.method}", methods=["GET", "POST"])
    app.add_url_rule("/tasks/page/<int:number>/", "page", lambda number: f"page {number}")
    app.add_url_rule("/tasks/echo", "echo", echo, methods=["POST"])
    client = app.test_client()
    assert client.get("/").text == "hello"
    assert client.get("/tasks").text == "own GET"
    assert client.post("/tasks").text == "own POST"
    assert client.get("/tasks/").text == "page tasks/"
    assert client.get("/tasks/page/7/").text == "page 7"
    assert client.get("/tasks/page/7").status_code == 308
    assert client.post("/tasks/echo", data=b"x" * 10**7).data == b"x" * 10**7
    assert client.get("/tasksheet").text == "page tasksheet"
    assert client.post("/elsewhere").text == "page elsewhere"


def test_a_page_of_the_app_answers_405_for_its_own_methods():
    app = an_app()
    app.add_url_rule("/tasks/page", "page", lambda: "page")
    assert app.test_client().post("/tasks/page").status_code == 405


def test_a_page_of_the_app_is_streamed_and_not_buffered():
    asked: list[int] = []

    def numbers() -> Any:  # noqa: ANN401 - a generator
        for number in range(3):
            asked.append(number)
            yield b"%d" % number

    app = an_app()
    app.add_url_rule("/tasks/numbers", "numbers", lambda: Response(numbers()))
    response = app.test_client().get("/tasks/numbers", buffered=False)
    chunks = iter(response.response)
    assert next(chunks) == b"0"
    assert asked == [0]
    response.close()


def test_a_path_under_the_prefix_that_no_app_rule_fits_is_guarded_without_a_task_name():
    app = an_app(before=[CUSTOMIZATIONS["a single page and a catch-all"]])
    assert outcome(app.test_client().get("/tasks/nobody")) == (404, "unknown-handler")
    assert outcome(app.test_client().get("/tasks/ok")) == (405, "wrong-method")
    assert outcome(app.test_client().post("/tasks/ok")) == (400, "malformed")


def test_a_route_of_the_app_that_a_task_is_sent_to_does_not_acknowledge_it():
    app = an_app()
    app.add_url_rule("/tasks/legacy", "legacy", lambda: "done", methods=["POST"])
    assert app.test_client().post("/tasks/legacy").text == "done"
    assert outcome(app.test_client().post("/tasks/legacy", headers=headers_of())) == (404, "unknown-handler")


def test_an_interception_is_logged_once_with_what_answered(caplog: pytest.LogCaptureFixture):
    app = an_app()
    app.before_request(lambda: Response("no", "302 Elsewhere\x1b[31m"))
    for _ in range(50):
        assert outcome(deliver(app, "ok")) == (503, "intercepted")
    (line,) = [line.getMessage() for line in caplog.records if "intercepted" in line.getMessage()]
    assert "answered '302 Elsewhere" in line
    assert "for ok" in line
    assert line.isprintable()


def test_an_unauthenticated_request_gets_the_same_401_for_every_path_under_the_prefix():
    settings: dict[str, Any] = {"TASKHANDLER_AUTH": "oidc", "TASKHANDLER_AUDIENCE": "https://a.b"}
    settings["TASKHANDLER_SERVICE_ACCOUNTS"] = "a@b.iam.gserviceaccount.com"
    app = an_app(**settings)
    app.before_request(lambda: "maintenance")
    answers = {
        (response.status, response.data, tuple(response.headers))
        for method in ("GET", "POST", "PUT", "OPTIONS", "DELETE")
        for path in ("/tasks/ok", "/tasks/ok/", "/tasks/nobody", "/tasks/no/body", "/tasks//ok")
        for headers in ({}, headers_of())
        for response in [app.test_client().open(path, method=method, headers=headers)]
    }
    ((status, _, _),) = answers
    assert status == "401 Unauthorized"


def test_a_middleware_that_passes_on_only_standard_keys_loses_no_task():
    def install(app: Flask) -> None:
        inner = app.wsgi_app
        app.wsgi_app = lambda environ, start: inner(  # type: ignore[assignment, method-assign]  # as Flask's docs do
            {key: value for key, value in environ.items() if not key.startswith("taskhandler.")}, start
        )

    app = an_app(before=[Customization(install)], after=[CUSTOMIZATIONS["an after_request that redirects"]])
    assert outcome(deliver(app, "ok")) == (200, "completed")
    assert outcome(deliver(app, "bad", task="t2")) == (503, "retry")


def test_a_request_that_does_not_pass_the_guard_is_answered_by_its_view_which_warns(
    caplog: pytest.LogCaptureFixture,
):
    app = an_app()
    outcomes = []
    for _ in range(2):
        with app.test_request_context("/tasks/ok", method="POST", data=b"null", headers=headers_of()):
            outcomes.append(app.full_dispatch_request().headers["X-TaskHandler-Outcome"])
    assert outcomes == ["completed", "duplicate"]
    (line,) = [line.getMessage() for line in caplog.records if "guard" in line.getMessage()]
    assert "/tasks/ok" in line
