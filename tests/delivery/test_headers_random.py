"""Random headers: they are read within bounds, or malformed with a short reason."""

from __future__ import annotations

import re

from hypothesis import given
from hypothesis import strategies as st

from taskhandler.delivery.headers import Malformed, TaskHeaders, read_headers

PREFIXES = ("X-CloudTasks-", "X-AppEngine-")
NAMES = (
    "QueueName",
    "TaskName",
    "TaskRetryCount",
    "TaskExecutionCount",
    "TaskETA",
    "TaskPreviousResponse",
    "TaskRetryReason",
)
ANYTHING = st.text(st.characters(), max_size=30)
NEARLY = st.one_of(
    st.from_regex(r"[A-Za-z0-9_-]{1,30}", fullmatch=True),
    st.from_regex(r"\d{1,12}"),
    st.floats().map(repr),
    st.integers().map(str),
    st.datetimes(timezones=st.timezones()).map(lambda moment: moment.isoformat()),
    ANYTHING,
)


@st.composite
def deliveries(draw: st.DrawFn) -> dict[str, str]:
    prefix = draw(st.sampled_from(PREFIXES))
    names = st.sampled_from([prefix + name for name in NAMES])
    plausible = dict.fromkeys([prefix + name for name in NAMES], "1")
    return {**plausible, **draw(st.dictionaries(names, NEARLY, max_size=4))}


def written(found: TaskHeaders, prefix: str) -> dict[str, str]:
    values = (
        found.queue,
        found.task,
        str(found.retry_count),
        str(found.execution_count),
        "" if found.eta is None else repr(found.eta),
        "" if found.previous_response is None else str(found.previous_response),
        found.retry_reason,
    )
    return {prefix + name: value for name, value in zip(NAMES, values, strict=True)}


@given(st.dictionaries(st.sampled_from([p + n for p in PREFIXES for n in NAMES]), ANYTHING), st.booleans())
def test_headers_are_read_or_malformed_whatever_they_are(headers: dict[str, str], app_engine: bool) -> None:  # noqa: FBT001 - drawn
    found = read_headers(headers.get, app_engine=app_engine)
    assert isinstance(found, TaskHeaders | Malformed)


@given(deliveries())
def test_accepted_headers_read_the_same_again(headers: dict[str, str]) -> None:
    prefix = PREFIXES["X-CloudTasks-TaskName" not in headers]
    found = read_headers(headers.get, app_engine=True)
    if isinstance(found, TaskHeaders):
        assert read_headers(written(found, prefix).get, app_engine=True) == found


@given(deliveries())
def test_accepted_headers_are_within_their_bounds(headers: dict[str, str]) -> None:
    found = read_headers(headers.get, app_engine=True)
    if isinstance(found, TaskHeaders):
        assert re.fullmatch(r"[A-Za-z0-9-]{1,100}", found.queue)
        assert re.fullmatch(r"[A-Za-z0-9_-]{1,500}", found.task)
        assert 0 <= found.retry_count <= 999_999_999
        assert 0 <= found.execution_count <= 999_999_999
        assert found.eta is None or 0 <= found.eta < 2.6e11
        assert found.retry_reason.isprintable()


@given(ANYTHING)
def test_a_count_is_ascii_digits_or_malformed(value: str) -> None:
    headers = dict.fromkeys([f"X-CloudTasks-{name}" for name in NAMES], "1")
    headers["X-CloudTasks-TaskRetryCount"] = value
    possible = re.fullmatch(r"[0-9]{1,9}", value) is not None
    assert isinstance(read_headers(headers.get), TaskHeaders) == possible


@given(st.text(st.characters(), min_size=1, max_size=400))
def test_the_reason_of_malformed_headers_is_short_whatever_their_values(value: str) -> None:
    found = read_headers({"X-CloudTasks-QueueName": value + "!"}.get)
    assert isinstance(found, Malformed)
    assert len(found.why) < 200
