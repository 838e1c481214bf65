"""Sample histories, for the tests of the checker."""

from __future__ import annotations

from typing import Any

from taskhandler.lifecycle.record import Record, State
from tests.faults.history import Entry, Expectation, History
from tests.faults.journal import Event

LEASE_SECONDS = 1.5


def wrote(name: str, at: float, **about: Any) -> list[Event]:  # noqa: ANN401 - the fields of Event
    """A write that was sent at `at` and accepted a moment later."""
    usual = {
        "task": "t",
        "pid": 1,
        "attempt": 1,
        "fence": 1,
        "lease_id": "a",
        "lease": LEASE_SECONDS,
        "state": "running",
    }
    said = {**usual, **about}
    return [
        Event(what=f"{name}.sent", at=at, **said),
        Event(what=f"{name}.done", at=at + 0.01, answer="written", **said),
    ]


def ran(at: float, **about: Any) -> list[Event]:  # noqa: ANN401 - the same
    """A run from its beginning to its end."""
    said = {"task": "t", "pid": 1, "attempt": 1, "fence": 1, **about}
    taken = Event(what="fenced", at=at + 0.01, answer="taken", **said)
    return [Event(what="begun", at=at, **said), taken, Event(what="done", at=at + 0.02, **said)]


def completed(at: float, **about: Any) -> list[Event]:  # noqa: ANN401 - the same
    """A claim, a run, a completion and its outcome."""
    return [
        *wrote("claim", at, **about),
        *ran(at + 0.1, **about),
        *wrote("settle", at + 0.2, **{**about, "state": "completed"}),
        Event(what="outcome", task="t", at=at + 0.3, pid=about.get("pid", 1), said="completed"),
    ]


def answered(at: float, status: int | None = 200, **about: Any) -> Entry:  # noqa: ANN401 - the fields of Entry
    """A delivery that was sent a second before its answer came."""
    return Entry(**{"task": "t", "kind": "delivery", "sent": at - 1, "ended": at, "status": status, **about})


def recorded(state: str = "completed", **about: Any) -> Record:  # noqa: ANN401 - the fields of Record
    """What the ledger holds."""
    usual: dict[str, Any] = {
        "attempt": 1,
        "fence": 1,
        "lease_id": "a",
        "lease": LEASE_SECONDS,
        "digest": "",
        "retention": 9.0,
    }
    return Record(**{**usual, "state": State(state), **about})


def history(
    events: list[Event],
    entries: list[Entry],
    record: Record | None,
    **about: Any,  # noqa: ANN401 - the fields of Expectation
) -> History:
    """The history of one task."""
    task = Expectation(**{"id": "t", "queue": "q", "runs": (0, 9), **about})
    return History(
        expectations=[task], entries=entries, events=events, records={"t": record}, dead_letters={}
    )
