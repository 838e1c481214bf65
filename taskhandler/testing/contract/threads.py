"""Of threads that want the same row at the same moment, one has it."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest
from msgspec.structs import replace

from taskhandler.ledger.amend import Create, Done, Pending, Read, Unread, begin, resume
from taskhandler.ledger.storage import Answer, Key, Stale, Storage, TaskBody, Written
from taskhandler.lifecycle.record import Snapshot
from taskhandler.lifecycle.rules import Heartbeat
from taskhandler.lifecycle.verdict import Renewed
from taskhandler.testing.contract.fixtures import Fixtures
from taskhandler.testing.contract.samples import FIRST, fresh_key, read, written

RACERS = 16
AMENDERS = 8
AMENDMENTS = 50
TRIES = 200
"""How often an amendment may meet a changed record before something is wrong."""

TIMEOUT_SECONDS = 120.0


class Threads(Fixtures):
    """All methods, from many threads at once."""

    def test_of_many_simultaneous_creates_of_a_record_one_is_written(self, storage: Storage) -> None:
        for _ in range(5):
            key = fresh_key()

            def create(racer: int, key: Key = key) -> Answer:
                body = TaskBody(b"%d" % racer)
                return storage.create(key, replace(FIRST, fence=racer), dead_letter=body)

            winner = _winner_of(_race(create))
            assert read(storage, key).record.fence == winner
            assert storage.dead_letter(key) == TaskBody(b"%d" % winner)

    def test_of_many_simultaneous_replacements_of_a_version_one_is_written(self, storage: Storage) -> None:
        key = fresh_key()
        version = written(storage.create(key, FIRST)).version
        for _ in range(5):

            def substitute(racer: int, version: object = version) -> Answer:
                return storage.replace(key, replace(FIRST, fence=racer), version)

            winner = _winner_of(_race(substitute))
            found = read(storage, key)
            assert found.record.fence == winner
            version = found.version

    def test_writers_of_different_records_do_not_disturb_each_other(self, storage: Storage) -> None:
        keys = [fresh_key() for _ in range(RACERS)]
        assert all(isinstance(answer, Written) for answer in _race(lambda n: storage.create(keys[n], FIRST)))

    def test_no_amendment_is_lost_among_many(self, storage: Storage) -> None:
        key = fresh_key()
        written(storage.create(key, FIRST))
        with ThreadPoolExecutor(AMENDERS) as threads:
            amendments = [threads.submit(_heartbeat, storage, key) for _ in range(AMENDERS * AMENDMENTS)]
            for amendment in amendments:
                amendment.result(TIMEOUT_SECONDS)
        assert read(storage, key).record.heartbeats == AMENDERS * AMENDMENTS


def _race(act: Callable[[int], Answer]) -> list[Answer]:
    gate = threading.Barrier(RACERS)

    def racer(number: int) -> Answer:
        gate.wait(TIMEOUT_SECONDS)
        return act(number)

    with ThreadPoolExecutor(RACERS) as threads:
        return list(threads.map(racer, range(RACERS)))


def _winner_of(answers: list[Answer]) -> int:
    won = [number for number, answer in enumerate(answers) if isinstance(answer, Written)]
    assert len(won) == 1
    assert answers.count(Stale()) == RACERS - 1
    return won[0]


def _heartbeat(storage: Storage, key: Key) -> None:
    for _ in range(TRIES):
        if isinstance(_amend(storage, key).verdict, Renewed):
            return
    pytest.fail("the record has always changed")


def _amend(storage: Storage, key: Key) -> Done:
    at = begin(Heartbeat(FIRST.lease_id), Unread())
    while isinstance(at, Pending):
        at = resume(at, _carry_out(storage, key, at))
    return at


def _carry_out(storage: Storage, key: Key, at: Pending) -> Answer | Snapshot | None:
    if isinstance(at.op, Read):
        return storage.read(key)
    assert not isinstance(at.op, Create)
    return storage.replace(key, at.op.record, at.op.version)
