"""The queues and their tasks: what is due, what may be sent now, which names are still taken.

Nothing here waits, sends or looks at a clock: `now` is seconds since 1970, handed in.
"""

from __future__ import annotations

import heapq
import math
from dataclasses import dataclass, field
from enum import Enum
from itertools import count
from typing import Annotated

from taskhandler.devqueue import errors
from taskhandler.devqueue.backoff import RetryPolicy, is_exhausted, retry_delay
from taskhandler.devqueue.options import between
from taskhandler.devqueue.task import Answer, Delivery, QueuedTask
from taskhandler.devqueue.wellformed import LARGEST_INT32

# Google: a queue's name may be used again seven days after it was deleted
_QUEUE_TOMBSTONE_SECONDS = 7 * 86400.0
# a bucket refilled by floating point arithmetic may end just below a whole token
_WHOLE_TOKEN = 1 - 1e-6


class Settled(Enum):
    """What happened to a task when a delivery of it ended."""

    COMPLETED = "completed"
    RETRYING = "retrying"
    EXHAUSTED = "exhausted"
    GONE = "gone"  # deleted, purged or ended by another delivery in the meantime


@dataclass(frozen=True, slots=True)
class RateLimits:
    """How many deliveries a second and at once; the defaults are the real service's."""

    max_dispatches_per_second: Annotated[float, between(0.0001, 1_000_000, "a number")] = 500.0
    max_concurrent_dispatches: Annotated[int, between(1, LARGEST_INT32, "an integer")] = 1000

    @property
    def burst(self) -> int:
        """The bucket's size: 100 at 500/s as documented, below that a guess ("at least the rate")."""
        return max(10, min(100, math.ceil(self.max_dispatches_per_second)))


