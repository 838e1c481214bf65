"""Keeps an app's own hooks and error handlers from answering a task in the place of its delivery.

An `before_request` that answers 200, or an error handler that turns a 503 into a redirect, would
acknowledge a task of which nothing is recorded. Whatever leaves a task route and is not what its delivery
said becomes a 503.
"""

from __future__ import annotations

from flask import Flask, Request, Response
from flask.globals import request_ctx

from taskhandler.reply import Outcome, Reply, reply

SAID = "taskhandler.said"
"""The key, in the WSGI environment, of the status that the delivery answered."""

CLIENT_ERROR = 400


class Guard:
    """Watches the answers of an app's task routes."""

    def __init__(self) -> None:
        self.endpoints: set[str] = set()
        self.prefixes: set[str] = set()

    def __call__(self, response: Response) -> Response:
        """Let `response` pass, or replace it."""
        asked = request_ctx.request
        rule = asked.url_rule
        if rule is None:
            return self._unrouted(asked, response)
        if rule.endpoint not in self.endpoints or asked.environ.get(SAID) == response.status_code:
            return response
        return respond(asked, reply(Outcome.UNAVAILABLE))

    def _unrouted(self, asked: Request, response: Response) -> Response:
        astray = asked.method == "POST" and any(asked.path.startswith(prefix) for prefix in self.prefixes)
        if astray and response.status_code < CLIENT_ERROR:
            return respond(asked, reply(Outcome.UNKNOWN_HANDLER))
        return response


def guard_of(app: Flask) -> Guard:
    """The app's guard, which is the last of its hooks to see a response."""
    guard = app.extensions.get("taskhandler.guard")
    if not isinstance(guard, Guard):
        guard = Guard()
        app.extensions["taskhandler.guard"] = guard
        app.after_request_funcs.setdefault(None, []).insert(0, guard)
    return guard


def respond(asked: Request, answer: Reply) -> Response:
    """Make a response of a reply, and remember what was said."""
    asked.environ[SAID] = answer.status
    response = Response(answer.body, answer.status, mimetype="application/json")
    for name, value in answer.headers:
        response.headers[name] = value
    return response
