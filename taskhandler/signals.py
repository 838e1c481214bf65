"""What can be listened to: blinker signals, sent after the fact is durable.

Each is sent with the Flask app as its sender and one argument, `event`, a `TaskEvent`. A receiver that
raises is logged, and changes nothing: the event is recorded already.
"""

from __future__ import annotations

from blinker import Namespace, Signal
from msgspec import Struct

from taskhandler.outcome import Outcome

_signals = Namespace()

task_started = _signals.signal("task-started")
task_completed = _signals.signal("task-completed")
task_retried = _signals.signal("task-retried")
task_rejected = _signals.signal("task-rejected")
task_dead = _signals.signal("task-dead")
task_cancelled = _signals.signal("task-cancelled")
task_duplicate = _signals.signal("task-duplicate")
task_in_flight = _signals.signal("task-in-flight")
task_fenced = _signals.signal("task-fenced")
task_refused = _signals.signal("task-refused")


class TaskEvent(Struct, frozen=True, kw_only=True):
    """What happened to a delivery.

    Attributes:
        outcome: of the delivery; None while it has only started.
        handler: the name of the handler whose URL was called; empty if there is none with that name.
        queue: the queue's short name; empty if the caller is not known.
        task: the task's short name; empty if the caller is not known.
        attempt: the attempt's number; 0 if the task was not claimed.
        reason: why, where there is a reason to give; never a part of a token or of the body.
        error: what the handler raised, if it did.
    """

    outcome: Outcome | None
    handler: str = ""
    queue: str = ""
    task: str = ""
    attempt: int = 0
    reason: str = ""
    error: Exception | None = None


OF_OUTCOME: dict[Outcome, Signal] = {
    Outcome.COMPLETED: task_completed,
    Outcome.RETRY: task_retried,
    Outcome.RATE_LIMITED: task_retried,
    Outcome.REJECTED: task_rejected,
    Outcome.CONFLICT: task_rejected,
    Outcome.DEAD: task_dead,
    Outcome.CANCELLED: task_cancelled,
    Outcome.DUPLICATE: task_duplicate,
    Outcome.IN_FLIGHT: task_in_flight,
    Outcome.UNAVAILABLE: task_refused,
    Outcome.INTERCEPTED: task_refused,
    Outcome.UNAUTHENTICATED: task_refused,
    Outcome.FORBIDDEN: task_refused,
    Outcome.MALFORMED: task_refused,
    Outcome.TOO_LARGE: task_refused,
    Outcome.WRONG_METHOD: task_refused,
    Outcome.UNKNOWN_HANDLER: task_refused,
}
