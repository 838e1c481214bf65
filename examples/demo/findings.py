"""What happened: the shop's own record of effects, compared with what was planned and with the ledger."""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from examples.demo.orders import PlannedTask
from taskhandler.ledger.opening import open_storage


@dataclass
class Findings:
    """The shop's record, added up.

    Attributes:
        begun, done: by task, the processes that began and did its work.
        outcomes: how many deliveries came to what, by handler.
        completions: by task, how often it was said to be completed.
    """

    begun: dict[str, list[int]] = field(default_factory=lambda: defaultdict(list))
    done: dict[str, list[int]] = field(default_factory=lambda: defaultdict(list))
    outcomes: Counter[tuple[str, str]] = field(default_factory=Counter)
    completions: Counter[str] = field(default_factory=Counter)


def read(effects: Path) -> Findings:
    """Read the shop's record as far as it has been written."""
    found = Findings()
    if not effects.exists():
        return found
    whole, _, _ = effects.read_text().rpartition("\n")  # a line may be in the writing
    for line in whole.splitlines():
        entry = json.loads(line)
        if entry["what"] == "outcome":
            found.outcomes[entry["handler"], entry["outcome"]] += 1
            found.completions[entry["task"]] += entry["outcome"] == "completed"
        else:
            kept = found.begun if entry["what"] == "begun" else found.done
            kept[entry["task"]].append(entry["pid"])
    return found


def problems(found: Findings, plan: Iterable[PlannedTask], *, ledger: str, killed: int) -> Iterator[str]:
    """Everything that should not be. A task that the killed worker held may be done once more."""
    ends = {key.task: row.record.state.value for key, row in open_storage(ledger).scan()}
    known = set()
    for planned in plan:
        known.add(planned.name)
        done = len(found.done[planned.name])
        held = killed in found.begun[planned.name]
        if ends.get(planned.name) != planned.end:
            yield f"{planned.name}: the ledger says {ends.get(planned.name)} instead of {planned.end}"
        if planned.end == "completed" and not done:
            yield f"{planned.name}: lost; it is not done"
        if planned.end != "completed" and done:
            yield f"{planned.name}: done, although it is {planned.end}"
        if done > 1 + held:
            yield f"{planned.name}: done {done} times"
        if found.completions[planned.name] > 1:
            yield f"{planned.name}: completed {found.completions[planned.name]} times"
    for unplanned in (found.begun.keys() | ends.keys()) - known:
        yield f"{unplanned}: this task was not planned"
