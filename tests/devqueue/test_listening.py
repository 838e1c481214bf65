"""Addresses, and the warning about those that other machines can reach."""

from __future__ import annotations

import logging

import pytest

from taskhandler.devqueue import LocalQueue
from taskhandler.devqueue.listening import join_host_port, reachable_host, warn_if_exposed

from .http_calls import ask, request, sent


@pytest.mark.parametrize(
    ("host", "expected"), [("127.0.0.1", "127.0.0.1:1"), ("queue", "queue:1"), ("::1", "[::1]:1")]
)
def test_a_host_and_a_port_are_joined_with_brackets_around_ipv6(host: str, expected: str):
    assert join_host_port(host, 1) == expected


@pytest.mark.parametrize(
    ("host", "expected"),
    [("0.0.0.0", "127.0.0.1"), ("::", "::1"), ("10.0.0.1", "10.0.0.1"), ("queue", "queue")],
)
def test_the_reachable_host_of_all_interfaces_is_the_loopback_address(host: str, expected: str):
    assert reachable_host(host) == expected


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.168.1.5", "10.0.0.1", "fd00::5"])
def test_listening_where_other_machines_reach_logs_a_warning_with_the_remedy(
    host: str, caplog: pytest.LogCaptureFixture
):
    warn_if_exposed(host, grpc_port=8123, http_port=8124)
    (record,) = caplog.records
    assert record.levelno == logging.WARNING
    for part in (
        join_host_port(host, 8123),
        join_host_port(host, 8124),
        "tokens for any account",
        "Listen on 127.0.0.1",
    ):
        assert part in record.getMessage()


@pytest.mark.parametrize("host", ["127.0.0.1", "127.8.8.8", "::1"])
def test_listening_on_a_loopback_address_logs_nothing(host: str, caplog: pytest.LogCaptureFixture):
    warn_if_exposed(host, grpc_port=8123, http_port=8124)
    assert caplog.records == []


def test_a_local_queue_on_all_interfaces_warns_and_answers_loopback_and_allowed_names(
    caplog: pytest.LogCaptureFixture,
):
    with LocalQueue(seed=0, host="0.0.0.0", allow_hosts=["queue"]) as queue:
        assert [record.levelname for record in caplog.records] == ["WARNING"]
        assert ask(queue, "/_/stats")["seed"] == 0
        named = sent(queue, request("GET", "/_/stats", host="queue:8124"))
        other = sent(queue, request("GET", "/_/stats", host="evil.example"))
    assert named is not None
    assert other is not None
    assert (named.status, other.status) == (200, 403)


def test_a_local_queue_on_the_default_host_logs_nothing(caplog: pytest.LogCaptureFixture):
    with LocalQueue(seed=0):
        pass
    assert caplog.records == []
