"""What the Firestore ledger costs in processor time, compared with Google's client.

    python -m benchmarks.firestore

Needs Google's emulator (FIRESTORE_EMULATOR_HOST, or one that is found; see examples/demo/emulator.py). In
one run, the ways take turns in batches, and medians of the batches are compared, so that a busy machine
affects all alike.
"""

from __future__ import annotations

import datetime as dt
import itertools
import statistics
import sys
import time
from collections.abc import Callable
from pathlib import Path

from google.cloud import firestore
from msgspec.structs import replace

from examples.demo.ledgers import ledger, problem
from taskhandler.ledger.firestore.opening import open_firestore
from taskhandler.ledger.firestore.storage import FirestoreStorage
from taskhandler.ledger.storage import Key, Written
from taskhandler.lifecycle.record import Record, State

BATCHES = 15
TASKS = 60
RECORD = Record(
    state=State.RUNNING,
    attempt=1,
    fence=1,
    lease_id="0123456789abcdef0123456789abcdef",
    lease=30.0,
    digest="5" * 64,
    retention=3_024_000.0,
    handler="charge-order",
)
COMPLETED = replace(RECORD, state=State.COMPLETED, result='{"receipt":"r-1"}')

WRITTEN = (
    "format",
    "min_reader",
    "handler",
    "attempt",
    "fence",
    "lease_id",
    "lease",
    "digest",
    "retention",
    "drained",
    "heartbeats",
)
EXPIRY = dt.datetime(2030, 1, 1, tzinfo=dt.timezone.utc)

_numbers = itertools.count()


def main() -> None:
    """Print the table."""
    if why := problem("firestore"):
        sys.exit(why)
    with ledger("firestore", Path()) as url:
        times(url)


def times(url: str) -> None:
    """Compare the processor time of a claim and a completion, done in three ways."""
    storage = open_firestore(f"{url}?warm=1")
    client = firestore.Client(project=url.removeprefix("firestore://"))
    ways: dict[str, Callable[[str], None]] = {
        "this ledger": lambda task: ours(storage, task),
        "DocumentReference.create + fenced update": lambda task: theirs(client, task),
        "two @transactional functions": lambda task: transactions(client, task),
    }
    took: dict[str, list[float]] = {name: [] for name in ways}
    for batch in range(BATCHES + 2):
        for name, way in ways.items():
            used = batch_of(way)
            if batch > 1:  # the first ones warm everything up
                took[name].append(used)
    report({name: statistics.median(each) for name, each in took.items()})
    storage.close()


def batch_of(way: Callable[[str], None]) -> float:
    """Microseconds of this process's processor time that a task takes."""
    began = time.process_time()
    for _ in range(TASKS):
        way(f"task-{next(_numbers)}")
    return (time.process_time() - began) / TASKS * 1e6


def report(medians: dict[str, float]) -> None:
    """Print what each way takes, and how much of it ours is."""
    mine, create, transactional = medians.values()
    for name, median in medians.items():
        print(f"{name}: {median:.0f} us of processor time for claim + completion")
    print(f"ratio to create + update: {mine / create:.2f} (budget 0.50)")
    print(f"ratio to two transactions: {mine / transactional:.2f} (budget 0.17)")


def ours(storage: FirestoreStorage, task: str) -> None:
    """Two commits, on a stub of our own."""
    key = Key("project/location", "queue", task)
    claimed = storage.create(key, RECORD)
    assert isinstance(claimed, Written)
    assert isinstance(storage.replace(key, COMPLETED, claimed.version), Written)


def as_document(task: str, record: Record) -> dict[str, object]:
    """What this ledger writes, as it is handed to Google's client."""
    fields: dict[str, object] = {"namespace": "project/location", "queue": "queue", "task": task}
    fields |= {name: getattr(record, name) for name in WRITTEN}
    fields |= {"state": record.state.value, "after": 0}
    if record.result is not None:
        fields["result"] = record.result
    attention = firestore.DELETE_FIELD if record.is_terminal else f"{record.state.value}:{record.handler}"
    return {"record": fields, "expire_at": EXPIRY, "attention": attention}


def theirs(client: firestore.Client, task: str) -> None:
    """Two commits, as Google's client makes them."""
    reference = client.collection("theirs").document(task)
    created = reference.create(as_document(task, RECORD))
    option = client.write_option(last_update_time=created.update_time)
    reference.update(as_document(task, COMPLETED), option=option)


def transactions(client: firestore.Client, task: str) -> None:
    """Two transactions, each of three calls."""
    reference = client.collection("transactions").document(task)

    @firestore.transactional
    def claim(transaction: firestore.Transaction) -> None:
        assert not reference.get(transaction=transaction).exists
        transaction.create(reference, as_document(task, RECORD))

    @firestore.transactional
    def complete(transaction: firestore.Transaction) -> None:
        assert reference.get(transaction=transaction).get("record")["lease_id"] == RECORD.lease_id
        transaction.update(reference, as_document(task, COMPLETED))

    claim(client.transaction())
    complete(client.transaction())


if __name__ == "__main__":
    main()
