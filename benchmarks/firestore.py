"""What the Firestore ledger costs: calls on the wire, and processor time beside Google's own ways.

    python -m benchmarks.firestore

Needs Google's emulator (FIRESTORE_EMULATOR_HOST, or one that is found; see tests/ledger/emulator.py). In
one run, the ways take turns in batches, and medians of the batches are compared, so that a busy machine
disturbs all alike.
"""

from __future__ import annotations

import datetime as dt
import itertools
import statistics
import sys
import time
from collections.abc import Callable

from google.cloud import firestore
from msgspec.structs import replace

from taskhandler.law import Arrive
from taskhandler.ledger.amend import Unseen
from taskhandler.ledger.firestore import FirestoreStorage, open_firestore
from taskhandler.ledger.lease import Lease
from taskhandler.ledger.ledger import Ledger
from taskhandler.ledger.storage import Key, Written
from taskhandler.record import Record, State
from taskhandler.verdict import Completed, Ended, Run, Settled
from tests.faults.relay import Relay
from tests.ledger.emulator import emulated, shared_address

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

WRITTEN = ("handler", "attempt", "fence", "lease_id", "lease", "digest", "retention", "drained", "beats")
EXPIRY = dt.datetime(2030, 1, 1, tzinfo=dt.timezone.utc)

_numbers = itertools.count()


def main() -> None:
    """Print the table."""
    counts()
    with emulated() as project:
        times(project)


def counts() -> None:
    """Count the calls that deliveries come to, as a server sees them."""
    with Relay(shared_address()) as relay, emulated(relay.address) as project:
        storage = open_firestore(f"firestore://{project}?warm=1")
        ledger = Ledger(storage, clock=time.monotonic, pause=lambda _: sys.exit("the ledger is unavailable"))
        deliveries: dict[str, Callable[[], None]] = {
            "first delivery": lambda: first_delivery(ledger, "a", retry=False),
            "duplicate of a completed task": lambda: duplicate(ledger, "a"),
            "retry": lambda: first_delivery(ledger, "b", retry=True),
        }
        for name, deliver in deliveries.items():
            relay.calls.clear()
            deliver()
            told = ", ".join(f"{calls} {method}" for method, calls in sorted(relay.calls.items()))
            print(f"{name}: {told}")
        storage.close()


def arrival() -> Arrive:
    """A delivery that nobody has claimed for yet."""
    return Arrive(lease_id=f"lease-{next(_numbers)}", digest="5" * 64, handler="h", lease=30.0, retention=3e6)


def first_delivery(ledger: Ledger, task: str, *, retry: bool) -> None:
    """Claim and complete, as a delivery does."""
    lease = Lease(ledger, Key("n", "q", task), arrival(), clock=time.monotonic)
    assert lease.claim(Unseen() if retry else None) == Run()
    assert lease.settle(Completed()) == Settled(State.COMPLETED)


def duplicate(ledger: Ledger, task: str) -> None:
    """Be told that the task is completed."""
    lease = Lease(ledger, Key("n", "q", task), arrival(), clock=time.monotonic)
    assert isinstance(lease.claim(None), Ended)


def times(project: str) -> None:
    """Compare the processor time of a claim and a completion, done in three ways."""
    storage = open_firestore(f"firestore://{project}?warm=1")
    client = firestore.Client(project=project)
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
    ledger, create, transactional = medians.values()
    for name, median in medians.items():
        print(f"{name}: {median:.0f} us of processor time for claim + completion")
    print(f"ratio to create + update: {ledger / create:.2f} (budget 0.50)")
    print(f"ratio to two transactions: {ledger / transactional:.2f} (budget 0.17)")


def ours(storage: FirestoreStorage, task: str) -> None:
    """Two commits, on a stub of our own."""
    key = Key("project/location", "queue", task)
    claimed = storage.create(key, RECORD)
    assert isinstance(claimed, Written)
    assert isinstance(storage.replace(key, COMPLETED, claimed.version), Written)


def as_document(task: str, record: Record) -> dict[str, object]:
    """What this ledger writes, as it is handed to Google's client."""
    said: dict[str, object] = {"schema": 1, "namespace": "project/location", "queue": "queue", "task": task}
    said |= {name: getattr(record, name) for name in WRITTEN}
    said |= {"state": record.state.value, "after": 0}
    if record.result is not None:
        said["result"] = record.result
    return {"m": said, "expire_at": EXPIRY}


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
        assert reference.get(transaction=transaction).get("m")["lease_id"] == RECORD.lease_id
        transaction.update(reference, as_document(task, COMPLETED))

    claim(client.transaction())
    complete(client.transaction())


if __name__ == "__main__":
    main()
