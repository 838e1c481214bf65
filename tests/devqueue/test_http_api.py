"""The routes of the HTTP side."""

from __future__ import annotations

import json
import urllib.request

import pytest
from cryptography import x509
from google.cloud import tasks_v2

from taskhandler.devqueue import LocalQueue

from .http_calls import ask, refused, request, sent
from .sample_tasks import create
from .target import PATIENCE_SECONDS, Target, until

Client = tasks_v2.CloudTasksClient


def test_certificates_are_served_in_googles_format(queue: LocalQueue):
    with urllib.request.urlopen(queue.certs_url) as answer:  # noqa: S310 - our own http URL
        assert "max-age=21600" in answer.headers["Cache-Control"]
        certs = json.load(answer)
    (kid,) = certs
    assert len(bytes.fromhex(kid)) == 20
    assert x509.load_pem_x509_certificate(certs[kid].encode()).public_key() is not None


def test_certs_max_age_is_served_in_cache_control():
    with LocalQueue(seed=0, certs_max_age=3) as queue, urllib.request.urlopen(queue.certs_url) as answer:  # noqa: S310 - our own http URL
        assert "max-age=3," in answer.headers["Cache-Control"]


def test_a_rotation_over_http_publishes_another_certificate(queue: LocalQueue):
    before = set(ask(queue, "/oauth2/v1/certs"))
    kid = ask(queue, "/_/rotate", {})["kid"]
    assert set(ask(queue, "/oauth2/v1/certs")) == before | {kid}


def test_faults_set_over_http_affect_the_next_delivery(
    queue: LocalQueue, client: Client, quick: str, target: Target
):
    assert ask(queue, "/_/faults", {"duplicate": 1.0}) == {"duplicate": 1.0}
    create(client, quick, target, "t")
    assert ask(queue, f"/_/wait?timeout={PATIENCE_SECONDS}") == {"quiet": True, "tasks": 0}
    assert [attempt["kind"] for attempt in ask(queue, "/_/attempts?task=t")] == ["delivery", "duplicate"]
    assert ask(queue, "/_/attempts?task=other") == []
    assert ask(queue, "/_/faults", {}) == {}


def test_stats_have_the_seed_the_sums_and_the_queues(
    queue: LocalQueue, client: Client, quick: str, target: Target
):
    create(client, quick, target)
    ask(queue, f"/_/wait?timeout={PATIENCE_SECONDS}")
    assert ask(queue, "/_/stats") == {
        "seed": 0,
        "sums": {"delivery": 1, "completed": 1},
        "queues": {quick: {"tasks": 0, "running": 0, "paused": False}},
    }


def test_wait_answers_false_when_its_timeout_is_over(queue: LocalQueue, client: Client, target: Target):
    name = queue.create_queue("slow", max_dispatches_per_second=0.001)
    for number in range(11):
        create(client, name, target, f"t{number}")
    until(lambda: ask(queue, "/_/stats")["sums"].get("completed") == 10)
    assert ask(queue, "/_/wait?timeout=0.3") == {"quiet": False, "tasks": 1}


@pytest.mark.parametrize(
    ("path", "body", "status", "problem"),
    [
        ("/_/faults", {"duplikate": 1}, 400, "did you mean 'duplicate'"),
        ("/_/faults", [], 400, "the body must be a JSON object"),
        ("/_/faults", None, 405, "there is no GET /_/faults"),
        ("/_/nothing", None, 404, "there is no GET /_/nothing"),
        ("/_/wait?timeout=nan", None, 400, "must be seconds from 0"),
        ("/_/wait?timeout=soon", None, 400, "timeout='soon': must be seconds from 0 to 3600"),
    ],
)
def test_a_bad_request_is_answered_with_its_status_and_reason(
    queue: LocalQueue, path: str, body: object, status: int, problem: str
):
    code, error = refused(queue, path, body)
    assert code == status
    assert problem in error


