"""Faults at random: a function of the seed, the task, the delivery and the place, so a seed replays them."""

from __future__ import annotations

import random
import threading
from collections import Counter
from typing import TypeVar

from taskhandler.devqueue.faults import chance
from tests.faults.http_proxy import HALF
from tests.faults.tcp_proxy import Fault

T = TypeVar("T")

RATES: dict[str, tuple[tuple[str, float], ...]] = {
    "claim.sent": (("lose", 0.01), ("down", 0.01), ("slow:0.3", 0.005), ("crash", 0.004)),
    "claim.done": (("lose", 0.01), ("slow:2", 0.002), ("crash", 0.004)),
    "begun": (("fail", 0.04), ("retry", 0.01), ("limit", 0.002), ("slow:2.5", 0.005), ("exit", 0.001)),
    "effect": (("crash", 0.004), ("slow:0.2", 0.01)),
    "done": (("fail", 0.01), ("crash", 0.004)),
    "heartbeat.sent": (("lose", 0.05), ("down", 0.05)),
    "heartbeat.done": (("lose", 0.05),),
    "read.sent": (("down", 0.02),),
    "read.done": (("lose", 0.02),),
    "settle.sent": (("lose", 0.01), ("down", 0.01), ("slow:0.5", 0.005), ("crash", 0.004)),
    "settle.done": (("lose", 0.01), ("crash", 0.004)),
    "outcome": (("crash", 0.002),),
    "on_dead": (("fail", 0.1), ("crash", 0.02)),
    "mark_notified.sent": (("down", 0.1),),
    "keep_conflict.sent": (("lose", 0.1),),
    "hook.middleware": (("answer", 0.003), ("raise", 0.003)),
    "hook.open-session": (("raise", 0.003),),
    "hook.preprocess": (("raise", 0.003),),
    "hook.before": (("answer", 0.003), ("raise", 0.003), ("stream", 0.003)),
    "hook.blueprint-before": (("answer", 0.003), ("raise", 0.003)),
    "hook.error-page": (("raise", 0.1),),
    "hook.blueprint-error-page": (("raise", 0.1),),
    "hook.blueprint-after": (("answer", 0.01), ("raise", 0.01)),
    "hook.after": (("answer", 0.01), ("raise", 0.01), ("leave", 0.001)),
    "hook.save-session": (("raise", 0.01),),
    "hook.teardown": (("raise", 0.01),),
    "hook.blueprint-teardown": (("raise", 0.01),),
    "hook.middleware-after": (("raise", 0.01),),
}
"""What happens at each place, and how often."""

ON_THE_WAY: tuple[tuple[Fault | str, float], ...] = (
    (Fault.CUT_BEFORE, 0.01),
    (Fault.CUT_AFTER, 0.03),
    (HALF, 0.005),
)


class RandomFaults:
    """What chance does to the worker that has them.

    Args:
        seed: decides; 0 for a world without chance.
    """

    def __init__(self, seed: int) -> None:
        self._seed = seed
        self._here = threading.local()

    def begin(self, number: int) -> None:
        """This thread serves the `number`-th delivery of a task from now on."""
        self._here.number, self._here.times = number, Counter()

    def act(self, what: str, task: str) -> str:
        """What is to happen here and now."""
        if not self._seed:
            return ""
        times = self._times()
        times[what] += 1
        if what == "begun" and "reject" in task:
            return "reject"
        if what == "begun" and "frail" in task and self._draw("frail", task, times) < 0.5:
            return "fail"
        return _chosen(self._draw(what, task, times), RATES.get(what, ())) or ""

    def _times(self) -> Counter[str]:
        """How often this delivery has reached each place; a heartbeat's thread serves none."""
        times = getattr(self._here, "times", None)
        return times if isinstance(times, Counter) else Counter()

    def _draw(self, what: str, task: str, times: Counter[str]) -> float:
        number = getattr(self._here, "number", None)
        if number is None:
            return random.random()  # noqa: S311 - nothing secret
        return chance(self._seed, what, task, number, times[what])


def on_the_way(seed: int, task: str, number: int) -> Fault | str:
    """What happens to the `number`-th delivery of a task between the queue and the web server."""
    return _chosen(chance(seed, "way", task, number), ON_THE_WAY) or Fault.NONE


def _chosen(drawn: float, rates: tuple[tuple[T, float], ...]) -> T | None:
    for what, rate in rates:
        if drawn < rate:
            return what
        drawn -= rate
    return None
