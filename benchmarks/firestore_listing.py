"""What a list of a Firestore ledger costs, and what the field costs that it is read from.

    python -m benchmarks.firestore_listing [--records 100000]

Needs Google's emulator, as benchmarks.firestore does. The records are written by BatchWrite, 500 in a call.
"""

from __future__ import annotations

import argparse
import itertools
import statistics
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from google.cloud import firestore
from google.cloud.firestore_v1 import types
from msgspec.structs import replace

from benchmarks.firestore import COMPLETED, RECORD
from examples.demo.ledgers import ledger, problem
from taskhandler.ledger.firestore.attention import ATTENTION
from taskhandler.ledger.firestore.commit import Commit
from taskhandler.ledger.firestore.document import document_id, encode
from taskhandler.ledger.firestore.grpc_transport import GrpcTransport
from taskhandler.ledger.firestore.storage import FirestoreStorage
from taskhandler.ledger.firestore.transport import Found, Query
from taskhandler.ledger.storage import Key, Listed, Page
from taskhandler.lifecycle.record import Record, State

BATCH_DOCUMENTS = 500
DEAD_LETTERS = 60
PAGES = 21
ROUNDS = 15
TASKS = 40
TIMEOUT_SECONDS = 60.0

_numbers = itertools.count()


class CountingTransport(GrpcTransport):
    """Counts the documents that queries return: what Firestore bills as reads."""

    def __init__(self, client: firestore.Client) -> None:
        super().__init__(client)
        self.reads = 0

    def query(self, query: Query, *, timeout: float) -> Found:
        """See `Transport.query`."""
        found = super().query(query, timeout=timeout)
        self.reads += len(found.documents)
        return found


def main() -> None:
    """Print the figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--records", type=int, default=100_000, help="completed records beside the listed ones"
    )
    records = parser.parse_args().records
    if why := problem("firestore"):
        sys.exit(why)
    with ledger("firestore", Path()) as url:
        client = firestore.Client(project=url.removeprefix("firestore://"))
        transport = CountingTransport(client)
        measure_field(transport)
        began = time.perf_counter()
        add(client, COMPLETED, records)
        print(f"{records} completed records written in {time.perf_counter() - began:.0f} s")
        add(client, replace(RECORD, state=State.DEAD), DEAD_LETTERS)
        measure_page(client, transport)


def measure_page(client: firestore.Client, transport: CountingTransport) -> None:
    """Print what a page of 50 dead letters costs."""
    storage = FirestoreStorage(client=client)
    storage._connection._transport = transport  # noqa: SLF001 - to count what is read
    took, reads = list[float](), set[int]()
    for _ in range(PAGES):
        transport.reads, began = 0, time.perf_counter()
        page = storage.list({Listed.DEAD}, handler=RECORD.handler)
        took.append(time.perf_counter() - began)
        reads.add(transport.reads)
        assert isinstance(page, Page)
        assert len(page.entries) == 50  # noqa: PLR2004 - a page
    print(f"a page of 50 dead letters: {reads} reads, {statistics.median(took) * 1e3:.1f} ms")


def measure_field(transport: CountingTransport) -> None:
    """Print what `attention` adds to a first delivery: bytes, and time until the answers are there."""
    took: dict[bool, list[float]] = {True: [], False: []}
    for round_number in range(ROUNDS):
        for with_field in sorted(took, reverse=bool(round_number % 2)):
            times = [deliver(transport, with_field=with_field) for _ in range(TASKS)]
            took[with_field] += times if round_number else []  # the first ones warm everything up
    with_it, without = (statistics.median(took[with_field]) * 1e3 for with_field in (True, False))
    sizes = [size(transport, with_field=with_field) for with_field in (True, False)]
    print(f"claim + completion with attention: {with_it:.2f} ms, {sizes[0]} bytes of requests")
    print(f"claim + completion without it: {without:.2f} ms, {sizes[1]} bytes of requests")
    print(f"ratio: {with_it / without:.3f} of the time, {sizes[0] / sizes[1]:.3f} of the bytes")


def deliver(transport: CountingTransport, *, with_field: bool) -> float:
    """Seconds of a claim and a completion."""
    began = time.perf_counter()
    version: int | None = None
    for request in requests(transport, f"task-{next(_numbers)}", with_field=with_field):
        if version is not None:
            moment = request.writes[0].current_document.update_time
            moment.seconds, moment.nanos = divmod(version, 10**9)
        written = transport.commit(request, timeout=TIMEOUT_SECONDS)
        assert isinstance(written, int)
        version = written
    return time.perf_counter() - began


def size(transport: CountingTransport, *, with_field: bool) -> int:
    """Bytes of the requests of a claim and a completion."""
    return sum(request.ByteSize() for request in requests(transport, "task-1", with_field=with_field))


def requests(transport: CountingTransport, task: str, *, with_field: bool) -> Iterator[Any]:
    """The commits of a first delivery."""
    key = Key("project/location", "queue", task)
    for record, version in ((RECORD, None), (COMPLETED, 1)):
        request = Commit(key=key, record=record, version=version).build_request(
            transport, "task_ledger", now=time.time()
        )
        if not with_field:
            request.writes[0].update.fields.pop(ATTENTION, None)
            mask = request.writes[0].update_mask
            paths = [path for path in mask.field_paths if path != ATTENTION]
            mask.field_paths[:] = paths
        yield request


def add(client: firestore.Client, record: Record, count: int) -> None:
    """Write so many records."""
    database = client._database_string  # noqa: SLF001 - no public name
    for start in range(0, count, BATCH_DOCUMENTS):
        request = types.BatchWriteRequest.pb()(database=database)
        for _ in range(min(BATCH_DOCUMENTS, count - start)):
            key = Key("project/location", "queue", f"task-{next(_numbers)}")
            document = request.writes.add().update
            document.name = f"{database}/documents/task_ledger/{document_id(key)}"
            encode(document, key, record, after=0, now=time.time())
        client._firestore_api.batch_write(  # noqa: SLF001 - no public name
            types.BatchWriteRequest.wrap(request),
            metadata=client._rpc_metadata,  # noqa: SLF001 - the emulator asks for an owner
        )


if __name__ == "__main__":
    main()
