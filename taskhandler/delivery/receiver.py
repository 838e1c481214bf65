"""The story of one delivery, from top to bottom: read this first.

    step        question                                  outcomes of a delivery that ends here
    1 find      which handler has this URL?               unknown-handler, wrong-method (see `web.guard`)
    2 verify    whose token is it?                        unauthenticated, forbidden, unavailable
    3 headers   which task of which queue is it?          malformed
    4 body      can it be read whole?                     malformed, too-large, unavailable (draining)
    5 claim     may this delivery run the task?           duplicate, in-flight, conflict, cancelled, dead
    6 run       what does the handler make of it?
    7 settle    is that written down?                     completed, rejected, dead, retry, rate-limited
    8 notify    `on_dead`, log, listeners
    9 reply     what is Cloud Tasks answered?

Every decision on the path is here or in the state machine; listeners and logs come after the fact is
recorded, when it is safe to fail.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from typing import Any

from msgspec import Struct, structs

from taskhandler.auth.verifier import Caller, Unverifiable, Verifier
from taskhandler.config.settings import Settings
from taskhandler.delivery.attempt import (
    Ending,
    end_attempt,
    end_with_exit,
    end_with_invalid_payload,
    end_with_refusal,
)
from taskhandler.delivery.headers import Malformed, TaskHeaders, read_headers
from taskhandler.delivery.notify import Notifier
from taskhandler.delivery.on_dead import call_on_dead, find_on_dead
from taskhandler.delivery.outcome_decision import Conclusion, conclude
from taskhandler.delivery.reply import Refusal, Reply, reply
from taskhandler.delivery.request import Delivered, Delivery, Incoming
from taskhandler.delivery.running import Running
from taskhandler.delivery.wait_limit import WaitLimit
from taskhandler.handlers.call import run
from taskhandler.handlers.handler import Handler
from taskhandler.handlers.payload import PayloadError
from taskhandler.ledger.amend import Unread
from taskhandler.ledger.heartbeat_scheduler import Heartbeats
from taskhandler.ledger.lease import CLAIM_TIMEOUT_SECONDS, Lease
from taskhandler.ledger.ledger import Ledger
from taskhandler.ledger.storage import Key, TaskBody
from taskhandler.lifecycle.record import Snapshot
from taskhandler.lifecycle.rules import Claim, KeepConflict
from taskhandler.lifecycle.verdict import Conflict, InFlight, Refused, Run, Settled, Verdict
from taskhandler.outcome import Outcome
from taskhandler.signals import TaskEvent
from taskhandler.task import Headers, Task

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
        """Take one delivery through the steps of its story."""
        handler, headers = incoming.handler, incoming.headers  # 1 find: Flask has routed the request
        caller = self._verify(headers, handler)  # 2 verify
        if isinstance(caller, Refusal):
            return self._refuse(caller, handler)
        task_headers = read_headers(headers.get, app_engine=self.settings.app_engine)  # 3 headers
        if isinstance(task_headers, Malformed):
            return self._refuse(Refusal(Outcome.MALFORMED, task_headers.why), handler)
        body = incoming.body()  # 4 body
        if isinstance(body, Refusal):
            return self._refuse(body, handler)
        if self.draining():
            return self._refuse(_DRAINING, handler)
        delivery = self._accept(incoming, caller, task_headers, body)
        try:
            verdict = self._claim(delivery)  # 5 claim
            if not isinstance(verdict, Run):
                return self._reply(delivery, self._notify(delivery, verdict))
            task = self._decode(delivery)
            if isinstance(task, Ending):
                ending = task
            else:
                self.notifier.announce_start(task)
                verdict = delivery.lease.ensure_live()
                if not isinstance(verdict, Run):
                    return self._reply(delivery, self._notify(delivery, verdict))
                arguments = handler.signature.fill_arguments(task.payload, task)
                with Running(self.heartbeats, delivery.lease, task):
                    ending = end_attempt(run(incoming.call, arguments), delivery.budget)  # 6 run
            verdict, ending = self._settle(delivery, ending)  # 7 settle
            concluded = self._notify(delivery, verdict, ending)  # 8 notify
            return self._reply(delivery, concluded)  # 9 reply
        except BaseException as error:
            disposition = end_with_exit(error, delivery.budget, draining=self.draining()).disposition
            delivery.lease.release(disposition, body=delivery.body)
            raise

    def refuse(
        self, headers: Headers, outcome: Outcome, why: str, *, handler: Handler[Any, Any] | None
    ) -> Reply:
        """Answer a task's request that is not delivered: with `outcome`, but only to a caller we accept."""
        caller = self._verify(headers, handler)
        refusal = caller if isinstance(caller, Refusal) else Refusal(outcome, why)
        return self._refuse(refusal, handler).reply

    def _verify(self, headers: Headers, handler: Handler[Any, Any] | None) -> Caller | Refusal:
        allowed = None if handler is None else handler.options.service_accounts
        caller = self.verifier.verify(headers.get("Authorization"), allowed=allowed)
        if isinstance(caller, Caller):
            return caller
        if isinstance(caller, Unverifiable):
            return Refusal(Outcome.UNAVAILABLE, caller.why)
        return Refusal(Outcome(caller.status_word), caller.why)

    def _refuse(self, refusal: Refusal, handler: Handler[Any, Any] | None) -> Delivered:
        name = "" if handler is None else handler.name
        self.notifier.announce_end(TaskEvent(outcome=refusal.outcome, handler=name, reason=refusal.why))
        return Delivered(reply(refusal.outcome, retry_after=self.settings.retry_after, status=refusal.status))

    def _accept(
        self, incoming: Incoming, caller: Caller, task_headers: TaskHeaders, body: TaskBody
    ) -> Delivery:
        settings, handler, options = self.settings, incoming.handler, incoming.handler.options
        key = Key(settings.namespace, task_headers.queue, task_headers.task)
        claim = Claim(
            lease_id=self.nonce(),
            digest=hashlib.sha256(b"%s\0%s" % (handler.name.encode(), body.content)).hexdigest(),
            handler=handler.name,
            lease=options.lease or settings.lease,
            retention=settings.retention,
            max_attempts=options.max_attempts or settings.max_attempts,
        )
        lease = Lease(self.ledger, key, claim, clock=self.clock)
        is_last = task_headers.retry_count + 1 >= settings.queue_max_attempts
        return Delivery(handler, caller, task_headers, incoming.headers, body, key, claim, lease, is_last)

    def _claim(self, delivery: Delivery) -> Verdict:
        believed = Unread() if delivery.task_headers.retry_count else None
        verdict = delivery.lease.claim(believed, body=delivery.body)
        if isinstance(verdict, Run):
            return verdict
        if isinstance(verdict, InFlight):
            verdict = self._wait(delivery, verdict)
        return self._keep_conflict(delivery) if isinstance(verdict, Conflict) else verdict

    def _wait(self, delivery: Delivery, verdict: InFlight) -> Verdict:
        """Hold the delivery back while another one runs the task; the queue's last one until that ends.

        Only a share of the worker's threads may wait, so that there are some for everything else.
        """
        wait = float("inf") if delivery.is_last else self.settings.in_flight_wait
        if wait <= 0:
            return verdict
        with self.waiting.reserve_slot() as is_free:
            return self._wait_until(self.clock() + wait, delivery, verdict) if is_free else verdict

    def _wait_until(self, until: float, delivery: Delivery, verdict: Verdict) -> Verdict:
        while isinstance(verdict, InFlight) and self.clock() < until and not self.draining():
            self.pause(min(POLL_SECONDS, verdict.left + 0.01))
            verdict = delivery.lease.claim(Unread(), body=delivery.body)
        return verdict

    def _keep_conflict(self, delivery: Delivery) -> Verdict:
        """Keep the body of a delivery that has the name of another task."""
        claim = delivery.claim
        keep = KeepConflict(digest=claim.digest, handler=claim.handler, retention=claim.retention)
        key = structs.replace(delivery.key, conflict=claim.digest)
        done = self.ledger.amend(key, keep, None, timeout=CLAIM_TIMEOUT_SECONDS, body=delivery.body)
        return Conflict() if isinstance(done.verdict, Settled) else done.verdict

    def _decode(self, delivery: Delivery) -> Task | Ending:
        try:
            payload = delivery.handler.signature.decode(delivery.body.content)
        except PayloadError as error:
            return end_with_invalid_payload(
                error.with_traceback(None), delivery.budget, on_invalid=delivery.handler.options.on_invalid
            )
        return delivery.build_task(payload, draining=self.draining)

    def _settle(self, delivery: Delivery, ending: Ending) -> tuple[Verdict, Ending]:
        verdict = delivery.lease.settle(ending.disposition, body=delivery.body)
        if isinstance(verdict, Refused):
            ending = end_with_refusal(verdict.why, delivery.budget)
            verdict = delivery.lease.settle(ending.disposition, body=delivery.body)
        return verdict, ending

    def _notify(self, delivery: Delivery, verdict: Verdict, ending: Ending | None = None) -> Conclusion:
        if ending is not None and ending.warning:
            self.notifier.warn(delivery.handler.name, ending.warning)
        snapshot = delivery.lease.snapshot
        if snapshot is not None:
            self._call_on_dead(delivery, snapshot, None if ending is None else ending.error)
        concluded = conclude(verdict, ending, attempt=delivery.lease.attempt, is_last=delivery.is_last)
        event = TaskEvent(
            outcome=concluded.outcome,
            handler=delivery.handler.name,
            queue=delivery.task_headers.queue,
            task=delivery.task_headers.task,
            attempt=concluded.attempt,
            reason=concluded.reason,
            error=concluded.error,
        )
        self.notifier.announce_end(event, fenced=concluded.is_fenced)
        return concluded

    def _call_on_dead(self, delivery: Delivery, dead: Snapshot, error: Exception | None) -> None:
        function = find_on_dead(dead.record, delivery)
        if function is not None:
            task, key = self._build_dead_task(delivery), delivery.key
            call_on_dead(
                function, task, error, key=key, dead=dead, notifier=self.notifier, ledger=self.ledger
            )

    def _build_dead_task(self, delivery: Delivery) -> Task:
        task = self._decode(delivery)
        return task if isinstance(task, Task) else delivery.build_task(None, draining=self.draining)

    def _reply(self, delivery: Delivery, concluded: Conclusion) -> Delivered:
        after = concluded.after
        answer = reply(
            concluded.outcome,
            task=delivery.task_headers.task,
            attempt=concluded.attempt,
            retry_after=self.settings.retry_after if after is None else after,
            in_flight_status=self.settings.in_flight_status,
        )
        return Delivered(answer, concluded.error if concluded.is_error else None)


_DRAINING = Refusal(Outcome.UNAVAILABLE, "the worker is draining")
