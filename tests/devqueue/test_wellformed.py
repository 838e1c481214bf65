"""Calls with values that are not valid are refused with INVALID_ARGUMENT and without a traceback."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from typing import Any

import grpc  # type: ignore[import-untyped]  # grpcio ships no types
import pytest
from google.cloud.tasks_v2 import types
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from taskhandler.devqueue import LocalQueue
from taskhandler.devqueue.rpc import API

from .target import PATIENCE_SECONDS

Message = Any  # protobuf messages have no types
Call = Callable[[str, bytes], tuple[str, str]]

PARENT = "projects/p/locations/l"
QUEUE = f"{PARENT}/queues/q"
URL = "http://127.0.0.1:9/"


@pytest.fixture(scope="module")
def call() -> Iterator[Call]:
    """Return a function that calls a method with any bytes, and returns code and details."""
    with LocalQueue(seed=0) as queue, grpc.insecure_channel(queue.address) as channel:
        queue.create_queue(QUEUE)
        queue.client().pause_queue(name=QUEUE)

        def called(method: str, raw: bytes) -> tuple[str, str]:
            try:
                channel.unary_unary(f"/{API}/{method}")(raw, timeout=PATIENCE_SECONDS)
            except grpc.RpcError as error:
                return error.code().name, error.details()
            return "OK", ""

        yield called
        assert called("GetQueue", types.GetQueueRequest.pb()(name=QUEUE).SerializeToString()) == ("OK", "")


@pytest.fixture(autouse=True)
def silent(caplog: pytest.LogCaptureFixture) -> Iterator[None]:
    """Fail if a call is logged as a warning or an error."""
    yield
    assert [record.getMessage() for record in caplog.records if record.levelno >= logging.WARNING] == []


def task(**fields: Any) -> bytes:  # noqa: ANN401 - fields of Task
    http_request = {"url": URL} | fields.pop("http_request", {})
    made = types.Task.pb()(http_request=http_request, **fields)
    return bytes(types.CreateTaskRequest.pb()(parent=QUEUE, task=made).SerializeToString())


@pytest.mark.parametrize(
    ("fields", "problem"),
    [
        ({"schedule_time": {"seconds": 2**60}}, "Task.scheduleTime is out of range."),
        ({"schedule_time": {"seconds": -(2**60)}}, "Task.scheduleTime is out of range."),
        ({"schedule_time": {"seconds": 253_402_300_800}}, "Task.scheduleTime is out of range."),
        ({"schedule_time": {"nanos": -1}}, "Task.scheduleTime is out of range."),
        ({"schedule_time": {"seconds": 253_402_300_799}}, "too far in the future"),
        ({"create_time": {"seconds": 2**62}}, "Task.createTime is out of range."),
        ({"dispatch_deadline": {"seconds": 2**60}}, "Task.dispatchDeadline is out of range."),
        ({"dispatch_deadline": {"seconds": 60, "nanos": -1}}, "Task.dispatchDeadline is out of range."),
        ({"http_request": {"http_method": 77}}, "HttpRequest.httpMethod cannot be 77."),
        ({"view": 99}, "Task.view cannot be 99."),
        ({"retry_config": {"max_backoff": {"seconds": 2**62}}}, "RetryConfig.maxBackoff is out of range."),
    ],
)
def test_a_task_with_a_field_out_of_range_is_refused(call: Call, fields: dict[str, Any], problem: str):
    code, details = call("CreateTask", task(**fields))
    assert code == "INVALID_ARGUMENT"
    assert problem in details


@pytest.mark.parametrize("rate", [float("nan"), float("inf"), float("-inf")])
@pytest.mark.parametrize("method", ["CreateQueue", "UpdateQueue"])
def test_a_rate_that_is_not_finite_is_refused_and_changes_nothing(call: Call, method: str, rate: float):
    queue = {"name": QUEUE, "rate_limits": {"max_dispatches_per_second": rate}}
    parent = {"parent": PARENT} if method == "CreateQueue" else {}
    request = getattr(types, f"{method}Request").pb()(queue=queue, **parent)
    code, details = call(method, request.SerializeToString())
    assert (code, details) == (
        "INVALID_ARGUMENT",
        "RateLimits.maxDispatchesPerSecond must be a finite number.",
    )


@pytest.mark.parametrize("size", [-1, -5, -(2**31)])
def test_a_negative_page_size_is_refused(call: Call, size: int):
    for method, parent in (("ListTasks", QUEUE), ("ListQueues", PARENT)):
        request = getattr(types, f"{method}Request").pb()(parent=parent, page_size=size)
        assert call(method, request.SerializeToString())[0] == "INVALID_ARGUMENT"


def test_a_task_with_the_longest_possible_backoff_is_created(call: Call):
    longest = {"seconds": 315_576_000_000}
    retry = {"min_backoff": longest, "max_backoff": longest, "max_retry_duration": longest}
    assert call("CreateTask", task(retry_config=retry)) == ("OK", "")


def test_the_details_of_a_refusal_are_one_bounded_line(call: Call):
    for name in ("a" * 100_000, f"{QUEUE}/tasks/a\n\x1b[2J", f"{QUEUE}/tasks/\u2028"):
        code, details = call("CreateTask", task(name=name))
        assert code == "INVALID_ARGUMENT"
        assert details.isprintable()
        assert len(details) <= 2000


METHODS = {
    f"{verb}{kind}": getattr(types, f"{verb}{kind}Request").pb()
    for verb, kinds in {
        "Create": ("Task", "Queue"),
        "Get": ("Task", "Queue"),
        "List": ("Tasks", "Queues"),
        "Delete": ("Task", "Queue"),
        "Update": ("Queue",),
        "Run": ("Task",),
        "Pause": ("Queue",),
        "Resume": ("Queue",),
        "Purge": ("Queue",),
    }.items()
    for kind in kinds
}
ANSWERS = {
    "OK",
    "INVALID_ARGUMENT",
    "NOT_FOUND",
    "ALREADY_EXISTS",
    "FAILED_PRECONDITION",
    "PERMISSION_DENIED",
    "UNIMPLEMENTED",
}


@given(method=st.sampled_from(sorted(METHODS)), raw=st.binary(max_size=100))
@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_bytes_sent_to_any_method_are_answered_with_a_known_code(call: Call, method: str, raw: bytes):
    assert call(method, raw)[0] in ANSWERS


NUMBERS = st.integers(-(2**63), 2**63 - 1) | st.sampled_from([0, 1, -1, 253_402_300_799, 315_576_000_000])
SMALL = st.integers(-(2**31), 2**31 - 1)
SPANS = st.fixed_dictionaries({}, optional={"seconds": NUMBERS, "nanos": SMALL})
RETRIES = st.fixed_dictionaries(
    {},
    optional={
        "max_attempts": SMALL,
        "max_doublings": SMALL,
        "min_backoff": SPANS,
        "max_backoff": SPANS,
        "max_retry_duration": SPANS,
    },
)
TASKS = st.fixed_dictionaries(
    {},
    optional={
        "schedule_time": SPANS,
        "create_time": SPANS,
        "dispatch_deadline": SPANS,
        "retry_config": RETRIES,
        "view": SMALL,
        "dispatch_count": SMALL,
    },
)
QUEUES = st.fixed_dictionaries(
    {},
    optional={
        "rate_limits": st.fixed_dictionaries(
            {}, optional={"max_dispatches_per_second": st.floats(), "max_concurrent_dispatches": SMALL}
        ),
        "retry_config": RETRIES,
        "purge_time": SPANS,
        "state": SMALL,
    },
)


@given(fields=TASKS)
@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_fields_of_a_task_are_accepted_or_refused(call: Call, fields: dict[str, Any]):
    assert call("CreateTask", task(**fields))[0] in ANSWERS


@given(fields=QUEUES, paths=st.lists(st.sampled_from(["rate_limits", "retry_config.min_backoff", "x", ""])))
@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_fields_of_a_queue_are_accepted_or_refused(call: Call, fields: dict[str, Any], paths: list[str]):
    changed = {"name": f"{PARENT}/queues/changed", **fields}
    request = types.UpdateQueueRequest.pb()(queue=changed, update_mask={"paths": paths})
    assert call("UpdateQueue", request.SerializeToString())[0] in ANSWERS
    listed = types.ListQueuesRequest.pb()(parent=PARENT)
    assert call("ListQueues", listed.SerializeToString())[0] == "OK"
