"""What every storage promises to threads that want the same row at the same moment."""

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
from tests.ledger.samples import FIRST, fresh_key

RACERS = 16
AMENDERS = 8
AMENDMENTS = 50
TRIES = 200
"""How often an amendment may be beaten to it before something is wrong."""


def race(act: Callable[[int], Answer]) -> list[Answer]:
    gate = threading.Barrier(RACERS)

    def racer(number: int) -> Answer:
        gate.wait(timeout=30)
        return act(number)

    with ThreadPoolExecutor(RACERS) as threads:
        return list(threads.map(racer, range(RACERS)))


def winner_of(answers: list[Answer]) -> int:
    won = [number for number, answer in enumerate(answers) if isinstance(answer, Written)]
    assert answers.count(Stale()) == RACERS - 1
    assert len(won) == 1
    return won[0]


def test_of_all_who_create_a_record_one_does(storage: Storage):
    key = fresh_key()
    answers = race(lambda n: storage.create(key, replace(FIRST, fence=n), dead_letter=TaskBody(b"%d" % n)))
    winner = winner_of(answers)
    seen = storage.read(key)
    assert isinstance(seen, Snapshot)
    assert seen.record.fence == winner
    assert storage.dead_letter(key) == TaskBody(b"%d" % winner)


def test_of_all_who_replace_one_version_one_does(storage: Storage):
    key = fresh_key()
    created = storage.create(key, FIRST)
    assert isinstance(created, Written)
    answers = race(lambda n: storage.replace(key, replace(FIRST, fence=n), created.version))
    winner = winner_of(answers)
    seen = storage.read(key)
    assert isinstance(seen, Snapshot)
    assert seen.record.fence == winner


def test_writers_of_different_records_do_not_disturb_each_other(storage: Storage):
    keys = [fresh_key() for _ in range(RACERS)]
    answers = race(lambda n: storage.create(keys[n], FIRST))
    assert all(isinstance(answer, Written) for answer in answers)


def test_a_storm_of_amendments_loses_none(storage: Storage):
    key = fresh_key()
    storage.create(key, FIRST)
    with ThreadPoolExecutor(AMENDERS) as threads:
        storm = [threads.submit(heartbeat, storage, key) for _ in range(AMENDERS * AMENDMENTS)]
        for amendment in storm:
            amendment.result(timeout=120)
    seen = storage.read(key)
    assert isinstance(seen, Snapshot)
    assert seen.record.heartbeats == AMENDERS * AMENDMENTS


def heartbeat(storage: Storage, key: Key) -> None:
    for _ in range(TRIES):
        if isinstance(amended(storage, key).verdict, Renewed):
            return
    pytest.fail("beaten to it every time")


def amended(storage: Storage, key: Key) -> Done:
    at = begin(Heartbeat(FIRST.lease_id), Unread())
    while isinstance(at, Pending):
        at = resume(at, carried_out(storage, key, at))
    return at


def carried_out(storage: Storage, key: Key, at: Pending) -> Answer | Snapshot | None:
    if isinstance(at.op, Read):
        return storage.read(key)
    assert not isinstance(at.op, Create)
    return storage.replace(key, at.op.record, at.op.version)
