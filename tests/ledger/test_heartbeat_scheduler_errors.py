"""What is logged of a heartbeat that raises, as a user's own storage may: little, and nothing forged."""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterator

import pytest

from taskhandler.ledger.heartbeat_scheduler import Heartbeats
from taskhandler.throttled_log import SILENCE_SECONDS
from tests.ledger.scripted_storage import TIMEOUT_SECONDS, Clock


class Failing:
    """A lease whose heartbeats raise one error after another, so many seconds apart; then it is `done`."""

    def __init__(self, *errors: Exception, clock: Clock, apart: float = 0.0) -> None:
        self.due = 0.0
        self.interval = 0.0
        self.done = threading.Event()
        self._errors: Iterator[Exception] = iter(errors)
        self._clock = clock
        self._apart = apart

    def renew(self) -> bool:
        self._clock.now += self._apart
        for error in self._errors:
            raise error
        self.interval = float("inf")
        self.due = float("inf")
        self.done.set()
        return False


class UnprintableError(Exception):
    def __str__(self) -> str:
        raise RuntimeError


def lines_of(caplog: pytest.LogCaptureFixture, *errors: Exception, apart: float = 0.0) -> list[str]:
    """What is logged of heartbeats that raise these."""
    clock = Clock()
    heartbeats, failing = Heartbeats(clock=clock), Failing(*errors, clock=clock, apart=apart)
    heartbeats.watch(failing)
    assert failing.done.wait(TIMEOUT_SECONDS)
    heartbeats.forget(failing)
    heartbeats.rest_and_wait(TIMEOUT_SECONDS)
    return [logging.Formatter("%(levelname)s %(message)s").format(record) for record in caplog.records]


def test_heartbeats_that_raise_the_same_error_have_one_line_a_minute(caplog: pytest.LogCaptureFixture):
    (line,) = lines_of(caplog, *(OSError(f"down {time}") for time in range(5)))
    assert line.startswith("ERROR a heartbeat failed\nTraceback (most recent call last):\n")
    assert line.endswith("OSError: down 0")


def test_heartbeats_that_raise_different_errors_have_a_line_for_each_type(caplog: pytest.LogCaptureFixture):
    lines = lines_of(caplog, OSError("down"), ValueError("no"), OSError("down"))
    assert [line.rpartition("\n")[2] for line in lines] == ["OSError: down", "ValueError: no"]


def test_a_line_about_heartbeats_says_how_many_were_left_out(caplog: pytest.LogCaptureFixture):
    lines = lines_of(caplog, *[OSError("down")] * 3, apart=SILENCE_SECONDS / 2)
    assert [line.partition("\n")[0] for line in lines] == [
        "ERROR a heartbeat failed",
        "ERROR a heartbeat failed (and 1 more before)",
    ]


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (RuntimeError("evil\nERROR forged \x1b[31m"), "RuntimeError: evil ERROR forged ?[31m"),
        (RuntimeError("z" * 100_000), f"RuntimeError: {'z' * 1999}…"),
        (UnprintableError(), "UnprintableError: (it cannot be printed)"),
    ],
)
def test_an_error_of_a_heartbeat_cannot_forge_a_line_or_flood_the_log(
    error: Exception, said: str, caplog: pytest.LogCaptureFixture
):
    (line,) = lines_of(caplog, error)
    assert line.startswith("ERROR a heartbeat failed\nTraceback (most recent call last):\n")
    assert line.endswith(f"\n{said}")
