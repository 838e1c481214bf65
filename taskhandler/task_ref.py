"""A task as its producer knows it."""

from __future__ import annotations

from msgspec import Struct


class TaskRef(Struct, frozen=True):
    """What `Handler.enqueue` returns.

    Attributes:
        id: the task's id within its queue.
        name: its full name, `projects/…/locations/…/queues/…/tasks/…`; also what `str` gives.
        created: whether this call created it; False where a task of that name was there already, or was a
            short time ago. That one keeps its handler and its payload, whatever this call asked for.
    """

    id: str
    name: str
    created: bool

    def __str__(self) -> str:
        """The full name."""
        return self.name
