"""The faults that the local queue causes on demand, and the deliveries that they affect.

Chance is a function of the seed, the fault and the delivery, not of the order of events: a run with the same
seed and the same task names has the same faults, however its threads interleave.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Annotated

from msgspec import Meta

from taskhandler.devqueue.names import short_id
from taskhandler.devqueue.options import between, option_types, read_options

Probability = Annotated[float, between(0, 1, "a probability")]
Seconds = Annotated[float, between(0, 86400, "seconds")]
Text = Annotated[str, Meta(description="a string")]
TaskIds = Annotated[tuple[str, ...], Meta(description="a list of task ids, which are strings")]
Attempts = Annotated[
    tuple[Annotated[int, Meta(ge=0)], ...], Meta(description="a list of attempt numbers, from 0")
]


class TokenFault(Enum):
    """What is wrong with a token. All but `BAD_SIGNATURE` and `UNKNOWN_KEY` have a valid signature."""

    EXPIRED = "expired"
    FUTURE = "future"
    WRONG_AUD = "wrong_aud"
    WRONG_ISS = "wrong_iss"
    WRONG_EMAIL = "wrong_email"
    UNKNOWN_KEY = "unknown_key"
    BAD_SIGNATURE = "bad_signature"
    NONE = "none"  # no Authorization header at all


ChosenToken = Annotated[
    TokenFault | None, Meta(description=f"one of {', '.join(fault.value for fault in TokenFault)}")
]


@dataclass(frozen=True, slots=True)
class Plan:
    """The faults of one delivery."""

    concurrent: bool = False
    duplicate: bool = False
    late_after: float | None = None
    drop_reply: bool = False
    deadline: float | None = None
    token: TokenFault | None = None

    @property
    def names(self) -> tuple[str, ...]:
        """The names of the faults, for the journal."""
        chosen = {
            "concurrent": self.concurrent,
            "duplicate": self.duplicate,
            "late_duplicate": self.late_after is not None,
            "drop_reply": self.drop_reply,
            "deadline": self.deadline is not None,
            f"token:{self.token.value if self.token else ''}": self.token is not None,
        }
        return tuple(name for name, is_chosen in chosen.items() if is_chosen)


@dataclass(frozen=True, slots=True)
class Faults:
    """The faults to cause.

    Attributes:
        concurrent: probability that a delivery is sent twice at the same time; the second answer is ignored.
        duplicate: probability that a completed task is delivered once more, with the same headers and token.
        late_duplicate: the same, but `late_after` seconds later.
        late_after: seconds.
        drop_reply: probability that the answer is awaited and then discarded, as if none had come.
        deadline: probability that the queue closes the connection after `deadline_after` seconds, while the
            handler runs on.
        deadline_after: seconds; a task's own `dispatch_deadline` is at least 15 s.
        token: what is wrong with the token (a `TokenFault` or its value); None: nothing.
        token_rate: probability of the fault in `token`.
        tasks: affect only tasks with these ids; empty: all.
        prefix: affect only tasks whose ids begin with it.
        attempts: affect only these attempts, numbered as in `X-CloudTasks-TaskRetryCount`; empty: all.
    """

    concurrent: Probability = 0.0
    duplicate: Probability = 0.0
    late_duplicate: Probability = 0.0
    late_after: Seconds = 1.0
    drop_reply: Probability = 0.0
    deadline: Probability = 0.0
    deadline_after: Seconds = 0.5
    token: ChosenToken = None
    token_rate: Probability = 1.0
    tasks: TaskIds = ()
    prefix: Text = ""
    attempts: Attempts = ()

    @classmethod
    def read(cls, chosen: Mapping[str, object]) -> Faults:
        """Return the faults of a mapping (JSON, keyword arguments); raises UsageError if one is not valid."""
        return cls(**read_options("fault", chosen, _TYPES))

    def plan(self, seed: int, task: str, number: int) -> Plan:
        """Choose the faults of attempt `number` of the task with the full name `task`."""
        if not self._affects(short_id(task), number):
            return Plan()

        def strikes(fault: str, rate: float) -> bool:
            return rate > 0 and (rate >= 1 or chance(seed, fault, task, number) < rate)

        return Plan(
            concurrent=strikes("concurrent", self.concurrent),
            duplicate=strikes("duplicate", self.duplicate),
            late_after=self.late_after if strikes("late_duplicate", self.late_duplicate) else None,
            drop_reply=strikes("drop_reply", self.drop_reply),
            deadline=self.deadline_after if strikes("deadline", self.deadline) else None,
            token=self.token if self.token and strikes("token", self.token_rate) else None,
        )

    def _affects(self, task_id: str, number: int) -> bool:
        named = not self.tasks or task_id in self.tasks
        return named and task_id.startswith(self.prefix) and (not self.attempts or number in self.attempts)


def chance(seed: int, *parts: object) -> float:
    """Return a number from 0 to below 1 that depends on the seed and the parts alone."""
    text = "/".join(str(part) for part in (seed, *parts))
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:6], "big") / 2.0**48


_TYPES = option_types(Faults)
