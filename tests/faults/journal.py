"""What is reported to the oracle and asked of it: lines of JSON over a socket, and in its journal."""

from __future__ import annotations

from pathlib import Path

import msgspec
from msgspec import Struct

HOOKED = "X-Bench-Hook"
"""A header that has the app answer in the place of the delivery."""


class Event(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Something that happened. The oracle fills in `at` and `act`.

    Attributes:
        what: `up`, `begun`, `effect`, `fenced`, `done`, `outcome`, `on_dead`, `bench`; `hook.<place>` of what
            `interference` puts into the app; and for each operation on the ledger `<name>.sent` and
            `<name>.done`, where the name says what for: read, claim,
            heartbeat, settle, mark_notified, keep_conflict.
        at: seconds since 1970, when the oracle heard of it.
        act: what the oracle had the reporter do next.
        answer: of an operation: `written`, `stale`, `unknown`…; of the fenced resource: `taken`, `refused`.
        state: of the record that is to be written, or was read.
        lease: seconds, of that record.
        said: whatever else there is to say: the outcome, what the bench did.
    """

    what: str
    task: str = ""
    at: float = 0.0
    pid: int = 0
    attempt: int = 0
    fence: int = 0
    lease_id: str = ""
    lease: float = 0.0
    state: str = ""
    answer: str = ""
    said: str = ""
    act: str = ""


class Report(Struct, frozen=True, tag=True):
    """Write this down, and say what is to be done next."""

    event: Event


class Order(Struct, frozen=True, tag=True, kw_only=True):
    """When the next `times` such things happen, have this done: see `oracle_client.obey` for the acts.

    `task` is a task's id; empty for any. `attempt` 0 is any. `park` holds the reporter until it is released.
    """

    what: str
    act: str
    task: str = ""
    attempt: int = 0
    times: int = 1


class Release(Struct, frozen=True, tag=True):
    """Let those go on that are parked there, with another act."""

    what: str
    task: str
    act: str


class See(Struct, frozen=True, tag=True, kw_only=True):
    """Wait until this has happened `count` times; `said` and `attempt` narrow it down where they are set."""

    what: str
    task: str
    count: int
    timeout: float
    attempt: int = 0
    said: str = ""


class Forget(Struct, frozen=True, tag=True):
    """Forget all orders, and release all that is parked."""


Request = Report | Order | Release | See | Forget


class Answer(Struct, frozen=True):
    """What the oracle answers: an act, or what was seen."""

    act: str = ""
    seen: tuple[Event, ...] = ()


encode = msgspec.json.Encoder().encode
requests = msgspec.json.Decoder(Request)
answers = msgspec.json.Decoder(Answer)


def read(file: Path, *, start: int = 0) -> list[Event]:
    """The journal from byte `start` on, as far as it is written."""
    if not file.exists():
        return []
    with file.open("rb") as journal:
        journal.seek(start)
        whole, _, _ = journal.read().rpartition(b"\n")  # a line may be in the writing
    return [msgspec.json.decode(line, type=Event) for line in whole.splitlines()]
