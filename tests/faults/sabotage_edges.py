"""What guards something around the rules: the delivery, the lease, the storage, clocks and replies."""

from __future__ import annotations

from collections.abc import Callable

from taskhandler.auth.verifier import NoVerifier
from taskhandler.delivery import on_dead, outcome_decision
from taskhandler.delivery import receiver as delivery
from taskhandler.ledger import bootclock, heartbeat_scheduler, lease, ledger
from taskhandler.ledger.sqlite import rows as sqlite_rows
from taskhandler.ledger.storage import Stale, Unknown
from taskhandler.lifecycle.verdict import Fenced, InFlight, Undecided
from taskhandler.web import assembly, drain
from tests.faults import weakened_parts as parts
from tests.faults.weakened_parts import put

EDGES: tuple[tuple[str, Callable[[], None], str, str], ...] = (
    (
        "what is in flight is acknowledged",
        put(outcome_decision, choose_outcome=parts.acknowledging(InFlight)),
        "S3",
        "a-worker-dies-while-duplicates-arrive",
    ),
    (
        "an undecided end is guessed",
        put(outcome_decision, choose_outcome=parts.acknowledging(Undecided)),
        "LOST",
        "a-completion-that-nobody-can-confirm",
    ),
    (
        "a fenced holder acknowledges",
        put(outcome_decision, choose_outcome=parts.acknowledging(Fenced)),
        "S3",
        "a-zombie-ends-while-another-runs",
    ),
    (
        "a failure is acknowledged",
        put(outcome_decision, choose_outcome=parts.acknowledging_failures),
        "LOST",
        "a-handler-fails-once",
    ),
    (
        "the last delivery does not wait",
        put(delivery.Receiver, _wait=parts.bounced),
        "LOST",
        "the-last-delivery-waits-for-the-lease",
    ),
    (
        "a conflict is not kept",
        put(delivery.Receiver, _keep_conflict=parts.conflict_unrecorded),
        "S13",
        "another-body-under-the-same-name",
    ),
    (
        "on_dead is not called",
        put(delivery.Receiver, _call_on_dead=parts.nothing),
        "S15",
        "every-attempt-fails",
    ),
    (
        "that on_dead was called is not recorded",
        put(on_dead, MarkNotified=parts.ForgetfulMarkNotified),
        "S15",
        "every-attempt-fails",
    ),
    (
        "the holder ignores its clock",
        put(lease.Lease, ensure_live=parts.runs_anyway),
        "S2",
        "a-zombie-wakes-before-its-handler-is-called",
    ),
    (
        "a worker that ends keeps its lease",
        put(lease.Lease, release=parts.nothing),
        "RELEASE",
        "a-handler-exits-its-worker",
    ),
    (
        "no heartbeats",
        put(heartbeat_scheduler.Heartbeats, watch=parts.nothing),
        "2 runs; from 1",
        "a-handler-longer-than-its-lease",
    ),
    (
        "an unknown write is taken for written",
        put(ledger, resume=parts.believing(Unknown)),
        "LOST",
        "a-completion-is-lost",
    ),
    (
        "a stale write is taken for written",
        put(ledger, resume=parts.believing(Stale)),
        "S3",
        "a-zombie-ends-while-another-runs",
    ),
    (
        "bodies of bad ends are not kept",
        put(ledger.Ledger, amend=parts.without_body(ledger.Ledger.amend)),
        "is not kept",
        "a-handler-rejects",
    ),
    (
        "tokens are not looked at",
        put(assembly, _make_verifier=lambda *_: NoVerifier()),
        "AUTH",
        "requests-without-a-good-token",
    ),
    (
        "a worker does not see that it is to stop",
        put(drain.Drain, __call__=parts.never),
        "DRAIN",
        "a-handler-stops-at-a-checkpoint",
    ),
    (
        "sqlite replaces whatever is there",
        put(sqlite_rows, REPLACE=parts.REPLACE),
        "S1",
        "a-zombie-wakes-before-its-end-is-sent",
    ),
    (
        "sqlite creates over what is there",
        put(sqlite_rows, CREATE=parts.CREATE),
        "runs; from 1 to 1",
        "twenty-at-the-same-moment",
    ),
    (
        "sqlite asks the wall clock",
        put(bootclock.ServerClock, age=parts.aged_by_the_wall),
        "S6",
        "workers-disagree-about-the-time",
    ),
)
