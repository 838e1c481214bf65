"""Each outcome of the contract for a whole delivery, with what the ledger holds afterwards."""

from __future__ import annotations

import hashlib
import inspect
import itertools
import threading
import traceback

import pytest

from taskhandler import RateLimited, Reject, Retry, Task, TaskBlueprint, current_task
from taskhandler.lifecycle.record import State
from tests.web.local_app import app_with, dead_letter_of, deliver, headers_of, outcome, record_of


@pytest.fixture
def tasks() -> TaskBlueprint:
    return TaskBlueprint("tasks", __name__)


def test_a_first_delivery_is_run_completed_and_answered_200(tasks: TaskBlueprint) -> None:
    tasks.handler("double")(lambda number: {"twice": 2 * number})
    app = app_with(tasks)
    response = deliver(app, "double", b"21")
    assert outcome(response) == (200, "completed")
    assert response.json == {"outcome": "completed", "task": "t1", "attempt": 1}
    record = record_of(app)
    assert record is not None
    assert (record.state, record.result, record.handler) == (State.COMPLETED, '{"twice":42}', "double")


def test_a_task_that_completed_is_not_run_again(tasks: TaskBlueprint) -> None:
    runs: list[int] = []
    tasks.handler("count")(lambda: runs.append(1))
    app = app_with(tasks)
    answers = [outcome(deliver(app, "count", retry=retry)) for retry in (0, 0, 1, 7)]
    assert answers == [(200, "completed"), (200, "duplicate"), (200, "duplicate"), (200, "duplicate")]
    assert runs == [1]


def test_a_failure_is_answered_503_and_retried(tasks: TaskBlueprint) -> None:
    attempts: list[int] = []

    @tasks.handler("flaky")
    def flaky(task: Task) -> None:
        attempts.append(task.attempt)
        if task.attempt < 3:
            raise ConnectionError("not answering")

    app = app_with(tasks)
    answers = [outcome(deliver(app, "flaky", retry=retry)) for retry in range(3)]
    assert answers == [(503, "retry"), (503, "retry"), (200, "completed")]
    assert attempts == [1, 2, 3]
    record = record_of(app)
    assert record is not None
    assert record.history == (
        "1 failed: ConnectionError: not answering",
        "2 failed: ConnectionError: not answering",
    )


def test_retry_is_answered_with_its_retry_after(tasks: TaskBlueprint) -> None:
    @tasks.handler("later")
    def later() -> None:
        raise Retry("too early", after=29.2)

    response = deliver(app_with(tasks), "later")
    assert outcome(response) == (503, "retry")
    assert response.headers["Retry-After"] == "30"


def test_rate_limited_slows_the_queue_with_429(tasks: TaskBlueprint) -> None:
    @tasks.handler("limited")
    def limited() -> None:
        raise RateLimited(after=60)

    app = app_with(tasks)
    response = deliver(app, "limited")
    assert outcome(response) == (429, "rate-limited")
    assert response.headers["Retry-After"] == "60"
    assert outcome(deliver(app, "limited", retry=1)) == (429, "rate-limited")


def test_reject_is_recorded_with_the_body_and_answered_200(tasks: TaskBlueprint) -> None:
    @tasks.handler("picky")
    def picky(_: dict[str, int]) -> None:
        raise Reject("not for me")

    app = app_with(tasks)
    assert outcome(deliver(app, "picky", b'{"a": 1}', content_type="application/json")) == (200, "rejected")
    record, dead_letter = record_of(app), dead_letter_of(app)
    assert record is not None
    assert (record.state, record.reason) == (State.REJECTED, "not for me")
    assert dead_letter is not None
    assert (dead_letter.content, dead_letter.content_type) == (b'{"a": 1}', "application/json")
    assert outcome(deliver(app, "picky", b'{"a": 1}', retry=1)) == (200, "duplicate")


def test_the_queues_last_delivery_makes_a_failed_task_dead(tasks: TaskBlueprint) -> None:
    @tasks.handler("doomed")
    def doomed() -> None:
        raise ValueError

    app = app_with(tasks, TASKHANDLER_QUEUE_MAX_ATTEMPTS=3)
    answers = [outcome(deliver(app, "doomed", retry=retry)) for retry in range(3)]
    assert answers == [(503, "retry"), (503, "retry"), (200, "dead")]


