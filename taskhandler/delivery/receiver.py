"""The story of one delivery, from top to bottom: read this first.

Every decision on the path is here or in the law; listeners and logs are told last, when the fact is
recorded and it is safe to fail.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from typing import Any

from msgspec import Struct, structs

from taskhandler.auth.token import Refused as RefusedCaller
from taskhandler.auth.verifier import Answer, Caller, Unverifiable, Verifier
from taskhandler.config.settings import Settings
from taskhandler.delivery.ending import (
    AttemptBudget,
    Ending,
    interrupted,
    invalid,
    killed,
    raised,
    refused,
    returned,
)
from taskhandler.delivery.headers import Malformed, TaskHeaders
from taskhandler.delivery.headers import read as read_headers
from taskhandler.delivery.notify import Notifier
from taskhandler.delivery.reason import reason_of
from taskhandler.delivery.reply import Reply, Unreadable, outcome_of, reply
from taskhandler.delivery.request import Delivered, Delivery, Incoming
from taskhandler.delivery.wait_limit import WaitLimit
from taskhandler.errors import Interrupted, Steering
from taskhandler.handlers.call import Raised, Returned, run
from taskhandler.handlers.handler import Handler
from taskhandler.handlers.payload import PayloadError
from taskhandler.ledger.amend import Unread
from taskhandler.ledger.heartbeat import Heartbeats
from taskhandler.ledger.lease import CLAIM_TIMEOUT_SECONDS, Lease
from taskhandler.ledger.ledger import Ledger
from taskhandler.ledger.storage import Key, TaskBody
from taskhandler.lifecycle.record import Record, Snapshot, State
from taskhandler.lifecycle.rules import Claim, KeepConflict, MarkNotified
from taskhandler.lifecycle.verdict import (
    Conflict,
    Fenced,
    InFlight,
    Refused,
    Run,
    Settled,
    Verdict,
)
from taskhandler.outcome import Outcome
from taskhandler.signals import TaskEvent
from taskhandler.task import CURRENT, Headers, Task
from taskhandler.text import one_line

CONTENT_TYPE_LIMIT = 300
"""Characters of a body's content type that are kept with it."""

POLL_SECONDS = 0.5
"""Between two looks at a task that a waiting delivery finds in flight."""


