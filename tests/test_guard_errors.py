"""What an app and its error trackers see of a handler's error, and how often it is logged."""

from __future__ import annotations

from typing import Any

import pytest
from flask import Flask, got_request_exception

from taskhandler import Reject, Retry, TaskBlueprint
from tests.desk import deliver, headers_of, outcome
from tests.guarded import an_app


def hidden_by(app: Flask, kind: Any) -> None:  # noqa: ANN401 - codes and exceptions
    app.register_error_handler(kind, lambda _: ("hidden", 200))


@pytest.mark.parametrize("settings", [{}, {"PROPAGATE_EXCEPTIONS": True}, {"DEBUG": True}])
@pytest.mark.parametrize("hides", [None, RuntimeError, 500])
def test_a_handlers_error_is_logged_with_its_traceback_once(
    settings: dict[str, Any], hides: type[Exception] | int | None, caplog: pytest.LogCaptureFixture
):
    app = an_app(**settings)
    if hides is not None:
        hidden_by(app, hides)
    deliver(app, "bad")
    assert [line.exc_info[0] for line in caplog.records if line.exc_info] == [RuntimeError]
    assert sum("retry: task t1" in line.getMessage() for line in caplog.records) == 1


def test_a_handlers_error_is_seen_as_any_views_error_is():
    seen: list[object] = []
    app = an_app()

    def look(_app: Flask, exception: Exception, **_: object) -> None:
        seen.append(exception)

    app.teardown_request(seen.append)
    app.teardown_appcontext(seen.append)
    with got_request_exception.connected_to(look, app):
        assert outcome(deliver(app, "bad")) == (503, "retry")
    assert [type(one) for one in seen] == [RuntimeError] * 3
    assert len({id(one) for one in seen}) == 1


@pytest.mark.parametrize("steer", [Retry("later"), Reject("never")])
def test_steering_is_not_an_error_to_the_app(steer: Exception, caplog: pytest.LogCaptureFixture):
    seen: list[object] = []

    def steered() -> None:
        raise steer

    tasks = TaskBlueprint("more", __name__)
    tasks.handler("steer")(steered)
    tasks.handler("number")(takes_a_number)
    app = an_app()
    app.register_blueprint(tasks, url_prefix="/more")
    app.teardown_request(seen.append)
    with got_request_exception.connected_to(lambda *_, **__: seen.append("signal"), app):
        app.test_client().post("/more/steer", headers=headers_of())
        app.test_client().post("/more/number", headers=headers_of("t2"), data=b"not JSON")
    assert seen == [None, None]
    assert [line for line in caplog.records if line.exc_info] == []


def takes_a_number(_: int) -> None: ...


def test_a_dead_tasks_error_is_seen_too_and_answered_200():
    seen: list[object] = []
    app = an_app(TASKHANDLER_MAX_ATTEMPTS=1)
    app.teardown_request(seen.append)
    assert outcome(deliver(app, "bad")) == (200, "dead")
    assert isinstance(seen[0], RuntimeError)
