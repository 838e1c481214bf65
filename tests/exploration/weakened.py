"""What is weakened, in which scenario, and every invariant that must be seen to break by it."""

from __future__ import annotations

from msgspec import Struct
from msgspec.structs import replace

from taskhandler.delivery.outcome_decision import choose_outcome
from taskhandler.lifecycle.record import Record, State
from taskhandler.lifecycle.rules import Settle
from taskhandler.lifecycle.verdict import Fenced, InFlight, Refused, Settled, Undecided, Verdict
from taskhandler.outcome import Outcome
from tests.exploration import weakened_claim as claims
from tests.exploration import weakened_holder as holders
from tests.exploration import weakened_operators as operators
from tests.exploration.state import LEASE, Scenario
from tests.exploration.ways import Ways

TWO = Scenario(name="two deliveries")
FEW = Scenario(name="two deliveries, two attempts", max_attempts=2)
ONE = Scenario(name="two deliveries, one attempt", max_attempts=1)
STEP = Scenario(name="two deliveries, one step", step="once")
SPARING = Scenario(name="two deliveries, one at-most-once step", step="at most once")
RESET = Scenario(name="two deliveries and a reset", resets=1)
RESET_ONE = Scenario(name="two deliveries and a reset, one attempt", max_attempts=1, resets=1)
AGED = Scenario(name="two deliveries and an expiry", expires=True)
CANCEL = Scenario(name="two deliveries and a cancellation", cancels=1)
CANCEL_RESET = Scenario(name="two deliveries, a cancellation and a reset", cancels=1, resets=1, faults=2)
OLD_CANCEL = Scenario(name="two deliveries, a cancellation and an expiry", cancels=1, expires=True)
BODIES_CANCEL = Scenario(name="two bodies and a cancellation", bodies="xy", cancels=1)
BODIES_CANCEL_RESET = replace(BODIES_CANCEL, name="two bodies, a cancellation and a reset", resets=1)
CONFLICT = Scenario(name="two bodies under one name", bodies="xy")
THREE = Scenario(name="three deliveries", bodies="xxx", heartbeats=False, drains=False, delays=False)
THREE_FEW = replace(THREE, name="three deliveries, two attempts", max_attempts=2)


class Weakened(Struct, frozen=True):
    """One weakened piece, and what must break by it: each of `breaks`, when only that is watched."""

    what: str
    ways: Ways
    breaks: tuple[str, ...]
    scenario: Scenario = TWO


def _acknowledging(*kinds: type[Verdict]) -> Ways:
    """A story that acknowledges what it must not."""

    def generous(verdict: Verdict) -> Outcome:
        return Outcome.COMPLETED if isinstance(verdict, kinds) else choose_outcome(verdict)

    return Ways(choose_outcome=generous)


def _acknowledging_failures(verdict: Verdict) -> Outcome:
    return Outcome.COMPLETED if verdict == Settled(State.WAITING) else choose_outcome(verdict)


def _answering(this: Verdict, instead: Outcome) -> Ways:
    """A story that answers one verdict wrongly."""

    def answer(verdict: Verdict) -> Outcome:
        return instead if verdict == this else choose_outcome(verdict)

    return Ways(choose_outcome=answer)


def _batch_with_anything(settle: Settle, record: Record) -> bool:  # noqa: ARG001 - it looks at nothing
    return True


def _batch_apart(settle: Settle, record: Record) -> bool:  # noqa: ARG001 - it looks at nothing
    return False


