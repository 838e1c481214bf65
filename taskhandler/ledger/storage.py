"""What a ledger must be able to do. A storage keeps records and holds no policy.

A write is conditional: it names the version it replaces, or says that there must be none. A storage
answers truthfully what is known of it; what follows from the answer is decided elsewhere (`amend`, the law).
"""

from __future__ import annotations

import enum
from collections.abc import Collection, Hashable, Iterator, Sequence
from typing import Protocol, runtime_checkable

from msgspec import Struct

from taskhandler.lifecycle.record import Record, Snapshot
from taskhandler.lifecycle.verdict import Refused


class Key(Struct, frozen=True, gc=False):
    """Which task: its queue and task id, told apart by a namespace (project and location, say).

    `conflict` is empty but for the dead letter of a delivery that had the name of another task: then it is
    the digest of that delivery.
    """

    namespace: str
    queue: str
    task: str
    conflict: str = ""


class TaskBody(Struct, frozen=True, gc=False):
    """The body of a task that came to a bad end, kept in a row of its own."""

    content: bytes
    content_type: str = ""

    def __repr__(self) -> str:
        """Without the body: error trackers send what the variables of a frame print."""
        return f"Letter(bytes={len(self.content)}, content_type={self.content_type!r})"

    def __rich_repr__(self) -> list[tuple[str, object]]:
        """The same for tracebacks of rich, which would print the fields."""
        return [("bytes", len(self.content)), ("content_type", self.content_type)]


class Listed(str, enum.Enum):
    """What a record is listed as: its state, or `conflict`."""

    RUNNING = "running"
    WAITING = "waiting"
    REJECTED = "rejected"
    DEAD = "dead"
    CANCELLED = "cancelled"
    CONFLICT = "conflict"


class Entry(Struct, frozen=True):
    """One record of a page; `id` is the storage's own, unique among its records."""

    id: str
    key: Key
    snapshot: Snapshot


class Page(Struct, frozen=True):
    """Some of the records that were asked for.

    Attributes:
        entries: the records.
        after: where the next page begins; None if there is no more.
        is_complete: whether the page has all that it should have; False if the time for it was up first.
    """

    entries: tuple[Entry, ...]
    after: str | None = None
    is_complete: bool = True


class Written(Struct, frozen=True):
    """It is written; `version` is what to name when replacing it."""

    version: Hashable


class Stale(Struct, frozen=True, gc=False):
    """Definitely not written: the row is not as you believed."""


class Unknown(Struct, frozen=True, gc=False):
    """It may be written or not, or be written yet."""

    why: str


class Unavailable(Struct, frozen=True, gc=False):
    """Definitely not written (or not read): the storage cannot be reached, or is too busy."""

    why: str


class Disputed(Struct, frozen=True, gc=False):
    """Definitely not written, for one of two reasons: the row is not as you believed, or else `otherwise`.

    Only a read can tell which, and a storage that made it would keep its caller waiting for two round trips.
    """

    otherwise: Refused | Unavailable


Answer = Written | Stale | Refused | Disputed | Unknown | Unavailable


@runtime_checkable
class Storage(Protocol):
    """A place that keeps records.

    No call takes longer than five seconds, and none raises but for a mistake of the program.
    All may be called from many threads at once, and from a process forked off after other calls.
    """

    shared: bool
    """Whether workers on several machines see the same records."""

    def read(self, key: Key) -> Snapshot | Unavailable | None:
        """The record as it is now, with its age by the storage's own clock; None if there is none."""

    def create(self, key: Key, record: Record, *, dead_letter: TaskBody | None = None) -> Answer:
        """Write the first record of `key`, `dead_letter` beside it; stale if there is a record already."""

    def replace(
        self,
        key: Key,
        record: Record,
        version: Hashable,
        *,
        dead_letter: TaskBody | None = None,
        writes: Sequence[object] = (),
    ) -> Answer:
        """Replace the record of `key` if it still is at `version`; stale if it is not (or is gone).

        A letter that is there stays there unless another one is given.

        `dead_letter`, and `writes` (whatever this storage's own batches are made of), commit with it or not
        at all. A storage without such batches refuses any.
        """

    def dead_letter(self, key: Key) -> TaskBody | Unavailable | None:
        """The body kept beside the record of `key`."""

    def list(
        self,
        states: Collection[Listed],
        *,
        handler: str | None = None,
        after: str | None = None,
        limit: int = 50,
    ) -> Page | Unavailable:
        """A page of the records that are listed as one of `states`: for people's tools.

        In the order of their ids, for one state and one handler; else in an order of the storage's own.
        A record that stays as it is, is on exactly one page, whatever becomes of the others meanwhile.

        Args:
            states: which records; those of completed tasks are not listed.
            handler: only those of this handler.
            after: `Page.after` of the page before; None for the first one.
            limit: records of a page at most.
        """

    def scan(self) -> Iterator[tuple[Key, Snapshot]]:
        """All records, in no order: for people's tools, never on the path of a delivery.

        Raises:
            LedgerError: the storage cannot be read.
        """

    def close(self) -> None:
        """Give back what is held; a later call opens it again."""
