"""What comes in badly is answered as the contract says, on the wire, and leaves nothing in the ledger."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from taskhandler.devqueue import LocalQueue
from tests.serving.deliveries import deliver, token
from tests.serving.raw_http import Line, Said, exchange, lines, request
from tests.serving.service import THREADS, Service

pytestmark = pytest.mark.xdist_group("wire")
LIMIT = 1 << 20


@pytest.fixture(scope="module")
def service(queue: LocalQueue, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    options = ("--workers", "1", *THREADS, "--preload")
    with Service(tmp_path_factory.mktemp("wire"), queue, *options) as service:
        yield service


def refused(
    service: Service, task: str, sent: bytes, *, hang_up: bool = False, count: int | None = None
) -> Said:
    """The one answer to a request that must not run, and must not tell anything."""
    (said,) = exchange(service, sent, hang_up=hang_up, count=count)
    assert service.record(task) is None
    assert not service.effects("begun", task)
    shown = said.head + said.body
    assert 400 <= said.status < 500 or said.status == 501, shown  # gunicorn's own, for what it does not know
    assert "Traceback" not in shown
    assert token(service)[:40] not in shown
    assert service.target not in shown
    return said


REQUIRED = ("QueueName", "TaskName", "TaskRetryCount", "TaskExecutionCount")


@pytest.mark.parametrize("name", REQUIRED)
@pytest.mark.parametrize("value", [None, "", " ", "a b", "-1", "x" * 600, "caf\xe9", "\xc3\xa9", "1,2"])
def test_headers_that_are_missing_or_impossible_are_malformed(service: Service, name: str, value: str | None):
    if value == "-1" and name in {"QueueName", "TaskName"}:
        value = "a/b"
    changed = {f"X_CloudTasks_{name}": value}
    said = refused(service, "m", request(lines(service, "m", **changed), b"1"))
    assert (said.status, said.outcome) == (400, "malformed")
    assert said.body == '{"outcome":"malformed","task":"","attempt":0}'


@pytest.mark.parametrize("name", REQUIRED)
def test_headers_that_come_twice_are_malformed(service: Service, name: str):
    twice: Line = (f"X-CloudTasks-{name}", "7")
    said = refused(service, "twice", request([*lines(service, "twice"), twice], b"1"))
    assert (said.status, said.outcome) == (400, "malformed")


def test_two_authorization_headers_are_unauthenticated(service: Service):
    good = lines(service, "two")
    for second in (("Authorization", f"Bearer {token(service)}"), ("Authorization", "Bearer x")):
        for sent in ([*good, second], [second, *good]):
            said = refused(service, "two", request(sent, b"1"))
            assert (said.status, said.outcome) == (401, "unauthenticated")


@pytest.mark.parametrize(
    "authorization",
    [
        None,
        "",
        "Bearer",
        "Basic eDp5",
        "Bearer  ",
        "Bearer a b",
        "Bearer \xe9.\xe9.\xe9",
        "Bearer " + "a" * 8000,
    ],
)
def test_a_credential_that_is_not_a_token_is_unauthenticated(service: Service, authorization: str | None):
    said = refused(service, "anon", request(lines(service, "anon", Authorization=authorization), b"1"))
    assert (said.status, said.outcome) == (401, "unauthenticated")
    assert "\r\nWWW-Authenticate: Bearer" in said.head


@pytest.mark.parametrize(
    "line",
    [
        ("X-Long", "x" * 9000),
        ("X Space", "1"),
        ("X-Null", "a\0b"),
        ("Content-Length", "-1"),
        ("Content-Length", "two"),
        ("Content-Length", "1, 1"),
        ("Content-Length", "\u00b2"),
        ("Transfer-Encoding", "gzip, \x0bchunked"),
        ("Transfer-Encoding", "identity, chunked, chunked"),
    ],
    ids=lambda line: f"{line[0]}: {line[1][:12]!r}",
)
def test_a_request_that_the_server_itself_refuses_gets_no_500_and_no_details(service: Service, line: Line):
    said = refused(service, "odd", request([*lines(service, "odd"), line], b"1"))
    assert said.outcome in {"", "malformed"}


def test_a_body_shorter_than_announced_is_malformed(service: Service):
    sent = request(lines(service, "short", Content_Length="10"), b"12345")
    said = refused(service, "short", sent, hang_up=True)
    assert (said.status, said.outcome) == (400, "malformed")


def test_a_body_longer_than_announced_ends_at_its_content_length(service: Service):
    first, *_ = exchange(service, request(lines(service, "long", Content_Length="3"), b"12345"))
    assert (first.status, first.outcome) == (200, "completed")
    assert service.begun("long").detail == "3"


def test_a_body_at_the_limit_is_accepted_and_a_longer_one_refused(service: Service):
    (said,) = exchange(service, request(lines(service, "full"), b"x" * LIMIT))
    assert (said.status, said.outcome) == (200, "completed")
    said = refused(service, "over", request(lines(service, "over"), b"x" * (LIMIT + 1)))
    assert (said.status, said.outcome) == (413, "too-large")


def chunked(*chunks: bytes, end: bytes = b"0\r\n\r\n") -> bytes:
    return b"".join(b"%x\r\n%b\r\n" % (len(chunk), chunk) for chunk in chunks) + end


def test_a_chunked_body_is_accepted_up_to_the_limit(service: Service):
    half = b"x" * (LIMIT // 2)
    sent = lines(service, "chunks", Transfer_Encoding="chunked")
    (said,) = exchange(service, request(sent, chunked(half, half)))
    assert (said.status, said.outcome) == (200, "completed")
    assert service.begun("chunks").detail == str(LIMIT)
    sent = lines(service, "chunky", Transfer_Encoding="chunked")
    said = refused(service, "chunky", request(sent, chunked(half, half, b"x")))
    assert (said.status, said.outcome) == (413, "too-large")


@pytest.mark.parametrize("end", [b"", b"5\r\nab", b"zz\r\n", b"-1\r\n\r\n", b"ffffffffffffffffff\r\n"])
def test_chunks_that_do_not_end_are_malformed(service: Service, end: bytes):
    sent = request(lines(service, "torn", Transfer_Encoding="chunked"), chunked(b"abc", end=end))
    said = refused(service, "torn", sent, hang_up=True)
    assert said.status == 400
    assert said.outcome in {"", "malformed"}


@pytest.mark.parametrize("announced", [{"Content_Length": str(10**9)}, {"Transfer_Encoding": "chunked"}])
def test_an_unauthenticated_request_is_answered_before_its_body_is_read(
    service: Service, announced: dict[str, str]
):
    sent = request(lines(service, "huge", Authorization="Bearer x", Connection="keep-alive", **announced))
    said = refused(service, "huge", sent, count=1)  # no body comes, and no hanging up
    assert (said.status, said.outcome) == (401, "unauthenticated")


def test_a_refused_body_is_not_read_as_the_next_request(service: Service):
    smuggled = request(lines(service, "smuggled"), b"1")
    strange = lines(service, "outer", Authorization="Bearer x", Connection="keep-alive")
    answers = exchange(service, request(strange, smuggled) + request(lines(service, "after"), b"1"))
    assert [said.outcome for said in answers] == ["unauthenticated", "completed"]
    assert service.record("smuggled") is None


def test_requests_in_a_row_on_one_connection_are_each_answered(service: Service):
    kept = [request(lines(service, f"row{n}", Connection="keep-alive"), b"1") for n in range(3)]
    answers = exchange(service, b"".join(kept) + request(lines(service, "row0"), b"1"))
    assert [said.outcome for said in answers] == [*["completed"] * 3, "duplicate"]


@pytest.mark.parametrize("method", ["GET", "HEAD", "PUT", "PATCH", "DELETE", "OPTIONS"])
def test_another_method_is_answered_405_with_allow(service: Service, method: str):
    said = refused(service, "method", request(lines(service, "method"), b"", method=method))
    assert (said.status, said.outcome) == (405, "wrong-method")
    assert "\r\nAllow: POST" in said.head


@pytest.mark.parametrize("method", ["TRACE", "CONNECT", "PROPFIND", "post"])
def test_an_unknown_method_runs_no_handler(service: Service, method: str):
    refused(service, "method", request(lines(service, "method"), b"", method=method))


def test_a_path_with_a_trailing_slash_reaches_the_same_handler(service: Service):
    (said,) = exchange(service, request(lines(service, "slash"), b"1", path="/tasks/raw/"))
    assert (said.status, said.outcome) == (200, "completed")


@pytest.mark.parametrize(
    "path", ["/tasks//raw", "/tasks/raw//", "/tasks/%72aw%00", "/tasks/nobody", "/tasks/../tasks/raw"]
)
def test_an_unknown_path_is_answered_404_and_not_redirected(service: Service, path: str):
    said = refused(service, "path", request(lines(service, "path"), b"1", path=path))
    assert said.status == 404
    assert "location" not in said.head.lower()


@pytest.mark.parametrize("spell", [str.lower, str.upper, str.title])
def test_header_names_are_accepted_in_any_case(service: Service, spell: object):
    assert callable(spell)
    name = f"case-{spell('aA')}"
    (said,) = exchange(service, request([(spell(k), v) for k, v in lines(service, name)], b"1"))
    assert (said.status, said.outcome) == (200, "completed")


def test_a_header_name_with_underscores_is_not_read_as_one_with_hyphens(service: Service):
    sent = lines(service, "under", X_CloudTasks_TaskName=None)
    said = refused(service, "under", request([*sent, ("X_CloudTasks_TaskName", "under")], b"1"))
    assert (said.status, said.outcome) == (400, "malformed")


def test_after_all_these_requests_the_service_still_completes_a_task(service: Service):
    assert deliver(service, "last").said == (200, "completed")
    assert len(service.workers()) == 1
    assert "Traceback" not in service.log.read_text()
