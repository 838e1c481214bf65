"""One task's part of a history, sorted so that questions can be asked of it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from typing import TypeVar

from msgspec import Struct
from msgspec.structs import replace

from taskhandler.lifecycle.record import Record
from tests.faults.history import Entry, Expectation, History
from tests.faults.journal import Event

Of = TypeVar("Of", Event, Entry)

ENDS = ("completed", "rejected", "dead", "cancelled")
RESTARTS = ("reset", "expired")
"""Notes of the bench after which a task begins anew: it was reset, or its record is past its retention."""

MAX_ATTEMPTS = {"frail": 3, "single": 1}
"""Of the app's handlers that have a limit."""


class Write(Struct, frozen=True, kw_only=True):
    """An operation on the ledger that was to write. Times are seconds since 1970.

    `sent` is before the write, `done` after it (infinite if the worker died before it could report it). `era`
    counts how often the task had begun anew by then.
    """

    name: str
    pid: int
    lease_id: str
    attempt: int
    fence: int
    state: str
    lease: float
    sent: float
    done: float
    answer: str
    era: int

    @property
    def accepted(self) -> bool:
        """Whether the ledger said that it is written."""
        return self.answer == "written"

    @property
    def possible(self) -> bool:
        """Whether it may have been written, as far as anybody heard."""
        return self.answer in {"written", "unknown", ""}

    @property
    def ends(self) -> bool:
        """Whether it records the end of the task."""
        return self.state in ENDS and self.name != "mark_notified"


class Case(Struct, frozen=True, kw_only=True):
    """What is known of one task; `bench` is what the bench did, to anybody."""

    expected: Expectation
    entries: list[Entry]
    events: list[Event]
    bench: list[Event]
    writes: list[Write]
    record: Record | None
    dead_letters: dict[str, bytes | None]
    left: bool

    def named(self, *what: str) -> list[Event]:
        """The task's events of these kinds."""
        return [event for event in self.events if event.what in what]

    def accepted(self, *names: str) -> list[Write]:
        """The accepted writes of these names; all if there is none."""
        return [write for write in self.writes if write.accepted and (not names or write.name in names)]


def cases(history: History) -> list[Case]:
    """The history, task by task."""
    events, entries = _grouped(history.events), _grouped(history.entries)
    dead_letters: defaultdict[str, dict[str, bytes | None]] = defaultdict(dict)
    for name, body in history.dead_letters.items():
        dead_letters[name.partition("/")[0]][name] = body
    bench = [event for event in events[""] if event.what in {"bench", "outcome"} or event.act]
    bench += [event for event in history.events if event.task and event.act in {"crash", "stop", "exit"}]
    return [
        Case(
            expected=task,
            entries=entries[task.id],
            events=events[task.id],
            bench=bench,
            writes=writes_of(events[task.id]),
            record=history.records.get(task.id),
            dead_letters=dead_letters[task.id],
            left=task.id in history.left,
        )
        for task in history.expectations
    ]


def _grouped(about: Iterable[Of]) -> defaultdict[str, list[Of]]:
    """By task, in their order."""
    groups: defaultdict[str, list[Of]] = defaultdict(list)
    for each in about:
        groups[each.task].append(each)
    return groups


def writes_of(events: Iterable[Event]) -> list[Write]:
    """The writes among the events of one task, in the order in which they were sent."""
    writes: list[Write] = []
    pending: dict[tuple[int, str, str], int] = {}
    era = 0
    for event in events:
        name, _, phase = event.what.partition(".")
        at = (event.pid, event.lease_id, name)
        if event.what == "bench" and event.said in RESTARTS:
            era += 1
        elif name != "read" and phase == "sent":
            pending[at] = len(writes)
            writes.append(_write(name, event, era))
        elif name != "read" and phase == "done" and at in pending:
            number = pending.pop(at)
            writes[number] = _answered(writes[number], event)
    return writes


def _write(name: str, sent: Event, era: int) -> Write:
    undone = sent.act in {"down", "lose"}
    return Write(
        name=name,
        pid=sent.pid,
        lease_id=sent.lease_id,
        attempt=sent.attempt,
        fence=sent.fence,
        state=sent.state,
        lease=sent.lease,
        sent=sent.at,
        done=sent.at if undone else float("inf"),
        answer="unavailable" if undone else "",
        era=era,
    )


def _answered(write: Write, done: Event) -> Write:
    return replace(write, done=done.at, answer=done.answer)
