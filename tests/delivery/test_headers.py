"""What the headers of a delivery say about its task."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from flask import Flask, request

from taskhandler.delivery.headers import Malformed, TaskHeaders, read_headers

NORMAL = {
    "X-CloudTasks-QueueName": "orders",
    "X-CloudTasks-TaskName": "05885295116503454631",
    "X-CloudTasks-TaskRetryCount": "3",
    "X-CloudTasks-TaskExecutionCount": "2",
    "X-CloudTasks-TaskETA": "1666670855.3296249",
    "X-CloudTasks-TaskPreviousResponse": "429",
    "X-CloudTasks-TaskRetryReason": "",
}
REQUIRED = list(NORMAL)[:4]
RECORDINGS = Path(__file__).parents[1] / "recordings" / "dispatch.json"


def reading(changes: dict[str, str], *, app_engine: bool = False) -> TaskHeaders | Malformed:
    return read_headers({**NORMAL, **changes}.get, app_engine=app_engine)


def accepted(changes: dict[str, str]) -> TaskHeaders:
    found = reading(changes)
    assert isinstance(found, TaskHeaders)
    return found


def why(changes: dict[str, str]) -> str:
    found = reading(changes)
    assert isinstance(found, Malformed)
    return found.why


def as_app_engine(headers: dict[str, str]) -> dict[str, str]:
    return {name.replace("CloudTasks", "AppEngine"): value for name, value in headers.items()}


def test_the_headers_of_a_delivery_are_read() -> None:
    assert reading({}) == TaskHeaders(
        queue="orders",
        task="05885295116503454631",
        retry_count=3,
        execution_count=2,
        eta=1666670855.3296249,
        previous_response=429,
        retry_reason="",
    )


def test_only_four_headers_are_required() -> None:
    found = read_headers({name: NORMAL[name] for name in REQUIRED}.get)
    assert found == TaskHeaders("orders", "05885295116503454631", 3, 2, None, None, "")


@pytest.mark.parametrize("missing", REQUIRED)
def test_a_missing_header_is_named(missing: str) -> None:
    assert why({missing: ""}) == f"{missing} is missing"
    headers = {name: value for name, value in NORMAL.items() if name != missing}
    assert read_headers(headers.get) == Malformed(f"{missing} is missing")


@pytest.mark.parametrize("name", REQUIRED)
@pytest.mark.parametrize(
    "value", ["a b", " 1", "1 ", "ü", "a\nb", "1\n", "\x00", "1,1", "a/b", "x" * 501, "²"]
)
def test_an_impossible_header_is_named_with_its_value(name: str, value: str) -> None:
    shown = repr(value)[:100]
    assert why({name: value}).startswith(f"{name} = {shown}")


@pytest.mark.parametrize("name", REQUIRED[2:])
@pytest.mark.parametrize("value", ["-1", "+1", "1.0", "1_0", "0x1", "²", "1234567890", "9" * 5000])
def test_a_count_of_more_than_nine_digits_is_malformed(name: str, value: str) -> None:
    assert why({name: value}).endswith("must be up to 9 digits")


def test_a_count_of_nine_digits_is_read() -> None:
    assert accepted({"X-CloudTasks-TaskRetryCount": "999999999"}).retry_count == 999_999_999


def test_names_of_the_longest_length_are_read_and_longer_ones_are_malformed() -> None:
    longest = accepted({"X-CloudTasks-QueueName": "q" * 100, "X-CloudTasks-TaskName": "t_" * 250})
    assert (longest.queue, longest.task) == ("q" * 100, "t_" * 250)
    assert "up to 100 letters" in why({"X-CloudTasks-QueueName": "q" * 101})
    assert "up to 500 letters" in why({"X-CloudTasks-TaskName": "t" * 501})
    assert "must be up to 100 letters, digits and hyphens" in why(
        {"X-CloudTasks-QueueName": "with_underscore"}
    )


def test_no_more_than_100_characters_of_a_value_are_echoed() -> None:
    assert why({"X-CloudTasks-TaskName": "!" * 9000}).count("!") == 99
    assert len(why({"X-CloudTasks-TaskName": "\x00" * 9000})) < 220


def test_a_line_break_in_one_header_does_not_stand_for_the_next() -> None:
    smuggled = {"X-CloudTasks-QueueName": "orders\nanother", "X-CloudTasks-TaskExecutionCount": ""}
    assert why({**smuggled, "X-CloudTasks-TaskName": "1"}).startswith("X-CloudTasks-QueueName")


def test_full_queue_and_task_names_are_shortened() -> None:
    queue = "projects/example.com:shop/locations/europe-west1/queues/orders"
    found = accepted({"X-CloudTasks-QueueName": queue, "X-CloudTasks-TaskName": f"{queue}/tasks/t_1"})
    assert (found.queue, found.task) == ("orders", "t_1")


@pytest.mark.parametrize(
    "name",
    [
        "projects/p/locations/l/queues/",
        "/projects/p/locations/l/queues/q",
        "projects/p/locations/l/queues/q/",
        "projects//locations/l/queues/q",
        "projects/p/locations/l/tasks/q",
        "queues/q",
        "projects/p/locations/l/queues/q/tasks/t",
        "projects/p/locations/l/queues/q,projects/p/locations/l/queues/q",
    ],
)
def test_a_queue_name_of_any_other_shape_is_malformed(name: str) -> None:
    assert why({"X-CloudTasks-QueueName": name}).startswith("X-CloudTasks-QueueName")


@pytest.mark.parametrize(
    ("value", "eta"),
    [
        ("1666670855.3296249", 1666670855.3296249),
        ("0", 0.0),
        ("1666670855329", 1666670855.329),
        ("2022-10-25T04:07:35.329Z", 1666670855.329),
        ("2022-10-25T06:07:35.329000111+02:00", 1666670855.329),
        ("1e11", 1e11),
        ("2022-10-25T04:07:35.329", None),
        ("-1", None),
        ("1e15", None),
        ("1e999", None),
        ("NaN", None),
        ("-inf", None),
        ("", None),
        ("1,1", None),
        ("0001-01-01T00:00:00+14:00", None),
        ("9999-12-31T23:59:59-14:00", None),
        ("soon", None),
        ("\x00", None),
        ("\ud800", None),
    ],
)
def test_an_eta_is_seconds_or_milliseconds_or_a_date_or_nothing(value: str, eta: float | None) -> None:
    assert accepted({"X-CloudTasks-TaskETA": value}).eta == eta


@pytest.mark.parametrize(
    ("value", "status"),
    [("100", 100), ("599", 599), ("0", None), ("99", None), ("600", None), ("503,503", None), ("²", None)],
)
def test_a_previous_response_is_a_status_or_nothing(value: str, status: int | None) -> None:
    assert accepted({"X-CloudTasks-TaskPreviousResponse": value}).previous_response == status


def test_a_retry_reason_is_cut_and_cannot_begin_a_line_of_a_log() -> None:
    assert accepted({"X-CloudTasks-TaskRetryReason": "x" * 300}).retry_reason == "x" * 200
    assert accepted({"X-CloudTasks-TaskRetryReason": "App\r\nError\ud800"}).retry_reason == "App??Error?"


def test_app_engine_headers_are_read_only_when_asked_for() -> None:
    headers = as_app_engine({**NORMAL, "X-CloudTasks-TaskPreviousResponse": "0"})
    found = read_headers(headers.get, app_engine=True)
    assert isinstance(found, TaskHeaders)
    assert (found.queue, found.previous_response) == ("orders", 0)
    assert read_headers(headers.get) == Malformed("X-CloudTasks-QueueName is missing")


def test_cloud_tasks_and_app_engine_headers_are_never_mixed() -> None:
    both = {**as_app_engine(NORMAL), "X-CloudTasks-QueueName": "orders"}
    assert read_headers(both.get, app_engine=True) == Malformed("X-CloudTasks-TaskName is missing")
    assert reading(as_app_engine({"X-CloudTasks-QueueName": "other"}), app_engine=True) == reading({})


def test_a_missing_app_engine_header_is_named() -> None:
    headers = as_app_engine({name: NORMAL[name] for name in REQUIRED[:3]})
    assert read_headers(headers.get, app_engine=True) == Malformed(
        "X-AppEngine-TaskExecutionCount is missing"
    )


def test_headers_are_found_through_werkzeugs_get_and_not_through_a_dict() -> None:
    with Flask(__name__).test_request_context(headers=NORMAL):
        assert read_headers(request.headers.get) == reading({})
        assert read_headers(dict(request.headers).get) == Malformed("X-CloudTasks-QueueName is missing")


def recorded(kind: int) -> list[TaskHeaders | Malformed]:
    """Replay the deliveries of one recording through Werkzeug, which re-cases them again."""
    filled = {"{queue}": "orders", "{task}": "t-1", "{eta}": "1666670855.3296249"}
    found = []
    for attempt in json.loads(RECORDINGS.read_text())[kind]["attempts"]:
        headers = {name: filled.get(value, value) for name, value in attempt["headers"].items()}
        with Flask(__name__).test_request_context(headers=headers):
            found.append(read_headers(request.headers.get, app_engine=True))
    return found


def test_recorded_deliveries_of_cloud_tasks_are_read() -> None:
    assert recorded(0) == [
        TaskHeaders("orders", "t-1", 0, 0, 1666670855.3296249, None, ""),
        TaskHeaders("orders", "t-1", 1, 0, 1666670855.3296249, 503, ""),
        TaskHeaders("orders", "t-1", 2, 1, 1666670855.3296249, 404, ""),
    ]


def test_recorded_deliveries_to_app_engine_are_read() -> None:
    assert recorded(1) == [
        TaskHeaders("orders", "t-1", 0, 0, 1666670855.3296249, None, ""),
        TaskHeaders("orders", "t-1", 1, 1, 1666670855.3296249, 503, "App Error"),
        TaskHeaders("orders", "t-1", 2, 2, 1666670855.3296249, 404, "App Error"),
    ]
