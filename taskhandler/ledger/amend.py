"""The optimistic loop: apply a rule to the expected record, and write on the condition that it is there.

Only when the storage disagrees, or cannot say whether it has written, is the record read and the rule
applied again. This file does no I/O: `begin` and `resume` say which operation to do next, and are given
what the storage answered. `Ledger` carries the operations out; so do the tests that explore every order
of events, and both drive this very code.
"""

from __future__ import annotations

from collections.abc import Hashable

from msgspec import Struct

from taskhandler.ledger.storage import Answer, Disputed, Unavailable, Unknown, Written
from taskhandler.lifecycle.record import Record, Snapshot
from taskhandler.lifecycle.rules import Rule
from taskhandler.lifecycle.verdict import Refused, Undecided, Verdict

MOST_REREADS = 8
"""How often the record may turn out to have changed before the amendment is given up."""


class Unread(Struct, frozen=True, gc=False):
    """Nothing is expected of the record: read it first."""


class Read(Struct, frozen=True, gc=False):
    """Ask the storage for the record."""


class Create(Struct, frozen=True, gc=False):
    """Ask the storage to write the first record."""

    record: Record


class Replace(Struct, frozen=True):
    """Ask the storage to replace the record that is at `version`."""

    record: Record
    version: Hashable


class Pending(Struct, frozen=True):
    """An amendment that waits for the answer to `op`.

    Attributes:
        rule: what is applied.
        op: what the storage is to do next.
        verdict: holds once `op` is written.
        rereads: how often the record turned out to have changed.
        dispute: the write that `op` reads for, and why it failed if the record has not changed.
    """

    rule: Rule
    op: Read | Create | Replace
    verdict: Verdict | None = None
    rereads: int = 0
    dispute: tuple[Replace, Refused | Unavailable] | None = None


class Done(Struct, frozen=True):
    """An amendment that has come to an end; `snapshot` is the record as it is now known to be."""

    verdict: Verdict
    snapshot: Snapshot | None = None


def begin(rule: Rule, believed: Snapshot | Unread | None) -> Pending | Done:
    """Start with the record that is expected; None for no record."""
    if isinstance(believed, Unread):
        return Pending(rule, Read())
    return _apply(rule, believed, rereads=0)


def resume(pending: Pending, answer: Answer | Snapshot | None) -> Pending | Done:
    """Go on with what the storage answered to `pending.op`."""
    match answer:
        case Written(version=version):
            return _conclude(pending, version)
        case Snapshot() if pending.dispute is not None and pending.dispute[0].version == answer.version:
            return resume(pending, pending.dispute[1])
        case None | Snapshot():
            return _apply(pending.rule, answer, rereads=pending.rereads)
        case Unavailable(why=why):
            return Done(Undecided(why))
        case Refused():
            return Done(answer)
        case _ if pending.rereads >= MOST_REREADS:
            return Done(
                Undecided(
                    answer.why
                    if isinstance(answer, Unknown)
                    else "the record kept changing while it was being updated"
                )
            )
        case Disputed(otherwise=otherwise) if isinstance(pending.op, Replace):
            return Pending(pending.rule, Read(), rereads=pending.rereads + 1, dispute=(pending.op, otherwise))
        case _:
            return Pending(pending.rule, Read(), rereads=pending.rereads + 1)


def _apply(rule: Rule, snapshot: Snapshot | None, *, rereads: int) -> Pending | Done:
    transition = rule(snapshot)
    if transition.write is None:
        return Done(transition.verdict, snapshot)
    op = Create(transition.write) if snapshot is None else Replace(transition.write, snapshot.version)
    return Pending(rule, op, transition.verdict, rereads)


def _conclude(pending: Pending, version: Hashable) -> Done:
    if isinstance(pending.op, Read) or pending.verdict is None:
        raise TypeError("a storage answered Written to a Read")
    return Done(pending.verdict, Snapshot(pending.op.record, version))
