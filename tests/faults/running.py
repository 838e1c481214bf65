"""Plays scenarios, a few stages at a time, and reports the result of each as soon as it is known."""

from __future__ import annotations

import threading
import time
import traceback
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor

from msgspec import Struct

from tests.faults.checker import problems
from tests.faults.history import History
from tests.faults.play import Play
from tests.faults.scenario import Scenario
from tests.faults.stage import Setup, Stage
from tests.faults.timeline import timeline

CHUNK = 12
"""Plays of one stage; more of one setup are spread over several."""


class Part(Struct, frozen=True):
    """A scenario to be played on a ledger (`emulator`: the address of Firestore's, empty for SQLite)."""

    scenario: Scenario
    emulator: str = ""
    sabotage: str = ""
    timeout: float = 20.0

    @property
    def ledger(self) -> str:
        """Its name."""
        return "firestore" if self.emulator else "sqlite"


class Result(Struct, frozen=True):
    """How a part ended."""

    part: Part
    wrong: list[str]
    history: History
    seconds: float

    @property
    def line(self) -> str:
        """The one line for people."""
        runs = sum(event.what == "begun" for event in self.history.events)
        statuses = " ".join(str(entry.status or "-") for entry in self.history.entries[:12])
        more = "…" if len(self.history.entries) > 12 else ""
        verdict = "RED  " if self.wrong else "green"
        name = f"{self.part.scenario.name} ({self.part.ledger})"
        return f"{verdict} {name:<62} {self.seconds:5.1f} s  {runs} runs  {statuses}{more}"

    @property
    def evidence(self) -> str:
        """What is wrong and how it came to that."""
        wrong = "\n".join(f"  WRONG  {each}" for each in self.wrong)
        return f"  expected: {self.part.scenario.expected}\n{wrong}\n{timeline(self.history)}\n"


def play(
    parts: Iterable[Part], *, jobs: int, report: Callable[[Result], None], seed: int = 0
) -> list[Result]:
    """Play all parts, `jobs` stages at a time; `report` is called with each result, one at a time."""
    lock = threading.Lock()

    def report_alone(result: Result) -> None:
        with lock:
            report(result)

    with ThreadPoolExecutor(jobs) as pool:
        futures = [pool.submit(_play_group, group, report_alone, seed) for group in _groups(parts)]
        return [result for future in futures for result in future.result()]


def _groups(parts: Iterable[Part]) -> Iterator[list[Part]]:
    """Parts that can share a stage."""
    alike: defaultdict[tuple[Setup, str, str], list[Part]] = defaultdict(list)
    for part in parts:
        alike[part.scenario.setup, part.emulator, part.sabotage].append(part)
    for group in alike.values():
        for at in range(0, len(group), CHUNK):
            yield group[at : at + CHUNK]


def _play_group(group: list[Part], report: Callable[[Result], None], seed: int) -> list[Result]:
    results: list[Result] = []
    left = list(group)
    while left:
        first = left[0]
        try:
            with Stage(
                first.scenario.setup, emulator=first.emulator, sabotage=first.sabotage, seed=seed
            ) as stage:
                while left:
                    results.append(_play(stage, left.pop(0)))
                    report(results[-1])
                    if not stage.whole():
                        break  # the next ones get a stage of their own
        except Exception:  # noqa: BLE001 - a stage that does not come up is a red play, not the bench's end
            results.append(Result(first, [traceback.format_exc()], _nothing(), 0.0))
            report(results[-1])
            left = [part for part in left if part is not first]
    return results


def _play(stage: Stage, part: Part) -> Result:
    began = time.monotonic()
    play = Play(stage, part.scenario.name.replace("@", "-"), timeout=part.timeout)
    try:
        try:
            part.scenario.act(play)
        except Exception as error:  # noqa: BLE001 - whatever stops a scenario makes it red
            play.wrong.append(f"{type(error).__name__}: {error}")
            play.calm()  # what is parked is not waited for
        play.finish()
        history = play.history()
    finally:
        play.close()
    return Result(part, problems(history), history, time.monotonic() - began)


def _nothing() -> History:
    return History(expectations=[], entries=[], events=[], records={}, dead_letters={})
