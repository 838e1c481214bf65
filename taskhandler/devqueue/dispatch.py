"""The dispatcher: waits until tasks are due, delivers them, and lets the queue decide what follows."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Callable, Coroutine
from dataclasses import dataclass

from taskhandler.devqueue import http_client
from taskhandler.devqueue.faults import Faults, Plan
from taskhandler.devqueue.headers import delivery_headers
from taskhandler.devqueue.journal import Entry, Journal
from taskhandler.devqueue.names import short
from taskhandler.devqueue.queues import Queue, Queues, Settled
from taskhandler.devqueue.task import Answer, Delivery, QueuedTask, Target
from taskhandler.devqueue.tokens import TokenIssuer

# a wall clock that is set back must not make the queue sleep for ever
_LONGEST_NAP = 5.0
_DROPPED = Answer(None, error="reply dropped")


@dataclass(frozen=True, slots=True)
class DeliveryRequest:
    """One request, ready to be sent once or more often."""

    queue: str
    task: str
    number: int
    target: Target
    headers: tuple[tuple[str, str], ...]
    deadline: float
    plan: Plan


class Dispatcher:
    """Sends what is due. Lives in one event loop, in which all its methods are called."""

    def __init__(
        self,
        queues: Queues,
        *,
        issuer: TokenIssuer,
        seed: int,
        now: Callable[[], float],
        tls: Callable[[], ssl.SSLContext],
    ) -> None:
        """`now` gives seconds since 1970; `tls` makes the context for https; `seed` decides the faults."""
        self.faults = Faults()
        self.journal = Journal()
        self._queues = queues
        self._issuer = issuer
        self._seed = seed
        self._now = now
        self._tls = tls
        self._woken = asyncio.Event()
        self._changed = asyncio.Event()
        self._live: set[asyncio.Task[None]] = set()
        self._late: dict[asyncio.Task[None], float] = {}

    async def run(self) -> None:
        """Deliver what is due, until cancelled."""
        while True:
            self._woken.clear()
            ready_at = [
                at for queue in self._queues.by_name.values() if (at := self._start(queue)) is not None
            ]
            await self._nap(self._woken, min(ready_at, default=None))

    def wake(self) -> None:
        """Say that something has changed: a task came, a queue was resumed, a delivery has ended."""
        self._woken.set()
        self._changed.set()

    def force(self, queue: Queue, task: QueuedTask) -> None:
        """Deliver at once, whatever the queue's limits and state: RunTask."""
        self._spawn(self._deliver(queue, task, queue.force(task, self._now())))

    async def quiet(self, timeout: float) -> bool:
        """Wait until nothing is under way or due within `timeout` seconds from now.

        Tasks of paused queues and tasks due later do not count. Returns whether it came to that in time.
        """
        until = self._now() + timeout
        while self._busy(until):
            if self._now() >= until:
                return False
            self._changed.clear()
            await self._nap(self._changed, until)
        return True

    def _start(self, queue: Queue) -> float | None:
        """Begin all that may begin now and return when to look again."""
        while (taken := queue.take(self._now())) is not None:
            self._spawn(self._deliver(queue, *taken))
        return queue.ready_at(self._now())

    async def _deliver(self, queue: Queue, task: QueuedTask, delivery: Delivery) -> None:
        plan = self.faults.plan(self._seed, task.name, delivery.number)
        request = self._request(queue.name, task, delivery, plan)
        if plan.concurrent:
            self._spawn(self._copy(request, "concurrent"))
        answer = await self._send(request, "delivery")
        settled = queue.settle(task, delivery, answer, self._now())
        self.journal.count(settled.value)
        if settled is Settled.COMPLETED:
            self._again(request)

    def _again(self, request: DeliveryRequest) -> None:
        if request.plan.duplicate:
            self._spawn(self._copy(request, "duplicate"))
        if (after := request.plan.late_after) is not None:
            late = self._spawn(self._copy(request, "late_duplicate", after=after))
            self._late[late] = self._now() + after

    async def _copy(self, request: DeliveryRequest, kind: str, *, after: float = 0.0) -> None:
        if after:
            await asyncio.sleep(after)
        await self._send(request, kind)

    async def _send(self, request: DeliveryRequest, kind: str) -> Answer:
        entry = Entry(request.queue, request.task, request.number, kind, request.plan.names, self._now())
        self.journal.write(entry)
        answer = await http_client.send(
            request.target, request.headers, deadline=request.deadline, tls=self._tls
        )
        entry.ended, entry.status, entry.error = self._now(), answer.status, answer.error
        if request.plan.drop_reply and kind == "delivery":
            entry.error = _DROPPED.error
            return _DROPPED
        return answer

    def _request(self, queue: str, task: QueuedTask, delivery: Delivery, plan: Plan) -> DeliveryRequest:
        headers = delivery_headers(queue, task, delivery, self._authorization(task.target, plan))
        deadline = min(task.deadline, plan.deadline) if plan.deadline is not None else task.deadline
        return DeliveryRequest(queue, short(task.name), delivery.number, task.target, headers, deadline, plan)

    def _authorization(self, target: Target, plan: Plan) -> str | None:
        if target.oidc is not None:
            return self._issuer.authorization(target.oidc, plan.token)
        # opaque to every receiver, and never good for anything
        return "Bearer ya29.local-queue" if target.oauth is not None else None

    def _busy(self, until: float) -> bool:
        due = (queue.due_at() for queue in self._queues.by_name.values())
        waiting = sum(at > until for at in self._late.values())
        return len(self._live) > waiting or any(at is not None and at <= until for at in due)

    def _spawn(self, coroutine: Coroutine[None, None, None]) -> asyncio.Task[None]:
        task = asyncio.get_running_loop().create_task(coroutine)
        self._live.add(task)
        task.add_done_callback(self._ended)
        return task

    def _ended(self, task: asyncio.Task[None]) -> None:
        self._live.discard(task)
        self._late.pop(task, None)
        self.wake()
        if not task.cancelled():
            task.result()  # a fault of ours is told by the loop, not swallowed

    async def _nap(self, event: asyncio.Event, until: float | None) -> None:
        seconds = _LONGEST_NAP if until is None else min(_LONGEST_NAP, max(0.0, until - self._now()))
        timer = asyncio.get_running_loop().call_later(seconds, event.set)
        try:
            await event.wait()
        finally:
            timer.cancel()
