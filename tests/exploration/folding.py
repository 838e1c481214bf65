"""What makes no difference is made the same, so that two worlds that are the same are seen once."""

from __future__ import annotations

from msgspec.structs import replace

from taskhandler.ledger.amend import Pending, Replace
from taskhandler.lifecycle.record import Record, Snapshot, State
from tests.exploration.state import OLD, Local

BLANK = Record(state=State.WAITING, attempt=0, fence=0, lease_id="", lease=0.0, digest="", retention=0.0)
"""What is to be written over a row that has changed: nothing that matters."""


def plain(record: Record, *, counted: bool) -> Record:
    """The record, with what makes no difference made the same.

    Words are for people, and a heartbeat is known by the version. Attempts matter only as far as they are
    charged and there is a limit; fences only by whether a step was begun under the present one: that they
    grow has been checked before. Else two deliveries that lose all replies could count for ever.
    """
    steps = tuple(replace(mark, fence=int(mark.fence == record.fence)) for mark in record.steps)
    return replace(
        record,
        attempt=record.charged if counted else 1,
        drained=0,
        fence=min(record.fence, 1),
        steps=steps,
        heartbeats=0,
        history=(),
        reason="",
        result=None,
    )


def folded(local: Local, *, counted: bool) -> Local:
    """The same delivery, with what makes no difference made the same.

    How many rounds an amendment has gone only matters to when it is given up; and it is given up at any
    moment in these worlds, when a read is unavailable. What is to be written over a row that has changed
    will never be written. Nobody asks how old a record was.
    """
    pending, held = local.pending, local.held
    if pending is not None:
        op, verdict = pending.op, pending.verdict
        if isinstance(op, Replace) and op.version == OLD:
            op, verdict = Replace(BLANK, OLD), None
        pending = Pending(pending.rule, op, verdict)
    if isinstance(held, Snapshot):
        held = Snapshot(plain(held.record, counted=counted), held.version)
    return replace(local, pending=pending, held=held)
