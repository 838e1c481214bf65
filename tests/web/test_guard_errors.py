"""What an app and its error trackers see of a handler's error, and how often it is logged."""

from __future__ import annotations

from typing import Any

import pytest
from flask import Flask, got_request_exception
from werkzeug.test import EnvironBuilder

from taskhandler import Reject, Retry, TaskBlueprint
from tests.web.guarded_app import an_app
from tests.web.local_app import deliver, headers_of, outcome


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


def test_an_error_of_a_handler_is_raised_to_the_app_as_a_views_error():
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
def test_retry_and_reject_are_not_raised_to_the_app(steer: Exception, caplog: pytest.LogCaptureFixture):
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


def test_the_error_of_a_dead_task_is_raised_to_the_app_and_answered_200():
    seen: list[object] = []
    app = an_app(TASKHANDLER_MAX_ATTEMPTS=1)
    app.teardown_request(seen.append)
    assert outcome(deliver(app, "bad")) == (200, "dead")
    assert isinstance(seen[0], RuntimeError)


def test_an_error_hidden_by_an_error_page_and_a_later_one_are_both_logged(caplog: pytest.LogCaptureFixture):
    for later in ("after_request", "teardown_request"):
        for propagate in (True, False):
            caplog.clear()
            app = an_app(PROPAGATE_EXCEPTIONS=propagate)
            hidden_by(app, RuntimeError)
            getattr(app, later)(raises_key_error)
            assert outcome(deliver(app, "bad")) == (503, "retry")
            kinds = [line.exc_info[0] for line in caplog.records if line.exc_info]
            assert set(kinds) == {KeyError, RuntimeError}
            assert kinds.count(RuntimeError) == 1  # Flask itself says the other one twice


def raises_key_error(_: object) -> None:
    raise KeyError("later")


class WorkerTimeout(BaseException):
    """What ends a worker, whatever it does."""


def test_a_decided_reply_is_sent_before_system_exit_goes_up():
    app = an_app()

    def end(_: object) -> None:
        raise WorkerTimeout

    app.after_request(end)
    environ = EnvironBuilder(
        "/tasks/ok", method="POST", data=b"null", headers=[*headers_of().items()]
    ).get_environ()
    sent: list[str] = []
    body = app.wsgi_app(environ, lambda status, *_: sent.append(status))  # type: ignore[arg-type]  # no server
    assert sent == ["200 OK"]
    assert b"completed" in b"".join(body)
    with pytest.raises(WorkerTimeout):
        body.close()  # type: ignore[attr-defined]  # as PEP 3333 has it


def test_system_exit_before_a_reply_is_decided_goes_up():
    app = an_app()

    def end() -> None:
        raise WorkerTimeout

    app.before_request(end)
    with pytest.raises(WorkerTimeout):
        deliver(app, "ok")
