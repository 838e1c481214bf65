"""Customizations that are hooks and signal receivers: before the request, after it, and at its teardown."""

from __future__ import annotations

import os

import flask
from flask import Flask, Response, abort, redirect

from taskhandler import TaskBlueprint
from tests.border.customization import customization, fail, page

# ---------------------------------------------------------------- before the request


@customization(reaches=False)
def before_request_answers(app: Flask, _: TaskBlueprint) -> None:
    app.before_request(page)


@customization(reaches=False)
def before_request_redirects(app: Flask, _: TaskBlueprint) -> None:
    app.before_request(lambda: redirect("https://else.where"))


@customization(reaches=False)
def before_request_raises(app: Flask, _: TaskBlueprint) -> None:
    app.before_request(fail)


@customization(reaches=False)
def before_request_aborts_with_200(app: Flask, _: TaskBlueprint) -> None:
    app.before_request(lambda: abort(Response("fine", 200)))


@customization(reaches=False)
def before_request_streams(app: Flask, _: TaskBlueprint) -> None:
    app.before_request(lambda: Response(f"line {number}\n" for number in range(1_000)))


@customization(reaches=False)
def before_request_raises_and_a_page_says_200(app: Flask, _: TaskBlueprint) -> None:
    app.before_request(fail)
    app.register_error_handler(Exception, page)


@customization(reaches=False, placements=("early",))
def blueprint_before_request_answers(_: Flask, tasks: TaskBlueprint) -> None:
    tasks.before_request(page)


@customization(reaches=False, placements=("early",))
def blueprint_before_app_request_answers(_: Flask, tasks: TaskBlueprint) -> None:
    tasks.before_app_request(page)


@customization(reaches=False)
def url_value_preprocessor_raises(app: Flask, _: TaskBlueprint) -> None:
    app.url_value_preprocessor(fail)


@customization(reaches=False)
def url_value_preprocessor_aborts_with_200(app: Flask, _: TaskBlueprint) -> None:
    app.url_value_preprocessor(lambda *_: abort(Response("fine", 200)))


@customization(reaches=False)
def request_started_receiver_raises(app: Flask, _: TaskBlueprint) -> None:
    flask.request_started.connect(fail, app, weak=False)


@customization(reaches=False, kills=True)
def before_request_ends_the_process(app: Flask, _: TaskBlueprint) -> None:
    app.before_request(lambda: os._exit(7))


# ---------------------------------------------------------------- after the request


@customization()
def after_request_raises(app: Flask, _: TaskBlueprint) -> None:
    app.after_request(fail)


@customization()
def after_request_answers(app: Flask, _: TaskBlueprint) -> None:
    app.after_request(lambda _: Response("replaced", 200))


@customization()
def after_request_redirects(app: Flask, _: TaskBlueprint) -> None:
    app.after_request(lambda _: Response("", 302, {"Location": "https://else.where"}))


@customization()
def after_request_changes_the_status(app: Flask, _: TaskBlueprint) -> None:
    def change(response: Response) -> Response:
        response.status_code = 204 if response.status_code != 200 else 500
        response.data = b"changed"
        return response

    app.after_request(change)


@customization()
def after_request_is_last_and_answers(app: Flask, _: TaskBlueprint) -> None:
    app.after_request_funcs.setdefault(None, []).insert(0, lambda _: Response("replaced", 200))


@customization()
def after_request_returns_nothing(app: Flask, _: TaskBlueprint) -> None:
    app.after_request(lambda _: None)


@customization()
def after_request_raises_and_a_page_says_200(app: Flask, _: TaskBlueprint) -> None:
    app.after_request(fail)
    app.register_error_handler(Exception, page)


@customization(placements=("early",))
def blueprint_after_request_answers(_: Flask, tasks: TaskBlueprint) -> None:
    tasks.after_request(lambda _: Response("replaced", 200))


@customization(placements=("early",))
def blueprint_after_request_raises(_: Flask, tasks: TaskBlueprint) -> None:
    tasks.after_request(fail)


@customization()
def request_finished_receiver_raises(app: Flask, _: TaskBlueprint) -> None:
    flask.request_finished.connect(fail, app, weak=False)


@customization()
def got_request_exception_receiver_raises(app: Flask, _: TaskBlueprint) -> None:
    flask.got_request_exception.connect(fail, app, weak=False)


# ---------------------------------------------------------------- at teardown


@customization()
def teardown_request_raises(app: Flask, _: TaskBlueprint) -> None:
    app.teardown_request(fail)


@customization()
def teardown_appcontext_raises(app: Flask, _: TaskBlueprint) -> None:
    app.teardown_appcontext(fail)


@customization(placements=("early",))
def blueprint_teardown_request_raises(_: Flask, tasks: TaskBlueprint) -> None:
    tasks.teardown_request(fail)


@customization()
def request_tearing_down_receiver_raises(app: Flask, _: TaskBlueprint) -> None:
    flask.request_tearing_down.connect(fail, app, weak=False)
