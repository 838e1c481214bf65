"""The proxy of the fault tests breaks exactly what it says it breaks."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator

import grpc  # type: ignore[import-untyped]  # grpcio ships no types
import pytest

from tests.faults.relay import Relay
from tests.faults.tcp_proxy import Fault, Proxy

TIMEOUT_SECONDS = 60
"""After these a test gives up: a guard against hanging, on which no assertion depends."""

METHOD = "/test.Echo/Say"


class Echo(Relay):
    """A server that answers with what it was sent."""

    def __init__(self) -> None:
        super().__init__("127.0.0.1:1")

    def _handed_on(self, method: str, requests: list[bytes], context: object) -> Iterator[bytes]:
        assert (method, context) != ("", None)
        yield from requests


@pytest.fixture
def echo() -> Iterator[Echo]:
    with Echo() as running:
        yield running


@pytest.fixture
def proxy(echo: Echo) -> Iterator[Proxy]:
    with Proxy(echo.address) as running:
        yield running


@pytest.fixture
def channel(proxy: Proxy) -> Iterator[grpc.Channel]:
    opened = grpc.insecure_channel(proxy.address)
    yield opened
    opened.close()


def say(channel: grpc.Channel, *, timeout: float = TIMEOUT_SECONDS) -> str:
    try:
        return bytes(channel.unary_unary(METHOD)(b"hello", timeout=timeout, wait_for_ready=True)).decode()
    except grpc.RpcError as error:
        return str(error.code().name)


def until(held: Callable[[], bool]) -> None:
    """Wait until something holds; fail if it never does."""
    deadline = time.monotonic() + TIMEOUT_SECONDS
    while not held():
        assert time.monotonic() < deadline, "it was not answered in time"
        threading.Event().wait(0.01)


def until_heard(channel: grpc.Channel) -> int:
    """How often in vain it was said; gRPC may hand a call to a connection that has just been cut."""
    for failures in range(20):
        if say(channel) == "hello":
            return failures
    pytest.fail("it never gets through")


def test_a_call_without_a_fault_is_answered(channel: grpc.Channel, echo: Echo):
    assert say(channel) == "hello"
    assert echo.calls["Say"] == 1


def test_a_request_cut_before_it_is_sent_does_not_reach_the_server(
    channel: grpc.Channel, proxy: Proxy, echo: Echo
):
    proxy.strike(Fault.CUT_BEFORE)
    assert say(channel) == "UNAVAILABLE"
    assert echo.calls["Say"] == 0
    until_heard(channel)


def test_a_request_whose_answer_is_cut_reached_the_server(channel: grpc.Channel, proxy: Proxy, echo: Echo):
    proxy.strike(Fault.CUT_AFTER)
    assert say(channel) == "UNAVAILABLE"
    assert echo.calls["Say"] == 1
    until_heard(channel)
    assert proxy.faults == 1


def test_a_fault_happens_as_often_as_it_was_ordered(channel: grpc.Channel, proxy: Proxy):
    proxy.strike(Fault.CUT_BEFORE, times=2)
    assert until_heard(channel) >= 2
    assert proxy.faults == 2


def test_a_connection_that_fell_into_a_black_hole_stays_dead_after_healing(
    channel: grpc.Channel, proxy: Proxy, echo: Echo
):
    assert say(channel) == "hello"
    proxy.strike(Fault.BLACKHOLE)
    assert say(channel, timeout=0.3) == "DEADLINE_EXCEEDED"
    proxy.heal()
    assert say(channel, timeout=0.3) == "DEADLINE_EXCEEDED"
    assert echo.calls["Say"] == 1


def test_a_mute_connection_passes_requests_and_no_answers(channel: grpc.Channel, proxy: Proxy, echo: Echo):
    assert say(channel) == "hello"
    proxy.strike(Fault.MUTE)
    assert say(channel, timeout=0.5) == "DEADLINE_EXCEEDED"
    until(lambda: echo.calls["Say"] == 2)  # it may be on its way still


def test_a_delay_loses_nothing(channel: grpc.Channel, proxy: Proxy):
    assert say(channel) == "hello"
    proxy.delay(0.4)
    assert say(channel, timeout=0.3) == "DEADLINE_EXCEEDED"
    proxy.heal()
    assert say(channel) == "hello"


def test_connections_are_refused_until_the_proxy_is_healed(proxy: Proxy):
    proxy.refuse()
    with grpc.insecure_channel(proxy.address) as channel:
        with pytest.raises(grpc.RpcError):
            channel.unary_unary(METHOD)(b"hello", timeout=TIMEOUT_SECONDS)
        proxy.heal()
        assert say(channel) == "hello"


def test_cut_breaks_all_connections(channel: grpc.Channel, proxy: Proxy):
    assert say(channel) == "hello"
    proxy.cut()
    until_heard(channel)
    assert proxy.connections == 2


def test_the_relay_answers_with_the_ordered_status_and_counts_calls(echo: Echo):
    with grpc.insecure_channel(echo.address) as channel:
        echo.answer("Say", "ABORTED")
        assert [say(channel), say(channel)] == ["ABORTED", "hello"]
    assert echo.calls["Say"] == 2
