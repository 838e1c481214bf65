"""Delivers tasks when they are due, and lets their queue decide what follows."""

from __future__ import annotations

import asyncio
import math
import ssl
from collections.abc import Callable, Coroutine
from dataclasses import dataclass

from taskhandler.devqueue import http_client
from taskhandler.devqueue.faults import Faults, Plan
from taskhandler.devqueue.headers import build_headers
from taskhandler.devqueue.journal import Entry, Journal
from taskhandler.devqueue.names import short_id
from taskhandler.devqueue.queues import Queue, Queues, Settled
from taskhandler.devqueue.task import Answer, Delivery, QueuedTask, Target
from taskhandler.devqueue.tokens import TokenIssuer

# the wall clock may be set back, and the queue must not sleep for that long
_LONGEST_SLEEP_SECONDS = 5.0
_DROPPED = Answer(None, error="reply dropped")


@dataclass(frozen=True, slots=True)
class DeliveryRequest:
    """The request of one delivery, ready to be sent once or several times."""

    queue: str
    task: str
    number: int
    target: Target
    headers: tuple[tuple[str, str], ...]
    deadline: float
    plan: Plan


class Dispatcher:
    """Sends what is due. All methods are called in one event loop."""

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
        self._running: set[asyncio.Task[None]] = set()
        self._late_copies: dict[asyncio.Task[None], float] = {}

    async def run(self) -> None:
        """Deliver what is due, until cancelled."""
        while True:
            self._woken.clear()
            ready_at = [
                at for queue in self._queues.by_name.values() if (at := self._start(queue)) is not None
            ]
            await self._wait_for(self._woken, min(ready_at, default=None))

    def wake(self) -> None:
        """Look at the queues again: a task was created, a queue resumed, a delivery has ended."""
        self._woken.set()
        self._changed.set()

    def force(self, queue: Queue, task: QueuedTask) -> None:
        """Deliver at once, regardless of the queue's limits and state, as RunTask does."""
        self._spawn(self._deliver(queue, task, queue.force(task, self._now())))

    async def wait_until_quiet(self, timeout: float) -> bool:
        """Wait until no task is being delivered, or due within `timeout` seconds from now.

        Tasks of paused queues and tasks due later do not count. Returns False if time ran out first.
        """
        until = self._now() + timeout
        while self._is_busy(until):
            if self._now() >= until:
                return False
            self._changed.clear()
            await self._wait_for(self._changed, until)
        return True

    def _start(self, queue: Queue) -> float | None:
        """Begin all deliveries that may begin now, and return when to look again."""
        while (taken := queue.take(self._now())) is not None:
            self._spawn(self._deliver(queue, *taken))
        return queue.ready_at(self._now())

    async def _deliver(self, queue: Queue, task: QueuedTask, delivery: Delivery) -> None:
        plan = self.faults.plan(self._seed, task.name, delivery.number)
        request = self._prepare(queue.name, task, delivery, plan)
        if plan.concurrent:
            self._spawn(self._send_copy(request, "concurrent"))
        answer = await self._send(request, "delivery")
        settled = queue.settle(task, delivery, answer, self._now())
        self.journal.count(settled.value)
        if settled is Settled.COMPLETED:
            self._send_duplicates(request)

    def _send_duplicates(self, request: DeliveryRequest) -> None:
        if request.plan.duplicate:
            self._spawn(self._send_copy(request, "duplicate"))
        if (after := request.plan.late_after) is not None:
            late = self._spawn(self._send_copy(request, "late_duplicate", after=after))
            self._late_copies[late] = self._now() + after

    async def _send_copy(self, request: DeliveryRequest, kind: str, *, after: float = 0.0) -> None:
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

    def _prepare(self, queue: str, task: QueuedTask, delivery: Delivery, plan: Plan) -> DeliveryRequest:
        headers = build_headers(queue, task, delivery, self._authorize(task.target, plan))
        deadline = min(task.deadline, plan.deadline) if plan.deadline is not None else task.deadline
        return DeliveryRequest(
            queue, short_id(task.name), delivery.number, task.target, headers, deadline, plan
        )

    def _authorize(self, target: Target, plan: Plan) -> str | None:
        if target.oidc is not None:
            return self._issuer.authorization(target.oidc, plan.token)
        # access tokens are opaque to receivers, and no service accepts this one
        return "Bearer ya29.local-queue" if target.oauth is not None else None

    def _is_busy(self, until: float) -> bool:
        due = (queue.due_at() for queue in self._queues.by_name.values())
        waiting = sum(at > until for at in self._late_copies.values())
        return len(self._running) > waiting or any(at is not None and at <= until for at in due)

    def _spawn(self, coroutine: Coroutine[None, None, None]) -> asyncio.Task[None]:
        task = asyncio.get_running_loop().create_task(coroutine)
        self._running.add(task)
        task.add_done_callback(self._finish)
        return task

    def _finish(self, task: asyncio.Task[None]) -> None:
        self._running.discard(task)
        self._late_copies.pop(task, None)
        self.wake()
        if not task.cancelled():
            task.result()  # an error of ours goes to the event loop, which logs it

    async def _wait_for(self, event: asyncio.Event, until: float | None) -> None:
        left = math.inf if until is None else max(0.0, until - self._now())
        seconds = min(left, _LONGEST_SLEEP_SECONDS)
        timer = asyncio.get_running_loop().call_later(seconds, event.set)
        try:
            await event.wait()
        finally:
            timer.cancel()
