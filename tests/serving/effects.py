"""What handlers really did, kept apart from any ledger: lines appended to a file."""

from __future__ import annotations

import json
import os
import time
from pathlib import Path

from msgspec import Struct


class Effect(Struct, frozen=True):
    """Something that was done for a task, by which attempt, in which process; `at` is monotonic seconds."""

    what: str
    task: str
    attempt: int
    detail: str
    pid: int
    at: float


def write(path: str, what: str, task: str, attempt: int = 0, detail: str = "") -> None:
    """Append a line: one write, which outlives the process even if that is killed right afterwards."""
    line = json.dumps([what, task, attempt, detail, os.getpid(), time.monotonic()]).encode() + b"\n"
    file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
    try:
        os.write(file, line)
    finally:
        os.close(file)


def read(path: Path) -> list[Effect]:
    """All that has been done so far, in its order."""
    if not path.exists():
        return []
    whole, _, _ = path.read_text().rpartition("\n")  # a line may be in the writing
    return [Effect(*json.loads(line)) for line in whole.splitlines()]
