"""`make soak`: thousands of tasks under random faults of every kind, and a seed that repeats them."""

from __future__ import annotations

import argparse
import random
import sys
import time
from collections import Counter
from collections.abc import Iterator, Sequence

from tests.faults.checker import problems
from tests.faults.emulator import emulated
from tests.faults.history import Expectation, History
from tests.faults.http_proxy import HALF
from tests.faults.nemesis import Nemesis
from tests.faults.play import Play
from tests.faults.random_faults import on_the_way
from tests.faults.stage import Setup, Stage
from tests.faults.tcp_proxy import Fault
from tests.faults.terminal import end_in_order, say
from tests.faults.timeline import timeline

TIMEOUT_SECONDS = 330.0
"""Seconds for all of it."""

CALM_SECONDS = 60.0
"""Seconds of these that are left for what is still under way once nothing goes wrong any more."""

SHOWN = 3
"""Tasks whose timeline is printed when something is wrong."""

TROUBLE = {"concurrent": 0.05, "duplicate": 0.05, "late_duplicate": 0.03, "drop_reply": 0.03}


def main(arguments: Sequence[str] | None = None) -> int:
    """Play it; 0 if nothing was lost and nothing was completed twice."""
    asked = _parser().parse_args(arguments)
    end_in_order()
    seed = asked.seed or random.SystemRandom().randrange(1, 1 << 31)
    say(f"seed {seed}: {asked.tasks} tasks on {asked.ledger}")
    with emulated(needed=asked.ledger == "firestore") as emulator:
        if asked.ledger == "firestore" and not emulator:
            return 1
        setup = Setup(settings=(("BENCH_RANDOM_FAULTS", str(seed)), ("BENCH_INTERFERENCE", "1")))
        with Stage(setup, emulator=emulator, sabotage=asked.sabotage, seed=seed) as stage:
            return _judge(_soak(stage, asked.tasks, seed), seed)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m tests.faults.soak", description=__doc__)
    parser.add_argument(
        "--tasks", type=int, default=5000, metavar="N", help="how many (default: %(default)s)"
    )
    parser.add_argument("--seed", type=int, default=0, help="of all chance (default: a new one)")
    parser.add_argument(
        "--ledger", choices=("sqlite", "firestore"), default="sqlite", help="(default: %(default)s)"
    )
    parser.add_argument(
        "--sabotage", default="", metavar="NAME", help="weaken the product so: see --list of the bench"
    )
    return parser


def _soak(stage: Stage, tasks: int, seed: int) -> History:
    play = Play(stage, "soak", timeout=CALM_SECONDS)
    play.queue(max_concurrent_dispatches=16, max_backoff=2.0)
    stage.http_proxy.meets = lambda task, number: _met(stage, seed, task, number)
    stage.queue.faults(**TROUBLE)
    began = time.monotonic()
    with Nemesis(stage, seed):
        for task in _expectations(play, tasks):
            play.send(task)
        while play.left() and time.monotonic() - began < TIMEOUT_SECONDS - CALM_SECONDS:
            play.rest(5)
            _show(stage, play, began)
    stage.queue.faults()
    play.finish()
    _show(stage, play, began)
    return play.history()


def _met(stage: Stage, seed: int, task: str, number: int) -> Fault | str:
    fault = on_the_way(seed, task, number)
    if fault is not Fault.NONE:
        stage.note("cut" if fault == HALF else str(fault), task)
    return fault


def _expectations(play: Play, tasks: int) -> Iterator[Expectation]:
    """Most are ordinary; some can only be rejected, some will hardly survive."""
    many = (0, 99)
    for number in range(tasks):
        match number % 25:
            case 0:
                yield play.expect(id=f"reject-{number}", end="rejected", runs=many)
            case 1:
                yield play.expect(id=f"frail-{number}", handler="frail", end="completed or dead", runs=many)
            case 2:
                yield play.expect(id=f"garbled-{number}", handler="weigh", end="rejected", runs=(0, 0))
            case 3 | 4:
                yield play.expect(id=f"parcel-{number}", handler="weigh", body=b'{"grams": 7}', runs=many)
            case _:
                yield play.expect(id=f"task-{number}", runs=many)


def _show(stage: Stage, play: Play, began: float) -> None:
    seconds, left = time.monotonic() - began, len(play.left())
    sent = sum(1 for _ in stage.queue.attempts())
    tasks = len(play.expectations)
    say(f"{seconds:6.1f} s  {tasks - left} of {tasks} tasks gone, {sent} requests")


def _judge(history: History, seed: int) -> int:
    wrong = problems(history)
    ends = Counter("none" if record is None else record.state.value for record in history.records.values())
    runs = Counter(Counter(event.task for event in history.events if event.what == "begun").values())
    faults = Counter(event.act.partition(":")[0] for event in history.events if event.act)
    faults.update(event.said for event in history.events if event.what == "bench")
    statuses = Counter(str(entry.status or "no answer") for entry in history.entries)
    for title, counted in (
        ("ends", ends),
        ("runs of a task", runs),
        ("answers", statuses),
        ("faults", faults),
    ):
        say(f"{title}: " + ", ".join(f"{what}: {count}" for what, count in sorted(counted.items(), key=str)))
    for problem in wrong[:50]:
        say(f"  WRONG  {problem}")
    for task in list(dict.fromkeys(problem.partition(":")[0] for problem in wrong))[:SHOWN]:
        say(timeline(_only(history, task)))
    lost = sum("LOST" in problem or "L1" in problem for problem in wrong)
    twice = sum("S1:" in problem for problem in wrong)
    tasks, deliveries = len(history.expectations), len(history.entries)
    say(f"{tasks} tasks, {deliveries} deliveries: {lost} lost, {twice} completed twice")
    say(
        f"seed {seed}: "
        + (f"{len(wrong)} problems; replay it with --seed {seed}" if wrong else "all is well")
    )
    return 1 if wrong else 0


def _only(history: History, task: str) -> History:
    """What is known of one task, and what happened to the whole stage."""
    return History(
        expectations=[expected for expected in history.expectations if expected.id == task],
        entries=[entry for entry in history.entries if entry.task == task],
        events=[event for event in history.events if event.task == task],
        records={task: history.records.get(task)},
        dead_letters={},
    )


if __name__ == "__main__":
    sys.exit(main())
