"""The rules of the state machine, each weakened as the exploration weakens it; both must notice."""

from __future__ import annotations

from collections.abc import Callable

from taskhandler.delivery import receiver as delivery
from taskhandler.ledger import lease
from tests.exploration import weakened_claim as claims
from tests.exploration import weakened_holder as holders
from tests.faults.weakened_parts import put

RULES: tuple[tuple[str, Callable[[], None], str, str], ...] = (
    ("completion is not fenced", put(lease, Settle=holders.UnfencedCompletion), "S1", "a-zombie-succeeds"),
    ("failure is not fenced", put(lease, Settle=holders.UnfencedFailure), "S5", "a-zombie-fails"),
    ("rejection is not fenced", put(lease, Settle=holders.UnfencedRejection), "S5", "a-zombie-rejects"),
    (
        "the state is the guard",
        put(lease, Settle=holders.StateGuardedSettle),
        "S4",
        "a-zombie-fails-while-another-runs",
    ),
    (
        "a failure forgets the attempts",
        put(lease, Settle=holders.ForgetfulSettle),
        "S7",
        "every-attempt-fails",
    ),
    ("a failure is not charged", put(lease, Settle=holders.FreeFailure), "S7", "every-attempt-fails"),
    (
        "an end is written twice",
        put(lease, Settle=holders.TwiceSettle),
        "S1",
        "the-reply-to-a-completion-is-lost",
    ),
    ("the end goes to another key", put(lease, Settle=holders.AnotherKeysSettle), "L1", "nothing-goes-wrong"),
    (
        "another key's end is believed",
        put(lease, Settle=holders.AnotherKeysUnfencedSettle),
        "S3",
        "nothing-goes-wrong",
    ),
    (
        "the last failure leaves it waiting",
        put(lease, Settle=holders.HopefulSettle),
        "LOST",
        "the-last-delivery-of-a-queue-fails",
    ),
    (
        "a drained attempt is charged",
        put(lease, Settle=holders.ChargedDrain),
        "LOST",
        "a-handler-stops-at-a-checkpoint",
    ),
    (
        "heartbeats are not fenced",
        put(lease, Heartbeat=holders.UnfencedHeartbeat),
        "S4",
        "a-zombie-sends-heartbeats",
    ),
    (
        "a claim is written as completed",
        put(delivery, Claim=claims.MarkingClaim),
        "LOST",
        "a-worker-dies-in-the-middle-of-its-handler",
    ),
    (
        "the claimant's clock is ahead",
        put(delivery, Claim=claims.FastClockClaim),
        "S6",
        "a-duplicate-while-it-runs",
    ),
    (
        "attempts are counted at failure",
        put(delivery, Claim=claims.UnchargedClaim),
        "S7",
        "every-run-kills-its-worker",
    ),
    (
        "the limit of attempts is ignored",
        put(delivery, Claim=claims.BoundlessClaim),
        "S7",
        "every-run-kills-its-worker",
    ),
    (
        "the last attempt is not made",
        put(delivery, Claim=claims.HastyClaim),
        "2 runs; from 3",
        "every-attempt-fails",
    ),
    (
        "deaths are not recorded",
        put(delivery, Claim=claims.SilentClaim),
        "S3",
        "every-run-kills-its-worker",
    ),
    (
        "claims have no name",
        put(delivery, Claim=claims.NamelessClaim),
        "[200] is expected",
        "the-reply-to-a-claim-is-lost",
    ),
    (
        "two claims have one name",
        put(delivery, Claim=claims.NamesakeClaim),
        "S2",
        "a-duplicate-while-it-runs",
    ),
    (
        "a lapsed lease is not taken over",
        put(delivery, Claim=claims.MeekClaim),
        "L1",
        "a-worker-dies-in-the-middle-of-its-handler",
    ),
    (
        "another body is not noticed",
        put(delivery, Claim=claims.BlindClaim),
        "S13",
        "another-body-under-the-same-name",
    ),
    (
        "an end counts as no record",
        put(delivery, Claim=claims.ImpatientClaim),
        "S5",
        "a-duplicate-after-the-end",
    ),
    ("the fence does not grow", put(delivery, Claim=claims.FencelessClaim), "S12", "a-zombie-succeeds"),
    (
        "the fence begins again",
        put(delivery, Claim=claims.RestartingClaim),
        "S12",
        "a-record-past-its-retention",
    ),
)
