"""All that is known of a play once it is over, from three sides: the queue, the oracle and the ledger."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from msgspec import Struct

from taskhandler.lifecycle.record import Record
from tests.faults.journal import Event


class Expectation(Struct, kw_only=True):
    """A task, and how it must end.

    Attributes:
        id: its own.
        queue: the full name of its queue.
        handler: the handler's name.
        body: its payload.
        end: the state that the ledger must end with, or several, as in `completed or dead`.
        runs: how often at least and at most its handler may be called.
        statuses: what its deliveries must be answered, in the order of their ends (None: no answer at
            all); None if any will do.
        others: bodies that came under its name too: conflicts.
    """

    id: str
    queue: str
    handler: str = "work"
    body: bytes = b"{}"
    end: str = "completed"
    runs: tuple[int, int] = (1, 1)
    statuses: tuple[int | None, ...] | None = None
    others: tuple[bytes, ...] = ()


class Entry(Struct, frozen=True, kw_only=True):
    """One delivery, as its sender saw it. Times are seconds since 1970."""

    task: str
    kind: str
    sent: float
    number: int = 0
    ended: float | None = None
    status: int | None = None
    error: str | None = None
    faults: tuple[str, ...] = ()
    queue: str = ""

    @property
    def acknowledged(self) -> bool:
        """Whether it was answered with a 2xx, wherever that answer went."""
        return self.status is not None and 200 <= self.status < 300


def entry_of(attempt: Mapping[str, Any]) -> Entry:
    """A delivery as the local queue lists it."""
    return Entry(**attempt)


class History(Struct, kw_only=True):
    """What is to be judged.

    Attributes:
        expectations: the tasks, and what is expected of each.
        entries: all deliveries, those that were made by hand included.
        events: what the oracle heard, in its order.
        records: what the ledger holds in the end, by task.
        dead_letters: the bodies that the ledger keeps, by task; those of conflicts as `task/…`.
        left: tasks that their queue still had when the time was over.
        wrong: what a scenario itself found wrong.
    """

    expectations: list[Expectation]
    entries: list[Entry]
    events: list[Event]
    records: dict[str, Record | None]
    dead_letters: dict[str, bytes | None]
    left: frozenset[str] = frozenset()
    wrong: list[str] = []
