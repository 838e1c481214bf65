"""What a scenario can do: make tasks, order what goes wrong, watch, and wait for the end."""

from __future__ import annotations

import signal
import subprocess
import threading
import time
from collections.abc import Callable, Mapping
from concurrent.futures import Future
from typing import Any

from msgspec.structs import replace

from taskhandler.ledger.amend import Unread
from taskhandler.ledger.ledger import Ledger
from taskhandler.ledger.storage import Key, TaskBody
from taskhandler.lifecycle.record import Snapshot, State
from taskhandler.lifecycle.rules import Reset
from taskhandler.lifecycle.verdict import Settled
from tests.faults import direct_deliveries
from tests.faults.history import Entry, Expectation, History, entry_of
from tests.faults.journal import Event, Forget, Order, Release, See
from tests.faults.relay import Relay
from tests.faults.stage import ACCOUNT, LOCATION, Stage

TIMEOUT_SECONDS = 15.0
BAD_ENDS = (State.REJECTED, State.DEAD)
"""Those whose bodies are kept."""


class UnmetError(AssertionError):
    """Something that a scenario relies on did not happen."""


class Play:
    """One scenario on one stage.

    Args:
        stage: what is up.
        name: the scenario's; its queue and its tasks are called after it.
        timeout: seconds that anything is waited for.
    """

    def __init__(self, stage: Stage, name: str, *, timeout: float = TIMEOUT_SECONDS) -> None:
        self.stage = stage
        self.http_proxy = stage.http_proxy
        self.expectations: list[Expectation] = []
        self.wrong: list[str] = []
        self._name = name
        self._timeout = timeout
        self._start = stage.written()
        self._client = stage.queue.client()
        self._posts: list[Entry] = []
        self._queue = ""

    @property
    def master(self) -> subprocess.Popen[bytes]:
        """The first process of the web server."""
        return self.stage.server.master

    @property
    def relay(self) -> Relay:
        """What can answer calls to Firestore by itself.

        Raises:
            UnmetError: there is none.
        """
        if self.stage.site.relay is None:
            raise UnmetError("the calls to this ledger are not relayed")
        return self.stage.site.relay

    def queue(self, **limits: float) -> str:
        """The queue of the next tasks, made with these limits; see `LocalQueue.create_queue`."""
        name = f"{LOCATION}/queues/{self._name}-{self.stage.written()}"
        self._queue = self.stage.queue.create_queue(
            name, **{"min_backoff": 0.05, "max_backoff": 0.4, **limits}
        )
        return self._queue

    def expect(self, **about: Any) -> Expectation:  # noqa: ANN401 - the fields of Want
        """A task that is still to be sent; see `Want` for what can be said of it."""
        named = {"id": f"{self._name}-{len(self.expectations)}", "queue": self._queue or self.queue()}
        task = Expectation(**{**named, **about})
        self.expectations.append(task)
        return task

    def send(self, task: Expectation, *, headers: Mapping[str, str] | None = None) -> Expectation:
        """Put the task into its queue, as a producer anywhere would."""
        request: dict[str, Any] = {
            "url": f"{self.stage.target}/{task.handler}",
            "body": task.body,
            "headers": dict(headers or {}),
            "oidc_token": {"service_account_email": ACCOUNT, "audience": self.stage.target},
        }
        message: dict[str, Any] = {"name": f"{task.queue}/tasks/{task.id}", "http_request": request}
        self._client.create_task(request={"parent": task.queue, "task": message})
        return task

    def task(self, **about: Any) -> Expectation:  # noqa: ANN401 - the same
        """A task that is sent at once."""
        return self.send(self.expect(**about))

    def run(self, task: Expectation) -> None:
        """Have the queue deliver the task once more, at once, whether or not it runs (RunTask)."""
        self._client.run_task(name=f"{task.queue}/tasks/{task.id}")

    def order(self, task: Expectation, what: str, act: str, *, attempt: int = 0, times: int = 1) -> None:
        """When `what` happens to the task, have `act` done; see `journal.Order`."""
        self.stage.oracle.ask(Order(what=what, act=act, task=task.id, attempt=attempt, times=times))

    def order_any(self, what: str, act: str) -> None:
        """The same when it happens next, to whichever task."""
        self.stage.oracle.ask(Order(what=what, act=act))

    def release(self, task: Expectation, what: str, act: str = "") -> None:
        """Release what is parked there."""
        self.stage.oracle.ask(Release(what, task.id, act))

    def see(self, task: Expectation, what: str, *, attempt: int = 0, count: int = 1, said: str = "") -> Event:
        """Wait until `what` has happened `count` times; the last of them.

        Raises:
            UnmetError: it does not happen.
        """
        see = See(what=what, task=task.id, count=count, timeout=self._timeout, attempt=attempt, said=said)
        seen = self.stage.oracle.ask(see).seen
        if len(seen) < count:
            raise UnmetError(f"{task.id}: {what} {said} happened {len(seen)} times, {count} are waited for")
        return seen[count - 1]

    def see_any(self, what: str) -> Event:
        """Wait until `what` has happened that is about no task, and was ordered to go wrong; the last one."""
        see = See(what=what, task="", count=0, timeout=0)

        def struck() -> list[Event]:
            return [event for event in self.stage.oracle.ask(see).seen if event.act]

        self.until(struck, f"{what} was not met by the fault")
        return struck()[-1]

    def seen(self, task: Expectation, what: str) -> tuple[Event, ...]:
        """All that has happened of this kind."""
        return self.stage.oracle.ask(See(what=what, task=task.id, count=0, timeout=0)).seen

    def count(self, task: Expectation, what: str) -> int:
        """How often `what` has happened."""
        return len(self.seen(task, what))

    def count_said(self, task: Expectation, said: str) -> int:
        """How many deliveries had the outcome `said`."""
        return sum(event.said == said for event in self.seen(task, "outcome"))

    def count_answered(self, task: Expectation, what: str, answer: str) -> int:
        """How often `what` was answered so."""
        return sum(event.answer == answer for event in self.seen(task, what))

    def calm(self) -> None:
        """Take all orders back, and release all that is parked."""
        self.stage.oracle.ask(Forget())

    def signal(self, pid: int, what: signal.Signals) -> None:
        """Send a signal to a worker."""
        if not self.stage.signal(pid, what):
            raise UnmetError(f"{pid} is not a worker, or has ended")

    def wake(self, pid: int) -> None:
        """Let a stopped worker go on."""
        self.signal(pid, signal.SIGCONT)

    def rest(self, seconds: float) -> None:
        """Let time pass that is what the scenario is about: a lease's, say."""
        threading.Event().wait(seconds)

    def until(self, held: Callable[[], object], what: str) -> None:
        """Wait until something holds.

        Raises:
            UnmetError: it does not hold in time.
        """
        until = time.monotonic() + self._timeout
        while not held():
            if time.monotonic() > until:
                raise UnmetError(what)
            threading.Event().wait(0.02)

    def claim(self, held: object, otherwise: str) -> None:
        """Note what is wrong unless it holds."""
        if not held:
            self.wrong.append(otherwise)

    def post(
        self,
        task: Expectation,
        *,
        number: int = 0,
        body: bytes | None = None,
        path: str | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> int:
        """Deliver the task past the queue (`direct_deliveries.deliver`); the status, 0 for no answer."""
        entry = direct_deliveries.deliver(
            self.stage, task, number=number, body=body, path=path, headers=headers or {}
        )
        self._posts.append(entry)
        return entry.status or 0

    def post_many(self, task: Expectation, times: int, *, number: int = 0) -> list[Future[int]]:
        """Deliver the task past the queue, so often at the same moment; the statuses, when they are there."""
        return direct_deliveries.at_once(lambda: self.post(task, number=number), times)

    def left(self) -> frozenset[str]:
        """The tasks that their queues still have."""
        queues = {task.queue for task in self.expectations}
        tasks = (task for queue in queues for task in self._client.list_tasks(parent=queue))
        return frozenset(task.name.rpartition("/")[2] for task in tasks)

    def finish(self, *, timeout: float | None = None) -> None:
        """Wait until the queue has no task left and nothing is under way, or the time is over."""
        until = time.monotonic() + (self._timeout if timeout is None else timeout)
        while time.monotonic() < until:
            if self.stage.queue.wait(0.5) and not self.left():
                return

    def found(self, task: Expectation) -> Snapshot | None:
        """What the ledger holds of the task."""
        found = self.stage.ledger.read(self.key(task))
        return found if isinstance(found, Snapshot) else None

    def key(self, task: Expectation, *, conflict: str = "") -> Key:
        """The task's key in the ledger."""
        return Key("bench/here", task.queue.rpartition("/")[2], task.id, conflict)

    def answers(self, task: Expectation) -> list[int | None]:
        """The statuses that the queue's deliveries of the task got so far."""
        entries = [entry_of(attempt) for attempt in self.stage.queue.attempts(task.id)]
        return [entry.status for entry in entries if entry.ended is not None]

    def expire(self, task: Expectation) -> None:
        """Let the retention of the task's record be over."""
        found = self.found(task)
        if found is None:
            raise UnmetError("there is no record")
        self.stage.note("expired", task.id)
        self.stage.ledger.replace(self.key(task), replace(found.record, retention=0.0), found.version)

    def reset(self, task: Expectation) -> None:
        """What an operator does to have the task run again."""
        self.stage.note("reset", task.id)
        ledger = Ledger(self.stage.ledger, clock=time.monotonic, pause=self.rest)
        done = ledger.amend(self.key(task), Reset(f"operator-{time.monotonic()}"), Unread(), timeout=5)
        self.claim(done.verdict == Settled(State.WAITING), f"the reset came to {done.verdict}")

    def close(self) -> None:
        """Leave nothing behind for the next play: no orders, no tasks, nobody stopped, all clocks right."""
        self.calm()
        self.stage.queue.faults()
        for queue in {task.queue for task in self.expectations}:
            self._client.purge_queue(name=queue)
        for pid in self.stage.workers():
            for server in self.stage.servers:
                server.signal(pid, signal.SIGCONT)
        if self.stage.site.proxy is not None:
            self.stage.site.proxy.heal()
        for number in range(len(self.stage.servers) if self.stage.setup.clocks else 0):
            self.stage.set_clock(number, 0)

    def history(self) -> History:
        """All that is known of it."""
        tasks = {task.id for task in self.expectations}
        sent = [entry_of(each) for each in self.stage.queue.attempts() if each["task"] in tasks]
        queues = {task.queue.rpartition("/")[2] for task in self.expectations}
        found = [(key, found.record) for key, found in self.stage.ledger.scan() if key.queue in queues]
        return History(
            expectations=self.expectations,
            entries=sorted([*sent, *self._posts], key=lambda entry: entry.sent),
            events=self.stage.events(self._start),
            records={key.task: record for key, record in found if not key.conflict},
            dead_letters=dict(self._letter(key) for key, record in found if record.state in BAD_ENDS),
            left=self.left(),
            wrong=self.wrong,
        )

    def _letter(self, key: Key) -> tuple[str, bytes | None]:
        name = f"{key.task}/{key.conflict}" if key.conflict else key.task
        dead_letter = self.stage.ledger.dead_letter(key)
        return name, dead_letter.content if isinstance(dead_letter, TaskBody) else None