class Receiver(Struct, frozen=True, kw_only=True, eq=False):
    """Everything that deliveries need, one for all blueprints of an app."""

    settings: Settings
    verifier: Verifier
    ledger: Ledger
    heartbeats: Heartbeats
    draining: Callable[[], bool]
    notifier: Notifier
    nonce: Callable[[], str]
    clock: Callable[[], float]
    pause: Callable[[float], None]
    waiting: WaitLimit

    def deliver(self, incoming: Incoming) -> Delivered:
        """Verify, deduplicate, run and answer one delivery."""
        delivery = self._admit(incoming)
        if isinstance(delivery, Reply):
            return Delivered(delivery)
        try:
            verdict = self._claim(delivery)
            if not isinstance(verdict, Run):
                return Delivered(self._without_run(delivery, verdict))
            task = self._task(delivery)
            if isinstance(task, Ending):
                return self._settle(delivery, task)
            self.notifier.started(task)
            verdict = delivery.lease.ensure_live()
            if not isinstance(verdict, Run):
                return Delivered(self._conclude(delivery, verdict))
            # No local variable here or in _run may hold the ending: its error's traceback holds these frames.
            return self._settle(delivery, self._run(delivery, task, incoming.call))
        except BaseException as error:
            disposition = killed(error, delivery.budget, draining=self.draining()).disposition
            delivery.lease.release(disposition, body=delivery.body)
            raise

    def _run(self, delivery: Delivery, task: Task, call: Callable[..., object]) -> Ending:
        """Call the handler, under heartbeats."""
        lease, budget = delivery.lease, delivery.budget
        current = CURRENT.set(task)
        try:
            self.heartbeats.watch(lease)
            return _ending_of(run(call, delivery.handler.signature.arguments(task.payload, task)), budget)
        finally:
            self.heartbeats.forget(lease)
            CURRENT.reset(current)

    def refuse(
        self, headers: Headers, outcome: Outcome, why: str, *, handler: Handler[Any, Any] | None
    ) -> Reply:
        """Answer a task's request that is not delivered: with `outcome`, but only to a caller we accept."""
        caller = self._verify(headers, handler)
        if not isinstance(caller, Caller):
            return self._refuse(_outcome_of_caller(caller), caller.why, handler=handler)
        return self._refuse(outcome, why, handler=handler)

    def _verify(self, headers: Headers, handler: Handler[Any, Any] | None) -> Answer:
        allowed = None if handler is None else handler.options.service_accounts
        return self.verifier.verify(headers.get("Authorization"), allowed=allowed)

    def _admit(self, incoming: Incoming) -> Delivery | Reply:
        handler, headers = incoming.handler, incoming.headers
        caller = self._verify(headers, handler)
        if not isinstance(caller, Caller):
            return self._refuse(_outcome_of_caller(caller), caller.why, handler=handler)
        task_headers = read_headers(headers.get, app_engine=self.settings.app_engine)
        if isinstance(task_headers, Malformed):
            return self._refuse(Outcome.MALFORMED, task_headers.why, handler=handler)
        body = incoming.body()
        if isinstance(body, Unreadable):
            return self._refuse(body.outcome, body.why, handler=handler, status=body.status)
        if self.draining():
            return self._refuse(Outcome.UNAVAILABLE, "the worker is draining", handler=handler)
        return self._delivery(handler, caller, task_headers, headers, body)

    def _delivery(
        self,
        handler: Handler[Any, Any],
        caller: Caller,
        task_headers: TaskHeaders,
        headers: Headers,
        body: bytes,
    ) -> Delivery:
        settings, options = self.settings, handler.options
        budget = AttemptBudget(
            last=task_headers.retry_count + 1 >= settings.queue_max_attempts,
            max_attempts=options.max_attempts or settings.max_attempts,
        )
        claim = Claim(
            lease_id=self.nonce(),
            digest=hashlib.sha256(b"%s\0%s" % (handler.name.encode(), body)).hexdigest(),
            handler=handler.name,
            lease=options.lease or settings.lease,
            retention=settings.retention,
            max_attempts=budget.max_attempts,
        )
        key = Key(settings.namespace, task_headers.queue, task_headers.task)
        lease = Lease(self.ledger, key, claim, clock=self.clock)
        kept = TaskBody(body, one_line(headers.get("Content-Type") or "", limit=CONTENT_TYPE_LIMIT))
        return Delivery(handler, caller, task_headers, headers, kept, key, claim, lease, budget)

    def _claim(self, delivery: Delivery) -> Verdict:
        believed = Unread() if delivery.task_headers.retry_count else None
        verdict = delivery.lease.claim(believed, body=delivery.body)
        return self._wait(delivery, verdict) if isinstance(verdict, InFlight) else verdict

    def _wait(self, delivery: Delivery, verdict: InFlight) -> Verdict:
        """Hold the delivery back while another one runs the task; the queue's last one until that ends.

        Only a share of the worker's threads may wait, so that there are some for everything else.
        """
        wait = float("inf") if delivery.budget.last else self.settings.in_flight_wait
        if wait <= 0:
            return verdict
        with self.waiting.place() as is_free:
            return self._wait_until(self.clock() + wait, delivery, verdict) if is_free else verdict

    def _wait_until(self, until: float, delivery: Delivery, verdict: Verdict) -> Verdict:
        while isinstance(verdict, InFlight) and self.clock() < until and not self.draining():
            self.pause(min(POLL_SECONDS, verdict.left + 0.01))
            verdict = delivery.lease.claim(Unread(), body=delivery.body)
        return verdict

    def _task(self, delivery: Delivery) -> Task | Ending:
        try:
            payload = delivery.handler.signature.decode(delivery.body.content)
        except PayloadError as error:
            return invalid(
                error.with_traceback(None), delivery.budget, on_invalid=delivery.handler.options.on_invalid
            )
        return delivery.task(payload, draining=self.draining)

    def _settle(self, delivery: Delivery, ending: Ending) -> Delivered:
        verdict = delivery.lease.settle(ending.disposition, body=delivery.body)
        if isinstance(verdict, Refused):
            ending = refused(verdict.why, delivery.budget)
            verdict = delivery.lease.settle(ending.disposition, body=delivery.body)
        if ending.warning:
            self.notifier.warn(delivery.handler.name, ending.warning)
        reply = self._conclude(delivery, verdict, ending)
        return Delivered(reply, ending.error if ending.is_error else None)

    def _without_run(self, delivery: Delivery, verdict: Verdict) -> Reply:
        if isinstance(verdict, Conflict):
            return self._keep_conflict(delivery)
        return self._conclude(delivery, verdict)

    def _keep_conflict(self, delivery: Delivery) -> Reply:
        """Keep the body of a delivery that has the name of another task."""
        claim = delivery.claim
        keep = KeepConflict(digest=claim.digest, handler=claim.handler, retention=claim.retention)
        key = structs.replace(delivery.key, conflict=claim.digest)
        done = self.ledger.amend(key, keep, None, timeout=CLAIM_TIMEOUT_SECONDS, body=delivery.body)
        return self._answer(delivery, Conflict() if isinstance(done.verdict, Settled) else done.verdict)

    def _conclude(self, delivery: Delivery, verdict: Verdict, ending: Ending | None = None) -> Reply:
        """Answer; but first call `on_dead` if the task is dead and that was not called yet."""
        snapshot = delivery.lease.snapshot
        if snapshot is not None and _is_untold(snapshot.record, delivery):
            self._call_on_dead(delivery, snapshot, None if ending is None else ending.error)
        return self._answer(delivery, verdict, ending)

    def _call_on_dead(self, delivery: Delivery, dead: Snapshot, error: Exception | None) -> None:
        """Call the handler's `on_dead`, and write down that it has been called."""
        when_dead = delivery.handler.when_dead
        if when_dead is None:
            return
        self.notifier.call(when_dead, self._dead_task(delivery), error)
        self.ledger.amend(delivery.key, MarkNotified(dead.record.fence), dead, timeout=CLAIM_TIMEOUT_SECONDS)

    def _dead_task(self, delivery: Delivery) -> Task:
        task = self._task(delivery)
        return task if isinstance(task, Task) else delivery.task(None, draining=self.draining)

    def _answer(self, delivery: Delivery, verdict: Verdict, ending: Ending | None = None) -> Reply:
        outcome = outcome_of(verdict)
        if outcome is Outcome.RETRY and ending is not None and ending.limited:
            outcome = Outcome.RATE_LIMITED
        after = None if ending is None else ending.after
        if isinstance(verdict, InFlight):
            after = verdict.left
        task_headers, snapshot = delivery.task_headers, delivery.lease.snapshot
        attempt = 0 if snapshot is None or ending is None else snapshot.record.attempt
        self.notifier.ended(
            TaskEvent(
                outcome=outcome,
                handler=delivery.handler.name,
                queue=task_headers.queue,
                task=task_headers.task,
                attempt=attempt,
                reason=reason_of(verdict, ending, last=delivery.budget.last),
                error=None if ending is None else ending.error,
            ),
            fenced=isinstance(verdict, Fenced),
        )
        return reply(
            outcome,
            task=task_headers.task,
            attempt=attempt,
            retry_after=self.settings.retry_after if after is None else after,
            in_flight_status=self.settings.in_flight_status,
        )

    def _refuse(
        self, outcome: Outcome, why: str, *, handler: Handler[Any, Any] | None, status: int | None = None
    ) -> Reply:
        name = "" if handler is None else handler.name
        self.notifier.ended(TaskEvent(outcome=outcome, handler=name, reason=why))
        return reply(outcome, retry_after=self.settings.retry_after, status=status)


def _ending_of(ran: Returned | Raised, budget: AttemptBudget) -> Ending:
    if isinstance(ran, Returned):
        return returned(ran.value)
    if isinstance(ran.error, Interrupted):
        return interrupted(ran.error, budget)
    if isinstance(ran.error, Steering):
        ran.error.__traceback__ = None  # an instance that is raised again and again would keep each payload
    return raised(ran.error, budget)


def _is_untold(record: Record, delivery: Delivery) -> bool:
    ours = record.digest == delivery.claim.digest
    return ours and record.state is State.DEAD and not record.on_dead_called


def _outcome_of_caller(caller: RefusedCaller | Unverifiable) -> Outcome:
    if isinstance(caller, Unverifiable):
        return Outcome.UNAVAILABLE
    return Outcome.FORBIDDEN if caller.status_word == "forbidden" else Outcome.UNAUTHENTICATED