def posted(queue: LocalQueue, body: bytes) -> tuple[int, str]:
    answer = sent(queue, request("POST", "/_/faults", "Content-Type: application/json", body=body))
    assert answer is not None
    return answer.status, answer.content["error"]


@pytest.mark.parametrize(
    "body",
    [
        b"[" * 100_000,
        b'{"tasks":' * 100_000,
        b'{"tasks": [' + b"[" * 500 + b"]" * 500 + b"]}",
        b'{"token": ' + b"[" * 500 + b"]" * 500 + b"}",
        b"\xff",
        b'{"prefix": "\xff"}',
        b"{",
        b"{}{}",
        b"null",
        b'{"late_after": NaN}',
        b'{"late_after": 1e999}',
        b'{"attempts": [' + b"9" * 5000 + b"]}",
        b'{"' + b"x" * 100_000 + b'": 1}',
        b'{"tasks": "' + b"x" * 100_000 + b'"}',
    ],
)
def test_a_body_that_is_not_valid_is_answered_400_with_a_short_reason(queue: LocalQueue, body: bytes):
    status, problem = posted(queue, body)
    assert status == 400
    assert problem.isprintable()
    assert len(problem) <= 500


def test_text_of_a_request_is_quoted_as_one_printable_line(queue: LocalQueue):
    _, problem = posted(queue, rb'{"\u001b[2J\nforged \u2028": 1}')
    assert problem.isprintable()
    assert "\\n" in problem


def test_a_wrong_method_is_answered_405_with_the_allowed_one(queue: LocalQueue):
    answer = sent(queue, request("DELETE", "/_/faults"))
    assert answer is not None
    assert (answer.status, answer.headers["allow"]) == (405, "POST")


@pytest.mark.parametrize("path", ["/_/faults", "/_/rotate"])
@pytest.mark.parametrize(
    "headers",
    [
        [],
        ["Content-Type: text/plain"],
        ["Content-Type: application/x-www-form-urlencoded"],
        ["Content-Type: multipart/form-data; boundary=application/json"],
        ["Content-Type: text/plain; application/json"],
        ["Content-Type: text/plain, application/json"],
        ["Content-Type: application/json", "Content-Type: text/plain"],
    ],
)
def test_a_post_that_a_page_can_send_without_a_preflight_changes_nothing(
    queue: LocalQueue, path: str, headers: list[str]
):
    before = ask(queue, "/oauth2/v1/certs")
    answer = sent(queue, request("POST", path, *headers, body=b'{"duplicate": 1}'))
    assert answer is not None
    assert (answer.status, answer.content) == (
        415,
        {"error": "the Content-Type header must be application/json"},
    )
    assert ask(queue, "/oauth2/v1/certs") == before


@pytest.mark.parametrize("kind", ["application/json", "APPLICATION/JSON", "application/json; charset=utf-8"])
def test_the_content_type_json_is_accepted_in_any_spelling(queue: LocalQueue, kind: str):
    answer = sent(queue, request("POST", "/_/faults", f"Content-Type: {kind}", body=b'{"duplicate": 1}'))
    assert answer is not None
    assert (answer.status, answer.content) == (200, {"duplicate": 1})


@pytest.mark.parametrize("path", ["/_/stats", "/_/attempts", "/_/wait", "/oauth2/v1/certs", "/_/nothing"])
def test_every_route_refuses_other_host_names_and_origins(queue: LocalQueue, path: str):
    for foreign in (
        request("GET", path, host="rebound.example"),
        request("GET", path, "Origin: http://evil.example"),
        request("GET", path, "Sec-Fetch-Site: cross-site"),
    ):
        answer = sent(queue, foreign)
        assert answer is not None
        assert (answer.status, list(answer.content)) == (403, ["error"])


def test_a_preflight_is_refused_without_cors_headers(queue: LocalQueue):
    asking = ["Origin: http://evil.example", "Access-Control-Request-Method: POST"]
    answer = sent(queue, request("OPTIONS", "/_/faults", *asking))
    assert answer is not None
    assert answer.status == 403
    assert not [name for name in answer.headers if name.startswith("access-control")]
