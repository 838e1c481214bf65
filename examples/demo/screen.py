"""What a person sees of the demo."""

from __future__ import annotations

import sys
import time
from collections import Counter
from pathlib import Path

from examples.demo.findings import Findings, read

OUTCOMES = (
    "completed",
    "duplicate",
    "in-flight",
    "retry",
    "rejected",
    "dead",
    "unavailable",
    "malformed",
    "unauthenticated",
    "forbidden",
)
HANDLERS = ("charge-order", "send-receipt", "make-thumbnail")


class Screen:
    """Shows how far it is: on a terminal one line that changes, else a line every two seconds."""

    def __init__(self, effects: Path, *, tasks: int) -> None:
        self._effects = effects
        self._tasks = tasks
        self._began = time.monotonic()
        self._shown = 0.0
        self._live = sys.stdout.isatty()

    @property
    def seconds(self) -> float:
        """Since the beginning."""
        return time.monotonic() - self._began

    def show(self) -> None:
        """Say how far it is, unless that has just been said."""
        if self.seconds - self._shown < (0.2 if self._live else 2):
            return
        self._shown = self.seconds
        found = read(self._effects)
        by_outcome: Counter[str] = Counter()
        for (_, outcome), count in found.outcomes.items():
            by_outcome[outcome] += count
        counts = ", ".join(f"{by_outcome[outcome]} {outcome}" for outcome in OUTCOMES if by_outcome[outcome])
        line = f"{self.seconds:5.1f} s  {sum(map(bool, found.done.values()))}/{self._tasks} done; {counts}"
        print(f"\r{line:<120.120}" if self._live else line, end="" if self._live else "\n", flush=True)

    def say(self, text: str) -> None:
        """Print a line of its own."""
        print(f"\r{text:<120}" if self._live else text, flush=True)


def table(found: Findings) -> str:
    """How many deliveries came to what, by handler."""
    lines = [f"{'deliveries':<18}" + "".join(f"{handler:>16}" for handler in HANDLERS)]
    for outcome in OUTCOMES:
        counts = [found.outcomes[handler, outcome] for handler in HANDLERS]
        if any(counts):
            lines.append(f"{outcome:<18}" + "".join(f"{count or '·':>16}" for count in counts))
    return "\n".join(lines)
