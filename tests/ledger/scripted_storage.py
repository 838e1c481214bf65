"""A storage that follows a script: around a real one, it is down, loses replies or is slow."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Collection, Hashable, Iterator, Sequence
from typing import Any

from taskhandler.ledger.amend import Unread
from taskhandler.ledger.lease import Lease
from taskhandler.ledger.ledger import Ledger
from taskhandler.ledger.memory import MemoryStorage
from taskhandler.ledger.storage import Answer, Key, Listed, Page, TaskBody, Unavailable, Unknown
from taskhandler.lifecycle.record import Record, Snapshot
from taskhandler.lifecycle.rules import Claim
from taskhandler.lifecycle.verdict import Run

KEY = Key("", "q", "t1")

TIMEOUT_SECONDS = 60.0
"""Seconds until a test that waits for another thread has failed."""

Response = Callable[[Callable[[], Any]], Any]
"""Is given the operation, and answers in its place; it may perform it."""


class Clock:
    """A clock that is set by hand; a pause moves it on."""

    def __init__(self) -> None:
        self.now = 1000.0
        self.pauses: list[float] = []

    def __call__(self) -> float:
        return self.now

    def pause(self, seconds: float) -> None:
        self.pauses.append(seconds)
        self.now += seconds


class ScriptedStorage:
    """A storage in memory. `script` has the next responses; without one, an operation is performed."""

    shared = False

    def __init__(self, clock: Callable[[], float], *script: Response) -> None:
        self.inner = MemoryStorage(clock=lambda: round(clock() * 1e9))
        self.script = deque(script)
        self.calls: list[str] = []
        self.writes: list[object] = []

    def read(self, key: Key) -> Snapshot | Unavailable | None:
        return self._respond("read", lambda: self.inner.read(key))  # type: ignore[no-any-return]  # as the response is

    def create(self, key: Key, record: Record, *, dead_letter: TaskBody | None = None) -> Answer:
        return self._respond("create", lambda: self.inner.create(key, record, dead_letter=dead_letter))  # type: ignore[no-any-return]  # as the response is

    def replace(
        self,
        key: Key,
        record: Record,
        version: Hashable,
        *,
        dead_letter: TaskBody | None = None,
        writes: Sequence[object] = (),
    ) -> Answer:
        self.writes.extend(writes)
        act = lambda: self.inner.replace(key, record, version, dead_letter=dead_letter)  # noqa: E731 - one line
        return self._respond("replace", act)  # type: ignore[no-any-return]  # as the response is

    def dead_letter(self, key: Key) -> TaskBody | Unavailable | None:
        return self.inner.dead_letter(key)

    def list(
        self,
        states: Collection[Listed],
        *,
        handler: str | None = None,
        after: str | None = None,
        limit: int = 50,
    ) -> Page | Unavailable:
        return self.inner.list(states, handler=handler, after=after, limit=limit)

    def scan(self) -> Iterator[tuple[Key, Snapshot]]:
        return self.inner.scan()

    def close(self) -> None:
        self.inner.close()

    def _respond(self, name: str, act: Callable[[], Any]) -> Any:  # noqa: ANN401 - as the response is
        self.calls.append(name)
        return self.script.popleft()(act) if self.script else act()


def normally(act: Callable[[], Any]) -> Any:  # noqa: ANN401 - whatever the operation answers
    return act()


def down(_act: Callable[[], Any]) -> Unavailable:
    return Unavailable("down")


def lost_write(_act: Callable[[], Any]) -> Unknown:
    return Unknown("timeout")


def lost_reply(act: Callable[[], Any]) -> Unknown:
    act()
    return Unknown("timeout")


class Gate:
    """A response that holds the operation, or its reply, until it is opened."""

    def __init__(self, *, replies: bool = False) -> None:
        self._replies = replies
        self._reached, self._open = threading.Event(), threading.Event()

    def __call__(self, act: Callable[[], Any]) -> Any:  # noqa: ANN401 - whatever the operation answers
        answer = act() if self._replies else None
        self._reached.set()
        assert self._open.wait(TIMEOUT_SECONDS)
        return answer if self._replies else act()

    def reached(self) -> bool:
        """Wait until an operation is held here."""
        return self._reached.wait(TIMEOUT_SECONDS)

    def open(self) -> None:
        self._open.set()


class LocalLedger:
    """A ledger on a scripted storage, and leases of one task."""

    def __init__(self, *script: Response) -> None:
        self.clock = Clock()
        self.storage = ScriptedStorage(self.clock, *script)
        self.ledger = Ledger(self.storage, clock=self.clock, pause=self.clock.pause, chance=lambda: 1.0)

    def lease(self, lease_id: str = "mine", *, lease: float = 30.0) -> Lease:
        claim = Claim(lease_id=lease_id, digest="d", handler="h", lease=lease, retention=900.0)
        return Lease(self.ledger, KEY, claim, clock=self.clock)

    def claimed(self, lease_id: str = "mine", *, lease: float = 30.0) -> Lease:
        claimed = self.lease(lease_id, lease=lease)
        assert claimed.claim(Unread()) == Run()
        self.storage.calls.clear()
        return claimed

    @property
    def record(self) -> Record:
        found = self.storage.inner.read(KEY)
        assert found is not None
        assert not isinstance(found, Unavailable)
        return found.record

    def slowly(self, seconds: float, response: Response = normally) -> Response:
        """A response that takes so long before the operation, and as long after it."""

        def slow(act: Callable[[], Any]) -> object:
            self.clock.now += seconds
            answer = response(act)
            self.clock.now += seconds
            return answer

        return slow
