"""What the Firestore ledger answers when the network breaks at each exact place, and how it recovers."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from taskhandler.ledger.firestore.storage import FirestoreStorage
from taskhandler.ledger.lease import Lease
from taskhandler.ledger.ledger import Ledger
from taskhandler.ledger.storage import Key, Stale, TaskBody, Unavailable, Unknown, Written
from taskhandler.lifecycle.record import Snapshot, State
from taskhandler.lifecycle.rules import Claim
from taskhandler.lifecycle.verdict import Completed, Fenced, Run, Settled, Undecided
from tests.faults.relay import Relay
from tests.faults.tcp_proxy import Fault, Proxy
from tests.ledger.emulator import Emulator, required_jar, shared_address
from tests.ledger.firestore.cloud import Cloud, emulated_cloud, version_of
from tests.ledger.samples import FIRST, SECOND, THIRD, fresh_key
from tests.ledger.sqlite.local_storage import wait

LONGEST_CALL_SECONDS = 5.0
"""Seconds that no call to a ledger may exceed; see `Storage`."""

CLAIM = Claim(lease_id="lease-1", digest="5" * 64, handler="charge-order", lease=30.0, retention=3e6)
LOSSES = [Fault.CUT_BEFORE, Fault.CUT_AFTER, Fault.BLACKHOLE, Fault.MUTE]
APPLIED = {Fault.CUT_AFTER, Fault.MUTE}


@pytest.fixture
def proxy() -> Iterator[Proxy]:
    with Proxy(shared_address()) as running:
        yield running


@pytest.fixture
def cloud(proxy: Proxy) -> Iterator[Cloud]:
    """A ledger behind the proxy, in use."""
    with emulated_cloud(proxy.address) as opened:
        until_there(opened.storage)
        yield opened


def until_there(storage: FirestoreStorage) -> None:
    """Wait until the ledger answers; a connection that has just broken may swallow another call."""
    until = time.monotonic() + 40
    while isinstance(storage.read(Key("n", "q", "none")), Unavailable):
        assert time.monotonic() < until
        wait(0.05)


def lease_of(storage: FirestoreStorage, key: Key, *, lease_id: str = "lease-1") -> Lease:
    claim = Claim(lease_id=lease_id, digest="5" * 64, handler="h", lease=30.0, retention=3e6)
    return Lease(Ledger(storage, clock=time.monotonic, pause=wait), key, claim, clock=time.monotonic)


@pytest.mark.parametrize("fault", LOSSES)
def test_a_create_whose_reply_is_lost_is_unknown(cloud: Cloud, proxy: Proxy, fault: Fault):
    key = fresh_key()
    proxy.strike(fault)
    began = time.monotonic()
    assert isinstance(cloud.storage.create(key, FIRST), Unknown)
    assert time.monotonic() - began < LONGEST_CALL_SECONDS
    assert cloud.document(key).get().exists is (fault in APPLIED)


@pytest.mark.parametrize("fault", LOSSES)
def test_a_replacement_whose_reply_is_lost_is_unknown(cloud: Cloud, proxy: Proxy, fault: Fault):
    key = fresh_key()
    version = version_of(cloud.storage.create(key, FIRST))
    proxy.strike(fault)
    began = time.monotonic()
    assert isinstance(cloud.storage.replace(key, SECOND, version), Unknown)
    assert time.monotonic() - began < LONGEST_CALL_SECONDS
    assert cloud.fields(key)["heartbeats"] == int(fault in APPLIED)


@pytest.mark.parametrize("fault", LOSSES)
def test_a_read_whose_reply_is_lost_is_unavailable(cloud: Cloud, proxy: Proxy, fault: Fault):
    proxy.strike(fault)
    began = time.monotonic()
    assert isinstance(cloud.storage.read(fresh_key()), Unavailable)
    assert time.monotonic() - began < LONGEST_CALL_SECONDS


@pytest.mark.parametrize("fault", [Fault.CUT_BEFORE, Fault.CUT_AFTER])
def test_a_claim_whose_reply_is_lost_is_recognised_as_its_own(cloud: Cloud, proxy: Proxy, fault: Fault):
    key = fresh_key()
    lease = lease_of(cloud.storage, key)
    proxy.strike(fault)
    assert lease.claim(None) == Run()
    assert cloud.fields(key)["lease_id"] == "lease-1"
    assert (cloud.fields(key)["attempt"], cloud.fields(key)["fence"]) == (1, 1)


@pytest.mark.parametrize("fault", [Fault.CUT_BEFORE, Fault.CUT_AFTER])
def test_a_completion_whose_reply_is_lost_is_recognised_as_its_own(cloud: Cloud, proxy: Proxy, fault: Fault):
    key = fresh_key()
    lease = lease_of(cloud.storage, key)
    assert lease.claim(None) == Run()
    batch = cloud.storage.batch()
    counter = cloud.client.document("orders/o-1")
    batch.set(counter, {})
    proxy.strike(fault)
    assert lease.settle(Completed(), writes=[batch]) == Settled(State.COMPLETED)
    assert cloud.fields(key)["state"] == "completed"
    assert counter.get().exists


def test_a_heartbeat_whose_reply_is_lost_does_not_fence_the_completion(cloud: Cloud, proxy: Proxy):
    key = fresh_key()
    lease = lease_of(cloud.storage, key)
    assert lease.claim(None) == Run()
    proxy.strike(Fault.CUT_AFTER)
    assert lease.renew()
    assert lease.settle(Completed()) == Settled(State.COMPLETED)


def test_a_claim_in_a_long_outage_is_undecided_within_ten_seconds(cloud: Cloud, proxy: Proxy):
    proxy.strike(Fault.BLACKHOLE, times=0)
    began = time.monotonic()
    assert isinstance(lease_of(cloud.storage, fresh_key()).claim(None), Undecided)
    assert time.monotonic() - began < 2 * LONGEST_CALL_SECONDS


def test_a_ledger_that_refuses_connections_is_out_of_use_and_comes_back(cloud: Cloud, proxy: Proxy):
    key = fresh_key()
    version = version_of(cloud.storage.create(key, FIRST))
    proxy.refuse()
    assert isinstance(cloud.storage.replace(key, SECOND, version), Unknown)
    assert isinstance(cloud.storage.read(key), Unavailable)
    proxy.heal()
    until_there(cloud.storage)
    assert isinstance(cloud.storage.replace(key, SECOND, version), Written)


def test_a_dead_connection_is_replaced_within_one_heartbeat_of_the_first_call_on_it(
    cloud: Cloud, proxy: Proxy
):
    proxy.strike(Fault.BLACKHOLE)
    began = time.monotonic()
    assert isinstance(cloud.storage.read(fresh_key()), Unavailable)
    proxy.heal()
    until_there(cloud.storage)
    assert time.monotonic() - began < 15  # a ping after 4 s, of which nothing is heard for 6 s


def test_a_dead_connection_with_many_waiting_calls_is_replaced_by_one(cloud: Cloud, proxy: Proxy):
    proxy.strike(Fault.BLACKHOLE)
    with ThreadPoolExecutor(8) as threads:
        answers = list(threads.map(lambda _: cloud.storage.read(fresh_key()), range(8)))
        proxy.heal()
        assert any(isinstance(each, Unavailable) for each in answers)
        began = time.monotonic()
        list(threads.map(lambda _: until_there(cloud.storage), range(8)))
        assert time.monotonic() - began < 15
    assert proxy.connections == 2


def test_round_trips_of_over_three_seconds_are_waited_for_on_one_connection(cloud: Cloud, proxy: Proxy):
    proxy.delay(1.6, jitter=0.2)  # a busy machine takes its part of what is left of a call's 4.5 s
    with ThreadPoolExecutor(16) as threads:
        answers = list(threads.map(lambda _: cloud.storage.create(fresh_key(), FIRST), range(32)))
    assert all(isinstance(answer, Written) for answer in answers)
    assert proxy.connections == 1


def test_the_largest_dead_letter_is_read_in_one_round_trip(cloud: Cloud, proxy: Proxy):
    key, dead_letter = fresh_key(), TaskBody(os.urandom(2**20))
    version_of(cloud.storage.create(key, FIRST, dead_letter=dead_letter))
    proxy.delay(1.2)  # three round trips would be too many for the limit of a call
    assert cloud.storage.dead_letter(key) == dead_letter


def test_calls_without_an_answer_do_not_delay_other_calls(relayed: Cloud, relay: Relay):
    key, late = fresh_key(), threading.Event()
    version = version_of(relayed.storage.create(key, FIRST))
    relay.hold("Commit", late)
    with ThreadPoolExecutor(6) as threads:
        held = [threads.submit(relayed.storage.create, fresh_key(), FIRST) for _ in range(4)]
        for _ in range(40):
            assert relayed.found(key).version == version
            wait(0.2)
        assert [type(each.result()) for each in held] == [Unknown] * 4
        assert relayed.found(key).version == version
        late.set()


def test_the_details_of_a_failure_become_one_bounded_line(
    relayed: Cloud, relay: Relay, caplog: pytest.LogCaptureFixture
):
    relay.answer("Commit", "UNAVAILABLE", details="no\n2026-11-25 ERROR all is lost \x1b[2J" + "x" * 5000)
    answer = relayed.storage.create(fresh_key(), FIRST)
    assert isinstance(answer, Unknown)
    for said in (answer.why, *caplog.messages):
        assert said.isprintable()
        assert "no 2026-11-25 ERROR all is lost ?[2J" in said
        assert len(said) < 700


def test_an_emulator_that_comes_back_empty_fences_its_holders():
    with Emulator(required_jar()) as emulator, emulated_cloud(emulator.address) as cloud:
        key = fresh_key()
        lease = lease_of(cloud.storage, key)
        assert lease.claim(None) == Run()
        emulator.stop()
        assert isinstance(cloud.storage.read(key), Unavailable)
        emulator.start()
        until_there(cloud.storage)
        assert not lease.renew()
        assert lease.settle(Completed()) == Fenced(None)
        again = lease_of(cloud.storage, key, lease_id="lease-2")
        assert again.claim(None) == Run()
        assert again.settle(Completed()) == Settled(State.COMPLETED)
        assert isinstance(cloud.storage.read(key), Snapshot)
        assert cloud.storage.create(key, THIRD) == Stale()
