"""What is answered: status, headers and body."""

from __future__ import annotations

import json

import pytest

from taskhandler.delivery.reply import LENGTH_REQUIRED, UNSUPPORTED_MEDIA_TYPE, reply
from taskhandler.outcome import STATUS, Outcome

LATER = {Outcome.IN_FLIGHT, Outcome.RATE_LIMITED, Outcome.RETRY, Outcome.UNAVAILABLE, Outcome.INTERCEPTED}


@pytest.mark.parametrize(
    ("outcome", "word", "status"),
    [
        (Outcome.COMPLETED, "completed", 200),
        (Outcome.DUPLICATE, "duplicate", 200),
        (Outcome.REJECTED, "rejected", 200),
        (Outcome.DEAD, "dead", 200),
        (Outcome.CONFLICT, "conflict", 200),
        (Outcome.CANCELLED, "cancelled", 200),
        (Outcome.IN_FLIGHT, "in-flight", 429),
        (Outcome.RATE_LIMITED, "rate-limited", 429),
        (Outcome.RETRY, "retry", 503),
        (Outcome.UNAVAILABLE, "unavailable", 503),
        (Outcome.INTERCEPTED, "intercepted", 503),
        (Outcome.UNAUTHENTICATED, "unauthenticated", 401),
        (Outcome.FORBIDDEN, "forbidden", 403),
        (Outcome.MALFORMED, "malformed", 400),
        (Outcome.TOO_LARGE, "too-large", 413),
        (Outcome.WRONG_METHOD, "wrong-method", 405),
        (Outcome.UNKNOWN_HANDLER, "unknown-handler", 404),
    ],
)
def test_an_outcome_has_one_status_and_is_named_in_header_and_body(outcome: Outcome, word: str, status: int):
    answer = reply(outcome, task="t", attempt=3)
    assert (answer.outcome, answer.status) == (outcome, status)
    headers = dict(answer.headers)
    assert headers["X-TaskHandler-Outcome"] == word
    assert json.loads(answer.body) == {"outcome": word, "task": "t", "attempt": 3}


@pytest.mark.parametrize("outcome", list(Outcome))
def test_only_an_outcome_that_is_delivered_again_has_retry_after(outcome: Outcome):
    headers = dict(reply(outcome, retry_after=7.0).headers)
    assert headers.get("Retry-After") == ("7" if outcome in LATER else None)


@pytest.mark.parametrize(
    ("seconds", "header"), [(-1.0, "1"), (0.0, "1"), (0.2, "1"), (1.2, "2"), (30.0, "30")]
)
def test_retry_after_is_rounded_up_to_whole_seconds(seconds: float, header: str):
    assert dict(reply(Outcome.RETRY, retry_after=seconds).headers)["Retry-After"] == header


def test_retry_after_is_ten_seconds_by_default():
    assert dict(reply(Outcome.RETRY).headers)["Retry-After"] == "10"
    assert json.loads(reply(Outcome.RETRY).body) == {"outcome": "retry", "task": "", "attempt": 0}


def test_in_flight_has_the_status_of_the_setting():
    assert reply(Outcome.IN_FLIGHT).status == 429
    assert reply(Outcome.IN_FLIGHT, in_flight_status=409).status == 409
    assert reply(Outcome.RATE_LIMITED, in_flight_status=409).status == 429


def test_a_reply_has_the_headers_that_http_requires_for_its_status():
    assert dict(reply(Outcome.UNAUTHENTICATED).headers)["WWW-Authenticate"] == "Bearer"
    assert dict(reply(Outcome.WRONG_METHOD).headers)["Allow"] == "POST"
    assert set(dict(reply(Outcome.COMPLETED).headers)) == {"X-TaskHandler-Outcome"}


@pytest.mark.parametrize("status", [*STATUS.values(), 409, LENGTH_REQUIRED, UNSUPPORTED_MEDIA_TYPE])
def test_every_status_has_a_status_line_with_its_phrase(status: int):
    assert reply(Outcome.MALFORMED, status=status).status_line.startswith(f"{status} ")
