"""Neighbours that are hooks and signal receivers: before the request, after it, and at its teardown."""

from __future__ import annotations

import os

import flask
from flask import Flask, Response, abort, redirect

from taskhandler import TaskBlueprint
from tests.border.neighbour import explode, neighbour, page

# ---------------------------------------------------------------- before the request


@neighbour(reaches=False)
def before_request_answers(app: Flask, _: TaskBlueprint) -> None:
    app.before_request(page)


@neighbour(reaches=False)
def before_request_redirects(app: Flask, _: TaskBlueprint) -> None:
    app.before_request(lambda: redirect("https://else.where"))


@neighbour(reaches=False)
def before_request_raises(app: Flask, _: TaskBlueprint) -> None:
    app.before_request(explode)


@neighbour(reaches=False)
def before_request_aborts_with_200(app: Flask, _: TaskBlueprint) -> None:
    app.before_request(lambda: abort(Response("fine", 200)))


@neighbour(reaches=False)
def before_request_streams(app: Flask, _: TaskBlueprint) -> None:
    app.before_request(lambda: Response(f"line {number}\n" for number in range(1_000)))


@neighbour(reaches=False)
def before_request_raises_and_a_page_says_200(app: Flask, _: TaskBlueprint) -> None:
    app.before_request(explode)
    app.register_error_handler(Exception, page)


@neighbour(reaches=False, placements=("early",))
def blueprint_before_request_answers(_: Flask, tasks: TaskBlueprint) -> None:
    tasks.before_request(page)


@neighbour(reaches=False, placements=("early",))
def blueprint_before_app_request_answers(_: Flask, tasks: TaskBlueprint) -> None:
    tasks.before_app_request(page)


@neighbour(reaches=False)
def url_value_preprocessor_raises(app: Flask, _: TaskBlueprint) -> None:
    app.url_value_preprocessor(explode)


@neighbour(reaches=False)
def url_value_preprocessor_aborts_with_200(app: Flask, _: TaskBlueprint) -> None:
    app.url_value_preprocessor(lambda *_: abort(Response("fine", 200)))


@neighbour(reaches=False)
def request_started_receiver_raises(app: Flask, _: TaskBlueprint) -> None:
    flask.request_started.connect(explode, app, weak=False)


@neighbour(reaches=False, kills=True)
def before_request_ends_the_process(app: Flask, _: TaskBlueprint) -> None:
    app.before_request(lambda: os._exit(7))


# ---------------------------------------------------------------- after the request


@neighbour()
def after_request_raises(app: Flask, _: TaskBlueprint) -> None:
    app.after_request(explode)


@neighbour()
def after_request_answers(app: Flask, _: TaskBlueprint) -> None:
    app.after_request(lambda _: Response("replaced", 200))


@neighbour()
def after_request_redirects(app: Flask, _: TaskBlueprint) -> None:
    app.after_request(lambda _: Response("", 302, {"Location": "https://else.where"}))


@neighbour()
def after_request_changes_the_status(app: Flask, _: TaskBlueprint) -> None:
    def change(response: Response) -> Response:
        response.status_code = 204 if response.status_code != 200 else 500
        response.data = b"changed"
        return response

    app.after_request(change)


@neighbour()
def after_request_is_last_and_answers(app: Flask, _: TaskBlueprint) -> None:
    app.after_request_funcs.setdefault(None, []).insert(0, lambda _: Response("replaced", 200))


@neighbour()
def after_request_returns_nothing(app: Flask, _: TaskBlueprint) -> None:
    app.after_request(lambda _: None)


@neighbour()
def after_request_raises_and_a_page_says_200(app: Flask, _: TaskBlueprint) -> None:
    app.after_request(explode)
    app.register_error_handler(Exception, page)


@neighbour(placements=("early",))
def blueprint_after_request_answers(_: Flask, tasks: TaskBlueprint) -> None:
    tasks.after_request(lambda _: Response("replaced", 200))


@neighbour(placements=("early",))
def blueprint_after_request_raises(_: Flask, tasks: TaskBlueprint) -> None:
    tasks.after_request(explode)


@neighbour()
def request_finished_receiver_raises(app: Flask, _: TaskBlueprint) -> None:
    flask.request_finished.connect(explode, app, weak=False)


@neighbour()
def got_request_exception_receiver_raises(app: Flask, _: TaskBlueprint) -> None:
    flask.got_request_exception.connect(explode, app, weak=False)


# ---------------------------------------------------------------- at teardown


@neighbour()
def teardown_request_raises(app: Flask, _: TaskBlueprint) -> None:
    app.teardown_request(explode)


@neighbour()
def teardown_appcontext_raises(app: Flask, _: TaskBlueprint) -> None:
    app.teardown_appcontext(explode)


@neighbour(placements=("early",))
def blueprint_teardown_request_raises(_: Flask, tasks: TaskBlueprint) -> None:
    tasks.teardown_request(explode)


@neighbour()
def request_tearing_down_receiver_raises(app: Flask, _: TaskBlueprint) -> None:
    flask.request_tearing_down.connect(explode, app, weak=False)
