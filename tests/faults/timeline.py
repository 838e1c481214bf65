"""What people look at when a play went wrong: all that happened, in the order of time."""

from __future__ import annotations

from collections.abc import Iterator

from tests.faults.history import Entry, History
from tests.faults.journal import Event

LONGEST_LINES = 120
"""Lines of a timeline; a longer one is cut in the middle."""


def timeline(history: History) -> str:
    """The history as lines, one for each thing that somebody saw happen, then the ledger's records."""
    seen = sorted([*_of_events(history.events), *_of_entries(history.entries)])
    began = seen[0][0] if seen else 0.0
    lines = [f"{at - began:8.3f}  {line}" for at, line in seen]
    if len(lines) > LONGEST_LINES:
        half = LONGEST_LINES // 2
        lines[half:-half] = [f"          … {len(lines) - LONGEST_LINES} lines …"]
    lines += [f"  ledger  {task}: {record}" for task, record in history.records.items()]
    return "\n".join(lines)


def _of_events(events: list[Event]) -> Iterator[tuple[float, str]]:
    for event in events:
        numbers = f"attempt {event.attempt} fence {event.fence}" if event.fence else ""
        words = (event.task, event.what, event.said, event.state, event.lease_id[:6], numbers, event.answer)
        act = f"=> {event.act}" if event.act else ""
        who = f"pid {event.pid}" if event.pid else "bench"
        yield event.at, f"{who:<10} " + " ".join(word for word in (*words, act) if word)


def _of_entries(entries: list[Entry]) -> Iterator[tuple[float, str]]:
    for entry in entries:
        name = f"{entry.task} {entry.kind} {entry.number}"
        yield entry.sent, f"queue      {name} is sent" + (f" {entry.faults}" if entry.faults else "")
        if entry.ended is not None:
            yield entry.ended, f"queue      {name} is answered {entry.status} {entry.error or ''}"
