"""A slow way holds up each chunk for itself, keeps their order and loses none."""

from __future__ import annotations

from tests.faults.delay_line import DelayLine


class Clock:
    """Seconds that pass when they are waited for."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now

    def wait(self, seconds: float) -> None:
        self.now += seconds


def arrivals(line: DelayLine, clock: Clock) -> list[tuple[float, bytes]]:
    return [(clock.now, chunk) for chunk in line]


def test_a_chunk_that_follows_another_is_as_late_as_that_and_no_later():
    clock = Clock()
    line = DelayLine(lambda: 2.0, clock=clock, wait=clock.wait)
    for moment, chunk in ((0.0, b"a"), (0.5, b"b"), (0.5, b"c"), (3.0, b"")):
        clock.now = moment
        line.put(chunk)
    clock.now = 0.0
    assert arrivals(line, clock) == [(2.0, b"a"), (2.5, b"b"), (2.5, b"c")]
    assert clock.now == 5.0


def test_a_chunk_with_a_shorter_delay_does_not_overtake_the_one_before():
    clock = Clock()
    delays = iter([2.0, 0.5, 3.0, 0.0])
    line = DelayLine(lambda: next(delays), clock=clock, wait=clock.wait)
    for chunk in (b"a", b"b", b"c", b""):
        line.put(chunk)
    assert arrivals(line, clock) == [(2.0, b"a"), (2.0, b"b"), (3.0, b"c")]
