"""Keeps an app's own hooks and error handlers from answering a task in the place of its delivery.

A `before_request` that answers 200, or an error handler that turns a 503 into a redirect, would
acknowledge a task of which nothing is recorded. Whatever leaves a task route and is not what its delivery
said becomes a 503.
"""

from __future__ import annotations

from flask import Flask, Response, request

from taskhandler.reply import Outcome, Reply, reply

CLIENT_ERROR = 400


class Answer(Response):
    """A response that is ours; `said` is the status that the delivery answered."""

    said = 0


class Guard:
    """Watches the answers of an app's task routes."""

    def __init__(self) -> None:
        self.endpoints: set[str] = set()
        self.prefixes: set[str] = set()

    def look(self, response: Response) -> Response:
        """Let `response` pass, or replace it."""
        if isinstance(response, Answer) and response.said == response.status_code:
            return response
        rule = request.url_rule
        if rule is None:
            return self._unrouted(response)
        return respond(reply(Outcome.UNAVAILABLE)) if rule.endpoint in self.endpoints else response

    def _unrouted(self, response: Response) -> Response:
        astray = request.method == "POST" and any(request.path.startswith(prefix) for prefix in self.prefixes)
        if astray and response.status_code < CLIENT_ERROR:
            return respond(reply(Outcome.UNKNOWN_HANDLER))
        return response


def guard_of(app: Flask) -> Guard:
    """The app's guard, which is the last of its hooks to see a response."""
    guard = app.extensions.get("taskhandler.guard")
    if not isinstance(guard, Guard):
        guard = Guard()
        app.extensions["taskhandler.guard"] = guard
        app.after_request_funcs.setdefault(None, []).insert(0, guard.look)
    return guard


def respond(said: Reply) -> Answer:
    """Make a response of a reply, and remember what was said."""
    answer = Answer(said.body, said.status, content_type="application/json")
    answer.said = said.status
    for name, value in said.headers:
        answer.headers.add(name, value)
    return answer
