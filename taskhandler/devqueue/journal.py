"""The requests that the queue has sent, and sums."""

from __future__ import annotations

from collections import Counter, deque
from dataclasses import asdict, dataclass

_KEPT_ENTRIES = 50_000


@dataclass(slots=True)
class Entry:
    """One request. `kind`: delivery, concurrent, duplicate, late_duplicate; times: seconds since 1970."""

    queue: str
    task: str
    number: int
    kind: str
    faults: tuple[str, ...]
    sent: float
    ended: float | None = None
    status: int | None = None
    error: str | None = None


class Journal:
    """The latest requests in the order in which they were sent, and sums since the start."""

    def __init__(self, kept: int = _KEPT_ENTRIES) -> None:
        """`kept`: how many requests are remembered."""
        self._entries: deque[Entry] = deque(maxlen=kept)
        self._sums: Counter[str] = Counter()

    def write(self, entry: Entry) -> None:
        """Add a request that is being sent; its outcome is written into the entry later."""
        self._entries.append(entry)
        self._sums[entry.kind] += 1

    def count(self, word: str) -> None:
        """Add one to a sum."""
        self._sums[word] += 1

    def attempts(self, task_id: str | None = None) -> list[dict[str, object]]:
        """Return copies of the entries, of one task or of all."""
        return [asdict(entry) for entry in self._entries if task_id in (None, entry.task)]

    def sums(self) -> dict[str, int]:
        """Return the sums by word."""
        return dict(self._sums)
