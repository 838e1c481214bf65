"""The ledger: what is remembered of every task, and where.

Everything that a storage of your own needs is imported from here: the protocol `Storage`, what it is given
and what it answers. docs/storages.md has an example.
"""

from __future__ import annotations

from taskhandler.ledger.listing import listed_as, page_of
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
    "Listed",
    "OperatorAct",
    "Page",
    "Record",
    "Refused",
    "Round",
    "Snapshot",
    "Stale",
    "State",
    "Step",
    "Storage",
    "TaskBody",
    "Unavailable",
    "Unknown",
    "Written",
    "check_reader",
    "listed_as",
    "page_of",
]
