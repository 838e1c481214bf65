"""Requests are answered under names of this machine and allowed names, and never to web pages."""

from __future__ import annotations

import pytest

from taskhandler.devqueue.http_access import Access, is_loopback
from taskhandler.devqueue.http_message import Head, HttpError
from taskhandler.errors import UsageError


def status(access: Access, *headers: tuple[str, str]) -> int:
    """Return the status that refuses a GET with these headers; 200 if nothing does."""
    try:
        access.check(Head("GET", "/_/stats", "", headers))
    except HttpError as error:
        return error.reply.status
    return 200


@pytest.mark.parametrize(
    "host",
    [
        "localhost",
        "localhost:8124",
        "LOCALHOST:1",
        "localhost.:80",
        "queue.localhost",
        "127.0.0.1",
        "127.0.0.1:8124",
        "127.8.8.8:1",
        "[::1]:8124",
        "[0:0:0:0:0:0:0:1]",
        "[::ffff:127.0.0.1]:1",
    ],
)
def test_requests_to_loopback_names_and_addresses_are_answered(host: str):
    assert status(Access("127.0.0.1"), ("host", host)) == 200


@pytest.mark.parametrize(
    "host",
    [
        "evil.example",
        "evil.example:8124",
        "localhost.evil.example",
        "notlocalhost",
        "127.0.0.1.nip.io",
        "127.0.0.1.evil.example:8124",
        "192.168.1.5",
        "0.0.0.0",
        "[::]",
        "[fe80::1]",
        "2130706433",
    ],
)
def test_a_request_to_another_host_name_is_answered_403(host: str):
    assert status(Access("127.0.0.1"), ("host", host)) == 403


@pytest.mark.parametrize(
    "host",
    [
        "",
        " ",
        ":8124",
        "localhost:port",
        "localhost:8124:1",
        "localhost@evil.example",
        "evil.example#localhost",
        "localhost/",
        "localhost\\evil.example",
        "::1",
        "[::1",
        "loc\u00e4lhost",
        "localhost, evil.example",
    ],
)
def test_a_malformed_host_header_is_answered_400(host: str):
    assert status(Access("127.0.0.1"), ("host", host)) == 400


@pytest.mark.parametrize("hosts", [[], ["localhost", "localhost"], ["localhost", "evil.example"]])
def test_a_request_without_exactly_one_host_header_is_answered_400(hosts: list[str]):
    assert status(Access("127.0.0.1"), *(("host", host) for host in hosts)) == 400


@pytest.mark.parametrize(
    ("started_with", "host"),
    [
        ("192.168.1.5", "192.168.1.5:1"),
        ("queue.example", "Queue.Example."),
        ("0.0.0.0", "0.0.0.0:1"),
        ("::", "[::]"),
    ],
)
def test_requests_to_the_host_option_are_answered(started_with: str, host: str):
    assert status(Access(started_with), ("host", host)) == 200


def test_listening_on_all_interfaces_allows_no_further_host_names():
    assert status(Access("0.0.0.0"), ("host", "queue:8124")) == 403
    assert status(Access("0.0.0.0"), ("host", "192.168.1.5")) == 403


@pytest.mark.parametrize(
    ("allowed", "host"),
    [
        ("queue", "queue:8124"),
        ("Queue.Internal", "queue.internal"),
        ("cloud_tasks", "cloud_tasks:1"),
        ("192.168.1.5", "192.168.1.5"),
        ("fd00::5", "[fd00:0::5]:1"),
        ("[fd00::5]", "[fd00::5]"),
    ],
)
def test_requests_to_an_allowed_host_name_are_answered(allowed: str, host: str):
    assert status(Access("0.0.0.0", [allowed]), ("host", host)) == 200
    assert status(Access("0.0.0.0", [allowed]), ("host", "evil.example")) == 403


@pytest.mark.parametrize("name", ["", "*", "queue:8124", "http://queue", "a b", "[::1]:80", "queue\n"])
def test_an_allowed_host_that_is_not_a_host_name_is_a_usage_error(name: str):
    with pytest.raises(UsageError, match="is not a host name"):
        Access("127.0.0.1", [name])


@pytest.mark.parametrize(
    "origin",
    [
        "http://evil.example",
        "http://localhost:3000",
        "http://localhost",
        "https://localhost:8124",
        "http://127.0.0.1:8124",
        "null",
        "",
        "http://localhost:8124.evil.example",
        "http://localhost:8124, http://evil.example",
    ],
)
def test_a_request_from_another_origin_is_answered_403(origin: str):
    assert status(Access("127.0.0.1"), ("host", "localhost:8124"), ("origin", origin)) == 403


def test_a_request_from_the_queues_own_origin_is_answered_unless_it_names_another_too():
    own = ("origin", "http://localhost:8124")
    assert status(Access("127.0.0.1"), ("host", "LocalHost:8124"), own) == 200
    both = (own, ("origin", "http://evil.example"))
    assert status(Access("127.0.0.1"), ("host", "localhost:8124"), *both) == 403


@pytest.mark.parametrize(
    ("site", "expected"),
    [("none", 200), ("same-origin", 200), ("same-site", 403), ("cross-site", 403), ("", 403), ("else", 403)],
)
def test_a_request_with_sec_fetch_site_is_answered_only_from_the_queues_own_site(site: str, expected: int):
    assert status(Access("127.0.0.1"), ("host", "localhost"), ("sec-fetch-site", site)) == expected


@pytest.mark.parametrize(
    ("host", "expected"),
    [
        ("127.0.0.1", True),
        ("::1", True),
        ("localhost", True),
        ("0.0.0.0", False),
        ("::", False),
        ("workstation", False),
    ],
)
def test_is_loopback_is_true_only_of_names_and_addresses_of_this_machine(host: str, expected: bool):  # noqa: FBT001 - a parameter of the test
    assert is_loopback(host) is expected
