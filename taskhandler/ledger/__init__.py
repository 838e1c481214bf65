"""The ledger: what is remembered of every task, and where.

Everything that a storage of your own needs is imported from here: the protocol `Storage`, what it is given
and what it answers. docs/storages.md has an example.
"""

from __future__ import annotations

from taskhandler.errors import LedgerError
from taskhandler.ledger.bootclock import ServerClock, Stamp, machine_clock
from taskhandler.ledger.listing import listed_as, page_of
from taskhandler.ledger.record_json import decode_record, encode_record
from taskhandler.ledger.row import decode_row, encode_row
from taskhandler.ledger.storage import (
    Answer,
    Disputed,
    Entry,
    Key,
    Listed,
    Page,
    Stale,
    Storage,
    TaskBody,
    Unavailable,
    Unknown,
    Written,
    check_reader,
)
from taskhandler.lifecycle.record import FORMAT, TERMINAL, OperatorAct, Record, Round, Snapshot, State, Step
from taskhandler.lifecycle.verdict import Refused

__all__ = [
    "FORMAT",
    "TERMINAL",
    "Answer",
    "Disputed",
    "Entry",
    "Key",
    "LedgerError",
    "Listed",
    "OperatorAct",
    "Page",
    "Record",
    "Refused",
    "Round",
    "ServerClock",
    "Snapshot",
    "Stale",
    "Stamp",
    "State",
    "Step",
    "Storage",
    "TaskBody",
    "Unavailable",
    "Unknown",
    "Written",
    "check_reader",
    "decode_record",
    "decode_row",
    "encode_record",
    "encode_row",
    "listed_as",
    "machine_clock",
    "page_of",
]
