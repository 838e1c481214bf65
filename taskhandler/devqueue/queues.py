"""The queues and their tasks: what is due, what may be sent now, what a name's past forbids.

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
from taskhandler.devqueue.backoff import RetryPolicy, delay, exhausted
from taskhandler.devqueue.options import between
from taskhandler.devqueue.task import Answer, Delivery, QueuedTask
from taskhandler.devqueue.wellformed import LARGEST_INT32

# Google: a queue's name may be used again seven days after it was deleted
_QUEUE_TOMBSTONE = 7 * 86400.0
# a bucket refilled by floating point arithmetic may end a hair below a whole token
_A_TOKEN = 1 - 1e-6


class Settled(Enum):
    """What a delivery's end has made of its task."""

    COMPLETED = "completed"
    RETRYING = "retrying"
    EXHAUSTED = "exhausted"
    GONE = "gone"  # deleted, purged or ended by another delivery meanwhile


@dataclass(frozen=True, slots=True)
class RateLimits:
    """How fast and how many at once; the defaults are the real service's."""

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
    purged: float | None = None
    running: int = 0
    tasks: dict[str, QueuedTask] = field(default_factory=dict)
    _line: list[tuple[float, int, int, QueuedTask]] = field(default_factory=list)
    _places: count[int] = field(default_factory=count)
    _tombstones: dict[str, float] = field(default_factory=dict)
    _tokens: float = math.inf
    _filled: float = 0.0

    def add(self, task: QueuedTask, now: float) -> None:
        """Take in a task, or raise ApiError where its name is in use or was until recently."""
        if task.id in self.tasks:
            raise errors.task_exists()
        if self._buried(task.id, now):
            raise errors.task_existed()
        self.tasks[task.id] = task
        self._schedule(task, task.due)

    def find(self, task_id: str, now: float) -> QueuedTask:
        """Return the task, or raise ApiError (NOT_FOUND)."""
        if (task := self.tasks.get(task_id)) is not None:
            return task
        if self._buried(task_id, now):
            raise errors.task_recently_gone()
        raise errors.entity_missing()

    def delete(self, task_id: str, now: float) -> None:
        """Delete a task; a delivery under way goes on, and is not retried."""
        self._bury(self.find(task_id, now), now)

    def purge(self, now: float) -> None:
        """Delete all tasks."""
        self.purged = now
        for task in list(self.tasks.values()):
            self._bury(task, now)

    def take(self, now: float) -> tuple[QueuedTask, Delivery] | None:
        """Begin the next delivery that may be sent now, if there is one."""
        ready_at = self.ready_at(now)
        if ready_at is None or ready_at > now:
            return None
        self._tokens -= 1
        task = heapq.heappop(self._line)[3]
        return task, self.force(task, now)

    def force(self, task: QueuedTask, now: float) -> Delivery:
        """Begin a delivery whatever the limits say: RunTask."""
        task.generation += 1
        self.running += 1
        return task.begin(now)

    def ready_at(self, now: float) -> float | None:
        """Return when `take` may give something; None: not before something else has happened."""
        due = self.due_at()
        if due is None or self.running >= self.limits.max_concurrent_dispatches:
            return None
        self._fill(now)
        missing = max(0.0, _A_TOKEN - self._tokens)
        return max(due, now + missing / self.limits.max_dispatches_per_second) if missing else due

    def due_at(self) -> float | None:
        """Return when the first task not under way is due; None: there is none, or the queue is paused."""
        while self._line and self._line[0][2] != self._line[0][3].generation:
            heapq.heappop(self._line)
        if self.paused or not self._line:
            return None
        return self._line[0][0]

    def settle(self, task: QueuedTask, delivery: Delivery, answer: Answer, now: float) -> Settled:
        """End a delivery: the task is done, scheduled again, or given up and deleted."""
        self.running -= 1
        task.end(delivery, answer, now)
        if self.tasks.get(task.id) is not task:
            return Settled.GONE
        if answer.completes:
            self._bury(task, now)
            return Settled.COMPLETED
        return self._retry(task, delivery, answer, now)

    def _retry(self, task: QueuedTask, delivery: Delivery, answer: Answer, now: float) -> Settled:
        policy = task.retry or self.retry
        elapsed = now - (task.first_sent or now)
        if exhausted(policy, attempts=task.dispatches, elapsed=elapsed):
            self._bury(task, now)
            return Settled.EXHAUSTED
        wait = delay(policy, delivery.number + 1, status=answer.status, retry_after=answer.retry_after)
        self._schedule(task, now + wait)
        return Settled.RETRYING

    def _schedule(self, task: QueuedTask, due: float) -> None:
        task.due = due
        task.generation += 1
        heapq.heappush(self._line, (due, next(self._places), task.generation, task))

    def _bury(self, task: QueuedTask, now: float) -> None:
        task.generation += 1
        del self.tasks[task.id]
        self._tombstones[task.id] = now + self.tombstone_ttl

    def _buried(self, task_id: str, now: float) -> bool:
        # buried in order of time and all for as long, so that the oldest come first
        while self._tombstones and (oldest := next(iter(self._tombstones.items())))[1] <= now:
            del self._tombstones[oldest[0]]
        return task_id in self._tombstones

    def _fill(self, now: float) -> None:
        gained = max(0.0, now - self._filled) * self.limits.max_dispatches_per_second
        self._tokens = min(float(self.limits.burst), self._tokens + gained)
        self._filled = now


@dataclass(slots=True)
class Queues:
    """All queues by full name."""

    tombstone_ttl: float = 3600.0
    by_name: dict[str, Queue] = field(default_factory=dict)
    _deleted: dict[str, float] = field(default_factory=dict)

    def create(self, name: str, limits: RateLimits, retry: RetryPolicy, now: float) -> Queue:
        """Make a queue, or raise ApiError where there is or was one of that name."""
        if name in self.by_name:
            raise errors.queue_exists()
        if now < self._deleted.get(name, 0.0):
            raise errors.queue_existed()
        queue = Queue(name, limits, retry, tombstone_ttl=self.tombstone_ttl)
        self.by_name[name] = queue
        return queue

    def find(self, name: str) -> Queue:
        """Return the queue, or raise ApiError (NOT_FOUND)."""
        if (queue := self.by_name.get(name)) is None:
            raise errors.queue_missing()
        return queue

    def delete(self, name: str, now: float) -> None:
        """Delete a queue with its tasks, or raise ApiError (NOT_FOUND)."""
        if (queue := self.by_name.pop(name, None)) is None:
            raise errors.entity_missing()
        queue.purge(now)
        self._deleted[name] = now + _QUEUE_TOMBSTONE
