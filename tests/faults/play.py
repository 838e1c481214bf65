"""What a scenario can do: make tasks, order what goes wrong, watch, and wait for the end."""

from __future__ import annotations

import signal
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Mapping
from concurrent.futures import Future
from typing import Any

from google.api_core.exceptions import NotFound

from taskhandler.ledger.storage import Key, Letter
from taskhandler.record import Found, Record
from tests.faults.history import Entry, History, Want
from tests.faults.journal import Event, Forget, Order, Release, See
from tests.faults.stage import ACCOUNT, LOCATION, Stage

PATIENCE = 15.0


class UnmetError(AssertionError):
    """Something that a scenario relies on did not happen."""


class Play:
    """One scenario on one stage.

    Args:
        stage: what is up.
        name: the scenario's; its queue and its tasks are called after it.
        patience: seconds that anything is waited for.
    """

    def __init__(self, stage: Stage, name: str, *, patience: float = PATIENCE) -> None:
        self.stage = stage
        self.door = stage.door
        self.wants: list[Want] = []
        self.wrong: list[str] = []
        self._name = name
        self._patience = patience
        self._start = stage.written()
        self._client = stage.queue.client()
        self._posts: list[Entry] = []
        self._queue = ""

    def queue(self, **limits: float) -> str:
        """The queue of the next tasks, made with these limits; see `LocalQueue.create_queue`."""
        name = f"{LOCATION}/queues/{self._name}-{self.stage.written()}"
        self._queue = self.stage.queue.create_queue(
            name, **{"min_backoff": 0.05, "max_backoff": 0.4, **limits}
        )
        return self._queue

    def want(self, **about: Any) -> Want:  # noqa: ANN401 - the fields of Want
        """A task that is still to be sent; see `Want` for what can be said of it."""
        task = f"{self._name}-{len(self.wants)}"
        want = Want(task=task, queue=self._queue or self.queue(), **about)
        self.wants.append(want)
        return want

    def send(self, want: Want, *, headers: Mapping[str, str] | None = None) -> Want:
        """Put the task into its queue, as a producer anywhere would."""
        request: dict[str, Any] = {
            "url": f"{self.stage.target}/{want.handler}",
            "body": want.body,
            "headers": dict(headers or {}),
            "oidc_token": {"service_account_email": ACCOUNT, "audience": self.stage.target},
        }
        task: dict[str, Any] = {"name": f"{want.queue}/tasks/{want.task}", "http_request": request}
        self._client.create_task(request={"parent": want.queue, "task": task})
        return want

    def task(self, **about: Any) -> Want:  # noqa: ANN401 - the same
        """A task that is sent at once."""
        return self.send(self.want(**about))

    def run(self, want: Want) -> None:
        """Have the queue deliver the task once more, at once, whether or not it runs (RunTask)."""
        self._client.run_task(name=f"{want.queue}/tasks/{want.task}")

    def order(self, want: Want, what: str, act: str, *, attempt: int = 0, times: int = 1) -> None:
        """When `what` happens to the task, have `act` done; see `journal.Order`."""
        self.stage.line.ask(Order(what=what, act=act, task=want.task, attempt=attempt, times=times))

    def release(self, want: Want, what: str, act: str = "") -> None:
        """Let go on who is parked there."""
        self.stage.line.ask(Release(what, want.task, act))

    def see(self, want: Want, what: str, *, attempt: int = 0, count: int = 1, said: str = "") -> Event:
        """Wait until `what` has happened `count` times; the last of them.

        Raises:
            UnmetError: it does not happen.
        """
        see = See(what=what, task=want.task, count=count, patience=self._patience, attempt=attempt, said=said)
        seen = self.stage.line.ask(see).seen
        if len(seen) < count:
            raise UnmetError(f"{want.task}: {what} {said} happened {len(seen)} times, {count} are waited for")
        return seen[count - 1]

    def count(self, want: Want, what: str) -> int:
        """How often `what` has happened."""
        see = See(what=what, task=want.task, count=0, patience=0)
        return len(self.stage.line.ask(see).seen)

    def signal(self, pid: int, what: signal.Signals) -> None:
        """Send a signal to a worker."""
        if not self.stage.signal(pid, what):
            raise UnmetError(f"{pid} is no worker, or no more")

    def wake(self, pid: int) -> None:
        """Let a stopped worker go on."""
        self.signal(pid, signal.SIGCONT)

    def rest(self, seconds: float) -> None:
        """Let time pass that is what the scenario is about: a lease's, say."""
        threading.Event().wait(seconds)

    def until(self, held: Callable[[], object], what: str) -> None:
        """Wait until something holds.

        Raises:
            UnmetError: it does not come to that.
        """
        until = time.monotonic() + self._patience
        while not held():
            if time.monotonic() > until:
                raise UnmetError(what)
            threading.Event().wait(0.02)

    def claim(self, held: object, otherwise: str) -> None:
        """Note what is wrong unless it holds."""
        if not held:
            self.wrong.append(otherwise)

    def post(self, want: Want, *, number: int = 0, body: bytes | None = None) -> int:
        """Deliver the task by hand, as the queue would; the status."""
        headers = {
            "Authorization": f"Bearer {self.stage.queue.token(email=ACCOUNT, audience=self.stage.target)}",
            "Content-Type": "application/octet-stream",
            "X-CloudTasks-QueueName": want.queue.rpartition("/")[2],
            "X-CloudTasks-TaskName": want.task,
            "X-CloudTasks-TaskRetryCount": str(number),
            "X-CloudTasks-TaskExecutionCount": "0",
        }
        url = f"{self.stage.target}/{want.handler}"
        request = urllib.request.Request(url, want.body if body is None else body, headers)  # noqa: S310 - our own address
        sent = time.time()
        status = _status(request)
        entry = Entry(
            task=want.task, kind="by hand", number=number, sent=sent, ended=time.time(), status=status
        )
        self._posts.append(entry)
        return status

    def post_many(self, want: Want, times: int) -> list[int]:
        """Deliver the task by hand so often at the same moment; the statuses."""
        barrier = threading.Barrier(times)
        answers: list[Future[int]] = [Future() for _ in range(times)]

        def post(answer: Future[int]) -> None:
            barrier.wait(PATIENCE)
            answer.set_result(self.post(want))

        for answer in answers:
            threading.Thread(target=post, args=(answer,), daemon=True).start()
        return [answer.result(60) for answer in answers]

    def in_queue(self, want: Want) -> bool:
        """Whether the queue still has the task."""
        try:
            self._client.get_task(name=f"{want.queue}/tasks/{want.task}")
        except NotFound:
            return False
        return True

    def finish(self) -> None:
        """Wait until the queue has no task left and nothing is under way."""
        until = time.monotonic() + self._patience
        while time.monotonic() < until:
            if self.stage.queue.wait(0.5) and not any(map(self.in_queue, self.wants)):
                return

    def found(self, want: Want) -> Found | None:
        """What the ledger holds of the task."""
        found = self.stage.ledger.read(self.key(want))
        return found if isinstance(found, Found) else None

    def key(self, want: Want, *, twin: str = "") -> Key:
        """The task's key in the ledger."""
        return Key("bench/here", want.queue.rpartition("/")[2], want.task, twin)

    def close(self) -> None:
        """Leave nothing behind for the next play: no orders, no tasks, nobody stopped."""
        self.stage.line.ask(Forget())
        for want in self.wants:
            if self.in_queue(want):
                self._client.delete_task(name=f"{want.queue}/tasks/{want.task}")
        for pid in self.stage.workers():
            for server in self.stage.servers:
                server.signal(pid, signal.SIGCONT)
        if self.stage.site.proxy is not None:
            self.stage.site.proxy.heal()

    def history(self) -> History:
        """All that is known of it."""
        tasks = {want.task for want in self.wants}
        sent = [_entry(each) for each in self.stage.queue.attempts() if each["task"] in tasks]
        return History(
            wants=self.wants,
            entries=sorted([*sent, *self._posts], key=lambda entry: entry.sent),
            events=self.stage.events(self._start),
            records={want.task: self._record(want) for want in self.wants},
            letters=dict(letter for want in self.wants for letter in self._letters(want)),
            left=frozenset(want.task for want in self.wants if self.in_queue(want)),
            wrong=self.wrong,
        )

    def _record(self, want: Want) -> Record | None:
        found = self.found(want)
        return None if found is None else found.record

    def _letters(self, want: Want) -> list[tuple[str, bytes | None]]:
        found = [(want.task, self.key(want))]
        found += [
            (f"{want.task}/{key.twin}", key)
            for key, _ in (self.stage.ledger.scan() if want.others else ())
            if key.task == want.task and key.twin
        ]
        letters = [(name, self.stage.ledger.letter(key)) for name, key in found]
        return [(name, letter.body if isinstance(letter, Letter) else None) for name, letter in letters]


def _status(request: urllib.request.Request) -> int:
    try:
        with urllib.request.urlopen(request, timeout=30) as answer:  # noqa: S310 - our own address
            return int(answer.status)
    except urllib.error.HTTPError as error:
        with error:
            return int(error.code)


def _entry(attempt: Mapping[str, Any]) -> Entry:
    return Entry(**attempt)
