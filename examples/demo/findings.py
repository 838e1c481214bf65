"""What came of it: the shop's own record of effects, against what was wanted and what the ledger says."""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from examples.demo.orders import Wanted
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


def problems(found: Findings, wants: Iterable[Wanted], *, ledger: str, killed: int) -> Iterator[str]:
    """Everything that should not be. A task that the killed worker held may be done once more."""
    ends = {key.task: row.record.state.value for key, row in open_storage(ledger).scan()}
    known = set()
    for want in wants:
        known.add(want.name)
        done = len(found.done[want.name])
        held = killed in found.begun[want.name]
        if ends.get(want.name) != want.end:
            yield f"{want.name}: the ledger says {ends.get(want.name)}, {want.end} is wanted"
        if want.end == "completed" and not done:
            yield f"{want.name}: lost; it is not done"
        if want.end != "completed" and done:
            yield f"{want.name}: done, although it is {want.end}"
        if done > 1 + held:
            yield f"{want.name}: done {done} times"
        if found.completions[want.name] > 1:
            yield f"{want.name}: completed {found.completions[want.name]} times"
    for stranger in (found.begun.keys() | ends.keys()) - known:
        yield f"{stranger}: nobody wanted this"
