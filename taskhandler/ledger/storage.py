"""What a storage must be able to do. It keeps records and holds no policy.

A write is conditional: it names the version that it replaces, or says that there must be no record. A storage
answers truthfully what is known of the write; what follows from the answer is decided elsewhere (`amend`, the
rules). `taskhandler.testing.contract` checks all of this.
"""

from __future__ import annotations

import enum
from collections.abc import Collection, Hashable, Iterator, Sequence
from typing import Protocol, runtime_checkable

from msgspec import Struct

from taskhandler.lifecycle.record import FORMAT, Record, Snapshot
from taskhandler.lifecycle.verdict import Refused


class Key(Struct, frozen=True, gc=False):
    """Which task a record is of. Two keys are the same only if all four parts are, character by character.

    Attributes:
        namespace: distinguishes equal queues, `project/location` for example; may be empty.
        queue: the queue's id; may be empty.
        task: the task's id; any text, up to 500 characters where Cloud Tasks made it.
        conflict: empty, but for the dead letter of a delivery that had the name of another task: then
            it is the digest of that delivery.
    """

    namespace: str
    queue: str
    task: str
    conflict: str = ""


class TaskBody(Struct, frozen=True, gc=False):
    """The body of a task, kept beside the record of one that was rejected, is dead or in conflict.

    Attributes:
        content: the body, of up to a mebibyte, and not always text.
        content_type: the `Content-Type` that came with it; may be empty.
    """

    content: bytes
    content_type: str = ""

    def __repr__(self) -> str:
        """Without the body: error trackers send what the variables of a frame print."""
        return f"TaskBody(bytes={len(self.content)}, content_type={self.content_type!r})"

    def __rich_repr__(self) -> list[tuple[str, object]]:
        """The same for tracebacks of rich, which would print the fields."""
        return [("bytes", len(self.content)), ("content_type", self.content_type)]


class Listed(str, enum.Enum):
    """What a record is listed as: its state, or `conflict` if its key has one."""

    RUNNING = "running"
    WAITING = "waiting"
    REJECTED = "rejected"
    DEAD = "dead"
    CANCELLED = "cancelled"
    CONFLICT = "conflict"


class Entry(Struct, frozen=True):
    """One record of a page.

    Attributes:
        id: the storage's own, the same for as long as the record exists, and unique among its records.
        key: whose record it is.
        snapshot: as `Storage.read` would show it.
    """

    id: str
    key: Key
    snapshot: Snapshot


class Page(Struct, frozen=True):
    """Some of the records that were asked for.

    Attributes:
        entries: the records; there can be fewer than asked for, or none, although more follow.
        after: where the next page begins; None if there is no more.
        is_complete: whether the page has all that it should have; False if the time for it was up first.
            Then `after` leads on from where it stopped.
    """

    entries: tuple[Entry, ...]
    after: str | None = None
    is_complete: bool = True


class Written(Struct, frozen=True):
    """The write is done: every later read shows it or what came after it, in every process.

    It is a lie if the write can still be lost in a crash that the storage promises to survive, or if
    anything that was to commit with it (`dead_letter`, `writes`) was left out.

    Attributes:
        version: to be named when this record is replaced. Never the same again for this key, even if the
            record's content is.
    """

    version: Hashable


class Stale(Struct, frozen=True, gc=False):
    """Definitely not written: the row is not as expected.

    To `create`: there is a record. To `replace`: there is none, or it is at another version. It is a lie
    if the row is as expected and something else failed: the caller would count as fenced.
    """


class Unknown(Struct, frozen=True, gc=False):
    """The write may be done, or not, or be done later: the reply was lost, or did not come in time.

    It is always true, but costs a read. `why` is one line for the logs.
    """

    why: str


class Unavailable(Struct, frozen=True, gc=False):
    """Definitely not written (or not read): the storage cannot be reached, or is too busy.

    The operation is tried again for a while; then the delivery is answered 503 and comes again. It is a
    lie if the write can still happen: answer `Unknown` then.

    Attributes:
        why: one line for the logs: what is wrong, and what to do. Without bodies and passwords.
        is_lasting: whether trying again within seconds is of no use, because this version cannot read the
            record. The delivery is answered at once, and holds no thread of its worker.
    """

    why: str
    is_lasting: bool = False


class Disputed(Struct, frozen=True, gc=False):
    """Definitely not written, for one of two reasons: the row is not as expected, or else `otherwise`.

    Only a read can tell which, and a storage that made it would keep its caller waiting for two round trips.
    Most storages never need it.
    """

    otherwise: Refused | Unavailable


