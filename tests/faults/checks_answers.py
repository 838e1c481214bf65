"""What deliveries may be answered: every 2xx with an end recorded before, everything else for a reason."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from taskhandler.outcome import STATUS, Outcome
from tests.faults.case import Case
from tests.faults.history import Entry
from tests.faults.journal import Event

FAILURES = {"fail", "retry", "limit", "exit", "linger"}
TROUBLE = {"lose", "down", "stop", "crash", "park", "slow", "hog", "exit", "leave"}


def ends_are_recorded_first(case: Case) -> Iterator[str]:
    """S3, S8, S13: a 2xx is sent only when an end is recorded."""
    ends = [write for write in case.writes if write.ends and write.possible]
    for entry in case.entries:
        if entry.acknowledged and not any(end.sent <= _end(entry) for end in ends):
            yield f"S3: {entry.kind} {entry.number} was answered {entry.status} and no end was recorded"


def answers_are_told(case: Case) -> Iterator[str]:
    """Each answer is the status of an outcome that a delivery of the task came to meanwhile."""
    for entry in case.entries:
        if entry.status is None:
            if entry.ended is not None and not _excused(case, entry):
                yield f"{entry.kind} {entry.number} had no answer for no reason: {entry.error}"
        elif not any(_tells(event, entry) for event in [*case.events, *case.bench]):
            yield f"{entry.kind} {entry.number} was answered {entry.status}, which nobody can explain"


def outcomes_have_reasons(case: Case) -> Iterator[str]:
    """Each outcome follows from something that happened before."""
    for event in case.named("outcome"):
        reason = REASONS.get(event.said)
        if reason is not None and not reason(case, event):
            yield f"a delivery came to {event.said!r} (pid {event.pid}) for no reason"


def _end(entry: Entry) -> float:
    return float("inf") if entry.ended is None else entry.ended


def _tells(event: Event, entry: Entry) -> bool:
    if event.at > _end(entry):
        return False
    if event.what == "bench":
        return event.said == "hook" and entry.status == STATUS[Outcome.UNAVAILABLE]
    if event.at < entry.sent:
        return False
    if event.act == "exit":
        return entry.status == 500  # the web server's own
    return event.what == "outcome" and entry.status in _statuses(event.said)


def _statuses(outcome: str) -> set[int]:
    other = {409} if outcome == Outcome.IN_FLIGHT.value else set()
    return {STATUS[Outcome(outcome)]} | other


def _excused(case: Case, entry: Entry) -> bool:
    """Whether something was done in that time that takes answers away."""
    if entry.faults:
        return True
    during = [event for event in [*case.bench, *case.events] if event.at <= _end(entry)]
    return any(_troubles(event) for event in during)


def _troubles(event: Event) -> bool:
    return event.act.partition(":")[0] in TROUBLE or event.what == "bench"


def _before(case: Case, outcome: Event, state: str) -> bool:
    return any(
        write.state == state and write.pid == outcome.pid and write.sent <= outcome.at
        for write in case.writes
    )


def _an_end(case: Case, outcome: Event) -> bool:
    return any(write.ends and write.possible and write.sent <= outcome.at for write in case.writes)


def _held(case: Case, outcome: Event) -> bool:
    return any(write.name == "claim" and write.possible and write.sent <= outcome.at for write in case.writes)


def _failed(case: Case, outcome: Event) -> bool:
    """The handler failed, its worker was told to stop, or the lease went to another one."""
    before = [event for event in [*case.events, *case.bench] if event.at <= outcome.at]
    failed = any(event.act in FAILURES and event.pid == outcome.pid for event in before)
    stopped = any(event.what == "bench" for event in before)
    claims = {write.pid for write in case.writes if write.name == "claim" and write.sent <= outcome.at}
    invalid = case.expected.handler == "weigh"
    return failed or stopped or invalid or len(claims) > 1


def _troubled(case: Case, outcome: Event) -> bool:
    before = [event for event in [*case.events, *case.bench] if event.at <= outcome.at]
    return any(_troubles(event) for event in before)


REASONS: dict[str, Callable[[Case, Event], bool]] = {
    "completed": lambda case, outcome: _before(case, outcome, "completed"),
    "rejected": lambda case, outcome: _before(case, outcome, "rejected"),
    "dead": lambda case, outcome: _before(case, outcome, "dead"),
    "duplicate": _an_end,
    "in-flight": _held,
    "rate-limited": _failed,
    "retry": _failed,
    "unavailable": _troubled,
}
"""By outcome: what must have happened before."""