WEAKENED = [
    Weakened("completion is not fenced", Ways(settle=holders.UnfencedCompletion), ("S1", "S4", "S5")),
    Weakened("failure is not fenced", Ways(settle=holders.UnfencedFailure), ("S4", "S5")),
    Weakened(
        "failure is not fenced, and a third comes", Ways(settle=holders.UnfencedFailure), ("S1", "S2"), THREE
    ),
    Weakened("rejection is not fenced", Ways(settle=holders.UnfencedRejection), ("S4", "S5")),
    Weakened("the state is the guard", Ways(settle=holders.StateGuardedSettle), ("S4",)),
    Weakened("a failure deletes the record", Ways(settle=holders.ForgetfulSettle), ("S12",)),
    Weakened(
        "a failure deletes the record, and its attempts",
        Ways(settle=holders.ForgetfulSettle),
        ("S7",),
        THREE_FEW,
    ),
    Weakened(
        "a failure deletes the record, and its steps", Ways(settle=holders.ForgetfulSettle), ("S10",), STEP
    ),
    Weakened("an end is written twice", Ways(settle=holders.TwiceSettle), ("S1", "S4", "S5", "S11")),
    Weakened("what is in flight is acknowledged", _acknowledging(InFlight), ("S3", "S8")),
    Weakened("an undecided end is guessed", _acknowledging(Undecided), ("S3", "S8")),
    Weakened("a refused end is acknowledged", _acknowledging(Refused), ("S3", "S8")),
    Weakened("a fenced holder acknowledges", _acknowledging(Fenced), ("S3", "S8")),
    Weakened("a failure is acknowledged", Ways(choose_outcome=_acknowledging_failures), ("S3", "S8")),
    Weakened("marked before it is run", Ways(claim=claims.MarkingClaim), ("S2", "S8")),
    Weakened("the worker's clock decides", Ways(claim=claims.FastClockClaim), ("S6",)),
    Weakened("the holder does not look at its clock", Ways(looks_at_its_clock=False), ("S2",)),
    Weakened("attempts are counted at failure", Ways(claim=claims.UnchargedClaim), ("S7",), ONE),
    Weakened("a failure is not charged", Ways(settle=holders.FreeFailure), ("S7",), ONE),
    Weakened("the limit is not looked at", Ways(claim=claims.BoundlessClaim), ("S7",), ONE),
    Weakened("the last attempt is not made", Ways(claim=claims.HastyClaim), ("S16",), FEW),
    Weakened("a drained attempt is charged", Ways(settle=holders.ChargedDrain), ("S16",), FEW),
    Weakened("the dead are not recorded", Ways(claim=claims.SilentClaim), ("S3", "S8"), ONE),
    Weakened("claims have no name", Ways(claim=claims.NamelessClaim), ("S9",)),
    Weakened("two claims have one name", Ways(claim=claims.NamesakeClaim), ("S2",)),
    Weakened("a lapsed lease is not taken over", Ways(claim=claims.MeekClaim), ("L1",)),
    Weakened("a lease lapses too late", Ways(claim=claims.LateClaim), ("L1",)),
    Weakened("the end goes to another key", Ways(settle=holders.AnotherKeysSettle), ("L1",)),
    Weakened("another key's end is believed", Ways(settle=holders.AnotherKeysUnfencedSettle), ("S3", "S8")),
    Weakened("the last failure leaves it waiting", Ways(settle=holders.HopefulSettle), ("L2",)),
    Weakened("the last delivery does not wait", Ways(waits_when_last=False), ("L2",)),
    Weakened("heartbeats are not fenced", Ways(heartbeat=holders.UnfencedHeartbeat), ("S4",)),
    Weakened("steps are not fenced", Ways(finish=holders.UnfencedFinishStep), ("S4",), STEP),
    Weakened("a reset does not fence", Ways(reset=operators.GentleReset), ("S4",), RESET),
    Weakened("an end counts as no record at once", Ways(claim=claims.ImpatientClaim), ("S2", "S5")),
    Weakened("a record expires too early", Ways(expires_early=True), ("S1", "S2", "S5"), AGED),
    Weakened("the fence does not grow", Ways(claim=claims.FencelessClaim), ("S12",)),
    Weakened("the fence begins again", Ways(claim=claims.RestartingClaim), ("S12",), AGED),
    Weakened("recorded steps run again", Ways(looks_at_steps=False), ("S10",), STEP),
    Weakened("a step starts unannounced", Ways(begins_steps=False), ("S10",), SPARING),
    Weakened("a second call begins the step again", Ways(looks_at_steps=False), ("S10",), SPARING),
    Weakened("the batch goes with any end", Ways(batch_of=_batch_with_anything), ("S11",)),
    Weakened("the batch does not go with the completion", Ways(batch_of=_batch_apart), ("S11",)),
    Weakened("another body is not noticed", Ways(claim=claims.BlindClaim), ("S13",), CONFLICT),
    Weakened("a conflict is not recorded", Ways(keeps_conflicts=False), ("S13",), CONFLICT),
    Weakened("whichever death is marked", Ways(names_the_death=False), ("S14",), RESET_ONE),
    Weakened("on_dead is not called", Ways(calls_on_dead=False), ("S15",), ONE),
    Weakened("a cancellation does not fence", Ways(cancel=operators.GentleCancel), ("S17", "S5"), CANCEL),
    Weakened(
        "a completion is not fenced by a cancellation",
        Ways(settle=holders.UnfencedCompletion),
        ("S17",),
        CANCEL,
    ),
    Weakened("what has ended is cancelled", Ways(cancel=operators.LateCancel), ("S5",), CANCEL),
    Weakened("a cancellation is forgotten", Ways(cancel=operators.ForgetfulCancel), ("S17", "S20"), CANCEL),
    Weakened("a cancellation is not recorded", Ways(cancel=operators.SilentCancel), ("S19",), CANCEL),
    Weakened("what runs is not cancelled", Ways(cancel=operators.PoliteCancel), ("S19",), CANCEL),
    Weakened("a cancellation has no name", Ways(cancel=operators.NamelessCancel), ("S19",), CANCEL),
    Weakened("an old end cannot be cancelled", Ways(cancel=operators.TimelessCancel), ("S19",), OLD_CANCEL),
    Weakened("it forgets the fence", Ways(cancel=operators.RestartingCancel), ("S12",), OLD_CANCEL),
    Weakened(
        "what is cancelled is claimed", Ways(claim=claims.ReadyClaim), ("S2", "S5", "S17", "S20"), CANCEL
    ),
    Weakened("what is cancelled is run", Ways(claim=claims.TrustingClaim), ("S2", "S17", "S20"), CANCEL),
    Weakened("the body is compared first", Ways(claim=claims.BodyFirstClaim), ("S20",), BODIES_CANCEL),
    Weakened("no body is taken after a reset", Ways(claim=claims.StrictClaim), ("L1",), CANCEL_RESET),
    Weakened("any body is taken", Ways(claim=claims.FormlessClaim), ("S13",), BODIES_CANCEL_RESET),
    Weakened(
        "a cancelled holder retries", _answering(Fenced(State.CANCELLED), Outcome.RETRY), ("S20",), CANCEL
    ),
    Weakened(
        "a cancelled holder completes",
        _answering(Fenced(State.CANCELLED), Outcome.COMPLETED),
        ("S8", "S20"),
        CANCEL,
    ),
    Weakened(
        "what is in flight is said to be cancelled",
        _answering(InFlight(LEASE), Outcome.CANCELLED),
        ("S3",),
        CANCEL,
    ),
    Weakened("a fenced holder does not call on_dead", Ways(calls_on_dead_when_fenced=False), ("S15",), ONE),
]
