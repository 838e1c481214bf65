"""What every storage that is built in promises, tried with any record, and below `Ledger`."""

from __future__ import annotations

import time

from hypothesis import HealthCheck, given, settings

from taskhandler.ledger.ledger import Ledger
from taskhandler.ledger.storage import Storage
from taskhandler.lifecycle.holder_rules import Heartbeat
from taskhandler.lifecycle.record import Record, Snapshot
from taskhandler.lifecycle.verdict import Renewed
from taskhandler.testing.contract.samples import read, written
from tests.ledger.samples import FIRST, SECOND, fresh_key, records
from tests.ledger.sqlite.local_storage import wait


@settings(deadline=None, max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(first=records, second=records)
def test_every_field_of_any_record_is_read_unchanged(storage: Storage, first: Record, second: Record):
    key = fresh_key()
    version = written(storage.create(key, first)).version
    assert read(storage, key).record == first
    written(storage.replace(key, second, version))
    assert read(storage, key).record == second


def test_a_holder_with_the_version_of_another_row_reads_and_goes_on(storage: Storage):
    one, other = fresh_key(), fresh_key()
    written(storage.create(one, FIRST))
    elsewhere = written(storage.create(other, FIRST))
    ledger = Ledger(storage, clock=time.monotonic, pause=wait)
    done = ledger.amend(one, Heartbeat(FIRST.lease_id), Snapshot(FIRST, elsewhere.version), timeout=5.0)
    assert done.verdict == Renewed()
    assert read(storage, one).record == SECOND
