"""Queues from and to protobuf, with every check of a queue's configuration.

The texts were recorded from the real service by aertje/cloud-tasks-emulator (MIT,
test/conformance/golden/errors.json), but for the one of maxBackoff, which follows them.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import Any

from google.cloud.tasks_v2 import types

from taskhandler.devqueue import errors
from taskhandler.devqueue.backoff import UNLIMITED, RetryPolicy
from taskhandler.devqueue.queues import Queue, RateLimits
from taskhandler.protobuf import Message

_QueueMessage: Any = types.Queue.pb()
_State: Any = types.Queue.State
_RATE = ("max_dispatches_per_second", "max_concurrent_dispatches")
_DURATIONS = ("max_retry_duration", "min_backoff", "max_backoff")
_NUMBERS = ("max_attempts", "max_doublings")
_GROUPS = {"rate_limits": _RATE, "retry_config": (*_NUMBERS, *_DURATIONS)}
_PATHS = [f"{group}.{field}" for group, members in _GROUPS.items() for field in members]
_MAX_DISPATCHES_PER_SECOND, _MAX_CONCURRENT_DISPATCHES = 500, 5000


def read_config(message: Message) -> tuple[RateLimits, RetryPolicy]:
    """Return limits and policy of a new queue; what is unset (0 in protobuf) has its default."""
    return update_config(message, _GROUPS, RateLimits(), RetryPolicy())


def update_config(
    message: Message,
    paths: Iterable[str],
    limits: RateLimits,
    retry: RetryPolicy,
) -> tuple[RateLimits, RetryPolicy]:
    """Return limits and policy with the fields of `paths` changed; raises ApiError.

    With a whole group, fields that the message leaves out get their defaults; a single field is taken as it
    is, 0 included.
    """
    for field in ("http_target", "app_engine_routing_override"):
        if message.HasField(field):
            raise errors.unsupported(f"Queue.{field}")
    for path in paths:
        group, _, field = path.partition(".")
        if path not in _GROUPS and path not in _PATHS:
            raise errors.invalid(f"Invalid update mask: {path!r} cannot be updated.")
        if group == "rate_limits":
            limits = replace(
                RateLimits() if not field else limits, **_read_changes(message.rate_limits, _RATE, field)
            )
        else:
            fields = _GROUPS["retry_config"]
            retry = replace(
                RetryPolicy() if not field else retry, **_read_changes(message.retry_config, fields, field)
            )
    return _check_limits(limits), _check_retry(retry)


def read_policy(message: Message, policy: RetryPolicy) -> RetryPolicy | None:
    """Return a task's own retry policy if it has one; what it leaves out is as in the queue's `policy`."""
    # the field is new in 2.26.0; an older client library does not know it
    if "retry_config" not in message.DESCRIPTOR.fields_by_name or not message.HasField("retry_config"):
        return None
    return _check_retry(replace(policy, **_read_changes(message.retry_config, _GROUPS["retry_config"], "")))


def write_queue(queue: Queue) -> Message:
    """Return the queue as the API shows it."""
    state = _State.PAUSED if queue.paused else _State.RUNNING
    message = _QueueMessage(name=queue.name, state=int(state))
    for field in _RATE:
        setattr(message.rate_limits, field, getattr(queue.limits, field))
    message.rate_limits.max_burst_size = queue.limits.burst
    for field in _NUMBERS:
        setattr(message.retry_config, field, getattr(queue.retry, field))
    for field in _DURATIONS:
        getattr(message.retry_config, field).FromNanoseconds(round(getattr(queue.retry, field) * 1e9))
    if queue.purged_at is not None:
        message.purge_time.FromMicroseconds(round(queue.purged_at * 1e6))
    return message


def _read_changes(group: Message, fields: tuple[str, ...], only: str) -> dict[str, Any]:
    values = {field: _read_field(group, field) for field in fields}
    return {only: values[only]} if only else {field: value for field, value in values.items() if value}


def _read_field(group: Message, field: str) -> float:
    value = getattr(group, field)
    if field in _DURATIONS:
        return float(value.seconds) + float(value.nanos) / 1e9
    return value  # type: ignore[no-any-return]  # protobuf has no types; it is an int or a float


def _check_limits(limits: RateLimits) -> RateLimits:
    """Return the limits with defaults for zeros: what the service does with a zero is not published."""
    rate, at_once = limits.max_dispatches_per_second, limits.max_concurrent_dispatches
    if rate < 0:
        raise errors.invalid("RateLimits.maxDispatchesPerSecond cannot be negative.")
    if rate > _MAX_DISPATCHES_PER_SECOND:
        raise errors.invalid("RateLimits.maxDispatchesPerSecond must be less than or equal to 500.")
    if at_once < 0:
        raise errors.invalid("RateLimits.maxConcurrentDispatches cannot be negative.")
    if at_once > _MAX_CONCURRENT_DISPATCHES:
        raise errors.invalid("RateLimits.maxConcurrentDispatches must be less than or equal to 5000.")
    usual = RateLimits()
    return RateLimits(rate or usual.max_dispatches_per_second, at_once or usual.max_concurrent_dispatches)


def _check_retry(retry: RetryPolicy) -> RetryPolicy:
    if retry.max_attempts < UNLIMITED:
        raise errors.invalid("RetryConfig.maxAttempts must be greater or equal to -1.")
    if retry.max_doublings < 0:
        raise errors.invalid("RetryConfig.maxDoublings cannot be negative.")
    if retry.min_backoff < 0:
        raise errors.invalid("RetryConfig.minBackoff cannot be negative.")
    if retry.max_backoff < 0:
        raise errors.invalid("RetryConfig.maxBackoff cannot be negative.")
    if retry.min_backoff > retry.max_backoff:
        raise errors.invalid("RetryConfig.minBackoff must be less than or equal to RetryConfig.maxBackoff.")
    return replace(retry, max_attempts=retry.max_attempts or RetryPolicy().max_attempts)