@dataclass(slots=True)
class Queue:
    """One queue. `tombstone_ttl`: seconds for which an ended task's name stays taken."""

    name: str
    limits: RateLimits = field(default_factory=RateLimits)
    retry: RetryPolicy = field(default_factory=RetryPolicy)
    tombstone_ttl: float = 3600.0
    paused: bool = False
    purged_at: float | None = None
    running: int = 0
    tasks: dict[str, QueuedTask] = field(default_factory=dict)
    _scheduled: list[tuple[float, int, int, QueuedTask]] = field(default_factory=list)
    _sequence: count[int] = field(default_factory=count)
    _tombstones: dict[str, float] = field(default_factory=dict)
    _tokens: float = math.inf
    _refilled_at: float = 0.0

    def add(self, task: QueuedTask, now: float) -> None:
        """Add a task; raises ApiError if its name is in use or was until recently."""
        if task.id in self.tasks:
            raise errors.task_exists()
        if self._is_tombstone(task.id, now):
            raise errors.task_existed()
        self.tasks[task.id] = task
        self._schedule(task, task.due)

    def find(self, task_id: str, now: float) -> QueuedTask:
        """Return the task; raises ApiError (NOT_FOUND)."""
        if (task := self.tasks.get(task_id)) is not None:
            return task
        if self._is_tombstone(task_id, now):
            raise errors.task_recently_gone()
        raise errors.entity_missing()

    def delete(self, task_id: str, now: float) -> None:
        """Delete a task; a delivery of it that is running goes on and is not retried."""
        self._remove(self.find(task_id, now), now)

    def purge(self, now: float) -> None:
        """Delete all tasks."""
        self.purged_at = now
        for task in list(self.tasks.values()):
            self._remove(task, now)

    def take(self, now: float) -> tuple[QueuedTask, Delivery] | None:
        """Begin the next delivery that may be sent now; None if there is none."""
        ready_at = self.ready_at(now)
        if ready_at is None or ready_at > now:
            return None
        self._tokens -= 1
        task = heapq.heappop(self._scheduled)[3]
        return task, self.force(task, now)

    def force(self, task: QueuedTask, now: float) -> Delivery:
        """Begin a delivery regardless of the limits, as RunTask does."""
        task.generation += 1
        self.running += 1
        return task.begin(now)

    def ready_at(self, now: float) -> float | None:
        """Return when `take` may return a delivery; None: not before something else happens."""
        due = self.due_at()
        if due is None or self.running >= self.limits.max_concurrent_dispatches:
            return None
        self._refill(now)
        missing = max(0.0, _WHOLE_TOKEN - self._tokens)
        return max(due, now + missing / self.limits.max_dispatches_per_second) if missing else due

    def due_at(self) -> float | None:
        """Return when the first task that is not running is due; None: no task is, or the queue is paused."""
        while self._scheduled and self._scheduled[0][2] != self._scheduled[0][3].generation:
            heapq.heappop(self._scheduled)
        if self.paused or not self._scheduled:
            return None
        return self._scheduled[0][0]

    def settle(self, task: QueuedTask, delivery: Delivery, answer: Answer, now: float) -> Settled:
        """End a delivery: its task is completed, scheduled again, or given up and deleted."""
        self.running -= 1
        task.end(delivery, answer, now)
        if self.tasks.get(task.id) is not task:
            return Settled.GONE
        if answer.completes:
            self._remove(task, now)
            return Settled.COMPLETED
        return self._retry(task, delivery, answer, now)

    def _retry(self, task: QueuedTask, delivery: Delivery, answer: Answer, now: float) -> Settled:
        policy = task.retry or self.retry
        elapsed = now - (task.first_sent or now)
        if is_exhausted(policy, attempts=task.dispatches, elapsed=elapsed):
            self._remove(task, now)
            return Settled.EXHAUSTED
        wait = retry_delay(policy, delivery.number + 1, status=answer.status, retry_after=answer.retry_after)
        self._schedule(task, now + wait)
        return Settled.RETRYING

    def _schedule(self, task: QueuedTask, due: float) -> None:
        task.due = due
        task.generation += 1
        heapq.heappush(self._scheduled, (due, next(self._sequence), task.generation, task))

    def _remove(self, task: QueuedTask, now: float) -> None:
        task.generation += 1
        del self.tasks[task.id]
        self._tombstones[task.id] = now + self.tombstone_ttl

    def _is_tombstone(self, task_id: str, now: float) -> bool:
        # all are kept for the same time, so that the oldest come first
        while self._tombstones and (oldest := next(iter(self._tombstones.items())))[1] <= now:
            del self._tombstones[oldest[0]]
        return task_id in self._tombstones

    def _refill(self, now: float) -> None:
        gained = max(0.0, now - self._refilled_at) * self.limits.max_dispatches_per_second
        self._tokens = min(float(self.limits.burst), self._tokens + gained)
        self._refilled_at = now


@dataclass(slots=True)
class Queues:
    """All queues by full name."""

    tombstone_ttl: float = 3600.0
    by_name: dict[str, Queue] = field(default_factory=dict)
    _deleted_until: dict[str, float] = field(default_factory=dict)

    def create(self, name: str, limits: RateLimits, retry: RetryPolicy, now: float) -> Queue:
        """Create a queue; raises ApiError if there is, or was until recently, one of that name."""
        if name in self.by_name:
            raise errors.queue_exists()
        if now < self._deleted_until.get(name, 0.0):
            raise errors.queue_existed()
        queue = Queue(name, limits, retry, tombstone_ttl=self.tombstone_ttl)
        self.by_name[name] = queue
        return queue

    def find(self, name: str) -> Queue:
        """Return the queue; raises ApiError (NOT_FOUND)."""
        if (queue := self.by_name.get(name)) is None:
            raise errors.queue_missing()
        return queue

    def delete(self, name: str, now: float) -> None:
        """Delete a queue with its tasks; raises ApiError (NOT_FOUND)."""
        if (queue := self.by_name.pop(name, None)) is None:
            raise errors.entity_missing()
        queue.purge(now)
        self._deleted_until[name] = now + _QUEUE_TOMBSTONE_SECONDS
