"""Keeps an app's own hooks and error handlers from answering a task in the place of its delivery.

An `before_request` that answers 200, or an error handler that turns a 503 into a redirect, would
acknowledge a task of which nothing is recorded. Whatever leaves a task route and is not what its delivery
said becomes a 503.
"""

from __future__ import annotations

from flask import Flask, Response, request

from taskhandler.reply import Outcome, Reply, reply

SAID = "taskhandler.said"
"""The key, in the WSGI environment, of the status that the delivery answered."""

REDIRECT = 300


class Guard:
    """Watches the answers of an app's task routes."""

    def __init__(self) -> None:
        self.endpoints: set[str] = set()
        self.prefixes: set[str] = set()

    def __call__(self, response: Response) -> Response:
        """Let `response` pass, or replace it."""
        endpoint = request.endpoint
        if endpoint is None:
            return self._unrouted(response)
        if endpoint not in self.endpoints or request.environ.get(SAID) == response.status_code:
            return response
        return respond(reply(Outcome.UNAVAILABLE))

    def _unrouted(self, response: Response) -> Response:
        astray = request.method == "POST" and any(request.path.startswith(prefix) for prefix in self.prefixes)
        if astray and response.status_code < REDIRECT + 100:
            return respond(reply(Outcome.UNKNOWN_HANDLER))
        return response


def guard_of(app: Flask) -> Guard:
    """The app's guard, which is the last of its hooks to see a response."""
    guard = app.extensions.get("taskhandler.guard")
    if not isinstance(guard, Guard):
        guard = Guard()
        app.extensions["taskhandler.guard"] = guard
        app.after_request_funcs.setdefault(None, []).insert(0, guard)
    return guard


def respond(answer: Reply) -> Response:
    """Make a response of a reply, and remember what was said."""
    request.environ[SAID] = answer.status
    return Response(answer.body, answer.status, list(answer.headers))