def test_another_body_under_the_same_name_is_not_run_and_kept_as_a_conflict(
    tasks: TaskBlueprint, caplog: pytest.LogCaptureFixture
) -> None:
    runs: list[object] = []

    @tasks.handler("keep")
    def keep(payload: str) -> None:
        runs.append(payload)

    app = app_with(tasks)
    assert outcome(deliver(app, "keep", b'"one"')) == (200, "completed")
    for retry in (0, 1):
        assert outcome(deliver(app, "keep", b'"two"', retry=retry)) == (200, "conflict")
    assert runs == ["one"]
    conflict = hashlib.sha256(b'keep\0"two"').hexdigest()
    kept, dead_letter = record_of(app, conflict=conflict), dead_letter_of(app, conflict=conflict)
    assert kept is not None
    assert kept.state is State.REJECTED
    assert dead_letter is not None
    assert dead_letter.content == b'"two"'
    assert "another body" in caplog.text


def test_a_second_delivery_of_a_running_task_is_answered_in_flight(tasks: TaskBlueprint) -> None:
    inside, leave = threading.Event(), threading.Event()

    @tasks.handler("slow")
    def slow() -> None:
        inside.set()
        assert leave.wait(20)

    app = app_with(tasks)
    first: list[tuple[int, str]] = []
    thread = threading.Thread(target=lambda: first.append(outcome(deliver(app, "slow"))))
    thread.start()
    assert inside.wait(20)
    response = deliver(app, "slow")
    assert outcome(response) == (429, "in-flight")
    assert 1 <= int(response.headers["Retry-After"]) <= 30
    leave.set()
    thread.join()
    assert first == [(200, "completed")]


def test_duplicates_in_flight_can_be_answered_409(tasks: TaskBlueprint) -> None:
    answers: list[tuple[int, str]] = []

    @tasks.handler("again")
    def again() -> None:
        answers.append(outcome(deliver(app, "again")))

    app = app_with(tasks, TASKHANDLER_IN_FLIGHT_STATUS=409)
    deliver(app, "again")
    assert answers == [(409, "in-flight")]


def test_the_queues_last_delivery_waits_for_the_holder(tasks: TaskBlueprint) -> None:
    inside, leave = threading.Event(), threading.Event()

    @tasks.handler("slow")
    def slow() -> None:
        inside.set()
        assert leave.wait(20)

    app = app_with(tasks, TASKHANDLER_QUEUE_MAX_ATTEMPTS=2)
    thread = threading.Thread(target=lambda: deliver(app, "slow"))
    thread.start()
    assert inside.wait(20)
    threading.Timer(0.3, leave.set).start()
    assert outcome(deliver(app, "slow", retry=1)) == (200, "duplicate")
    thread.join()


def test_a_handler_gets_the_facts_of_its_task(tasks: TaskBlueprint) -> None:
    seen: list[Task] = []

    @tasks.handler("look")
    def look(payload: dict[str, int], task: Task) -> None:
        assert current_task.id == task.id
        assert payload is task.payload
        seen.append(task)

    app = app_with(tasks)
    headers = headers_of("t9", retry=4, Traceparent="00-abc")
    assert app.test_client().post("/tasks/look", data=b'{"a": 1}', headers=headers).status_code == 200
    (task,) = seen
    assert (task.id, task.queue, task.handler) == ("t9", "q", "look")
    assert (task.attempt, task.retry_count, task.fence, task.previous_response) == (1, 4, 1, 503)
    assert task.eta == pytest.approx(1666670855.3296249)
    assert task.headers.get("traceparent") == "00-abc"
    assert 0 < task.remaining() <= 30
    assert not task.is_last_attempt
    with pytest.raises(RuntimeError, match="no handler of a task"):
        _ = current_task.id


def test_a_result_that_json_cannot_hold_is_dropped_with_a_warning(
    tasks: TaskBlueprint, caplog: pytest.LogCaptureFixture
) -> None:
    tasks.handler("odd")(lambda: {1j})
    app = app_with(tasks)
    assert outcome(deliver(app, "odd")) == (200, "completed")
    record = record_of(app)
    assert record is not None
    assert record.result is None
    assert "handler odd: the result is not kept" in caplog.text


def test_three_of_our_frames_stand_between_flask_and_the_handler(tasks: TaskBlueprint) -> None:
    frames: list[str] = []

    @tasks.handler("look")
    def look() -> None:
        stack = [frame for frame, _ in traceback.walk_stack(inspect.currentframe())][1:]
        ours = itertools.takewhile(lambda frame: frame.f_globals["__name__"] != "flask.app", stack)
        frames.extend(f"{frame.f_globals['__name__']}.{frame.f_code.co_name}" for frame in ours)

    assert outcome(deliver(app_with(tasks), "look")) == (200, "completed")
    assert frames == [
        "taskhandler.handlers.call.run",
        "taskhandler.delivery.receiver.deliver",
        "taskhandler.web.blueprint.deliver",
    ]