Answer = Written | Stale | Refused | Disputed | Unknown | Unavailable
"""What a storage says to a write.

`Refused(why)`: definitely not written, and trying again is of no use: the record is too large, say, or the
`writes` cannot be committed. It fails the attempt, so it is a lie if the cause will pass.
"""


def check_reader(min_reader: int) -> Unavailable | None:
    """What `read` answers for a record that only a newer version may act on; None if this one may."""
    if min_reader <= FORMAT:
        return None
    why = f"it needs a taskhandler that reads format {min_reader}: update this one (it reads {FORMAT})"
    return Unavailable(why, is_lasting=True)


@runtime_checkable
class Storage(Protocol):
    """A place that keeps records.

    **Time limit.** No call takes longer than five seconds, whatever happens: it then answers `Unavailable` if
    it knows that nothing was written, else `Unknown`. `scan` is excepted.

    **Errors.** No call raises, except for programming errors and where documented: a failure is an answer.

    **Threads and forks.** All calls may be made from many threads at once, and in a process forked off after
    other calls. Locks and connections of the parent must not be used there: see `os.register_at_fork`.

    **Order.** A read that begins after a write was answered `Written` shows this write or a later one,
    wherever either was made. A cache or a replica that lags behind is not allowed.

    **Time.** Ages are by a clock that all processes of the ledger share: the server's, or the machine's time
    since its start. A worker's wall clock is not one: if it is set forward, live leases lapse and a task
    runs twice.

    **Retention.** A record in a terminal state whose age exceeds its `retention` counts as none. It may be
    removed, with what is kept beside it, and left out of pages. No other record may be.

    **Versions of taskhandler.** A record has fields that this version does not know if a newer one wrote it.
    They are read into `unknown`, of the record and of the structs in it, and written back unchanged.
    Where a record's `min_reader` is higher than `FORMAT`, `read` answers `Unavailable` (`check_reader`).
    """

    shared: bool
    """Whether workers on several machines see the same records. Cloud Run refuses a storage without."""

    def read(self, key: Key) -> Snapshot | Unavailable | None:
        """The record as it is now; None if there is none.

        `Snapshot.age` is in seconds, and never more than the true one: measure the time before looking.
        A record that looks older than it is loses its holder the lease; one that looks younger is taken
        over later. `None` is a lie if the record could not be looked for: the task would run again.
        `Snapshot.created_at` and `updated_at` are for people; leave them out rather than read for them.
        """

    def create(self, key: Key, record: Record, *, dead_letter: TaskBody | None = None) -> Answer:
        """Write the first record of `key`; `Stale` if there is one already.

        Of all who create one key, in whatever process, exactly one is answered `Written`.

        Args:
            key: any text. Text that the storage cannot keep (half a surrogate pair) is `Refused`.
            record: to be read back equal in every field.
            dead_letter: kept beside the record, with it or not at all.
        """

    def replace(
        self,
        key: Key,
        record: Record,
        version: Hashable,
        *,
        dead_letter: TaskBody | None = None,
        writes: Sequence[object] = (),
    ) -> Answer:
        """Replace the record of `key` if it is still at `version`; `Stale` if it is not, or is gone.

        Of all who replace one version, exactly one is answered `Written`.

        Args:
            key: which record.
            record: what to write. It may equal what is there; the version changes all the same.
            version: of a `Written` or a `Snapshot` of this key. Anything else is stale, and no error.
            dead_letter: kept beside the record, in place of one that is there. None keeps what is there.
            writes: commit with the record or not at all; whatever batches of this storage are made of.
                A storage without batches, or one that does not know what it is given, answers `Refused`.
        """

    def dead_letter(self, key: Key) -> TaskBody | Unavailable | None:
        """The body kept beside the record of `key`; None if there is none."""

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
        A record that is listed throughout is on exactly one page, whatever happens to the others
        meanwhile: continue after the last id, not at an offset. Storages without an index use `page_of`.

        Args:
            states: which records; those of completed tasks are not listed.
            handler: only those of this handler.
            after: `Page.after` of the page before; None for the first one.
            limit: records of a page at most, from 1.

        Raises:
            ValueError: `limit` is less than 1, or the storage can tell that no page has ended at `after`.
        """

    def scan(self) -> Iterator[tuple[Key, Snapshot]]:
        """All records, in no order, each once: for people's tools, never on the path of a delivery.

        Records that `read` would not show may be left out, here and by `list`.

        Raises:
            LedgerError: the storage cannot be read.
        """

    def close(self) -> None:
        """Give back connections, files and threads. Idempotent; a later call opens them again."""
