"""The receiving side of Google Cloud Tasks for Flask: verified, deduplicated, run once, answered right."""

from __future__ import annotations

from taskhandler.errors import (
    ConfigError,
    EnqueueError,
    Interrupted,
    LedgerError,
    RateLimited,
    Reject,
    Retry,
    TaskHandlerError,
    UsageError,
)
from taskhandler.handlers.handler import Handler
from taskhandler.outcome import Outcome
from taskhandler.signals import (
    TaskEvent,
    task_cancelled,
    task_completed,
    task_dead,
    task_duplicate,
    task_fenced,
    task_in_flight,
    task_refused,
    task_rejected,
    task_retried,
    task_started,
)
from taskhandler.task import Task
from taskhandler.task_ref import TaskRef
from taskhandler.web.blueprint import TaskBlueprint, current_task

__all__ = [
    "ConfigError",
    "EnqueueError",
    "Handler",
    "Interrupted",
    "LedgerError",
    "Outcome",
    "RateLimited",
    "Reject",
    "Retry",
    "Task",
    "TaskBlueprint",
    "TaskEvent",
    "TaskHandlerError",
    "TaskRef",
    "UsageError",
    "current_task",
    "task_cancelled",
    "task_completed",
    "task_dead",
    "task_duplicate",
    "task_fenced",
    "task_in_flight",
    "task_refused",
    "task_rejected",
    "task_retried",
    "task_started",
]
