"""How the local queue misbehaves when told to: which faults meet which delivery.

Chance is a function of the seed, the fault and the delivery, not of the order of events: a run with the same
seed and the same task names meets the same faults, however its threads interleave.
"""

from __future__ import annotations

import difflib
import hashlib
import reprlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields
from enum import Enum
from typing import Any

from taskhandler.devqueue.names import short
from taskhandler.errors import UsageError

_LONGEST_GUESSED = 50  # characters: guessing costs the square


class TokenFault(Enum):
    """What is wrong with a token. All but `BAD_SIGNATURE` and `UNKNOWN_KEY` are properly signed."""

    EXPIRED = "expired"
    FUTURE = "future"
    WRONG_AUD = "wrong_aud"
    WRONG_ISS = "wrong_iss"
    WRONG_EMAIL = "wrong_email"
    UNKNOWN_KEY = "unknown_key"
    BAD_SIGNATURE = "bad_signature"
    NONE = "none"  # no Authorization header at all


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
    """What is to go wrong, each as a probability from 0 to 1.

    Attributes:
        concurrent: the delivery is sent twice at the same time; the copy's answer counts for nothing.
        duplicate: after the task has ended with a 2xx it is delivered once more, headers and token the same.
        late_duplicate: the same, `late_after` seconds later.
        late_after: seconds.
        drop_reply: the answer is waited for and thrown away: to the queue there was none.
        deadline: the queue stops waiting after `deadline_after` seconds; the handler runs on.
        deadline_after: seconds, instead of the task's `dispatch_deadline` of 15 s at least.
        token: the token is replaced by one with this fault (a `TokenFault` or its value).
        token_rate: how often it is.
        tasks: only these task ids; empty means all.
        prefix: only task ids that begin so.
        attempts: only these attempts, as `X-CloudTasks-TaskRetryCount` counts them, from 0; empty means all.
    """

    concurrent: float = 0.0
    duplicate: float = 0.0
    late_duplicate: float = 0.0
    late_after: float = 1.0
    drop_reply: float = 0.0
    deadline: float = 0.0
    deadline_after: float = 0.5
    token: TokenFault | None = None
    token_rate: float = 1.0
    tasks: tuple[str, ...] = ()
    prefix: str = ""
    attempts: tuple[int, ...] = ()

    @classmethod
    def read(cls, wanted: Mapping[str, object]) -> Faults:
        """Return the faults that a mapping (JSON, keyword arguments) names; UsageError says what is wrong."""
        read: dict[str, Any] = {key: _READERS[_known(key)](key, value) for key, value in wanted.items()}
        return cls(**read)

    def plan(self, seed: int, task: str, number: int) -> Plan:
        """Choose the faults of attempt `number` of the task with the full name `task`."""
        if not self._meets(short(task), number):
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

    def _meets(self, task_id: str, number: int) -> bool:
        named = not self.tasks or task_id in self.tasks
        return named and task_id.startswith(self.prefix) and (not self.attempts or number in self.attempts)


def chance(seed: int, *parts: object) -> float:
    """Return a number from 0 up to 1 that the seed and the parts decide."""
    text = "/".join(str(part) for part in (seed, *parts))
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:6], "big") / 2.0**48


def _known(key: str) -> str:
    if key in _READERS:
        return key
    near = difflib.get_close_matches(key[:_LONGEST_GUESSED], _READERS, n=1)
    raise UsageError(
        f"no fault is called {reprlib.repr(key)}" + (f"; did you mean {near[0]!r}?" if near else "")
    )


def _rate(key: str, value: object) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= 1:
        raise _problem(key, value, "a probability from 0 to 1")
    return float(value)


def _seconds(key: str, value: object) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= 86400:  # noqa: PLR2004 - a day
        raise _problem(key, value, "seconds from 0 to 86400")
    return float(value)


def _token(key: str, value: object) -> TokenFault | None:
    if value is None or isinstance(value, TokenFault):
        return value
    kinds = {fault.value: fault for fault in TokenFault}
    if not isinstance(value, str) or value not in kinds:
        raise _problem(key, value, f"one of {', '.join(kinds)}")
    return kinds[value]


def _text(key: str, value: object) -> str:
    if not isinstance(value, str):
        raise _problem(key, value, "a string")
    return value


def _texts(key: str, value: object) -> tuple[str, ...]:
    if not isinstance(value, list | tuple):
        raise _problem(key, value, "a list of task ids")
    return tuple(_text(key, each) for each in value)


def _numbers(key: str, value: object) -> tuple[int, ...]:
    if not isinstance(value, list | tuple) or not all(type(each) is int for each in value):
        raise _problem(key, value, "a list of attempt numbers")
    return tuple(value)


def _problem(key: str, value: object, rule: str) -> UsageError:
    # reprlib: what is wrong may be of any size and depth
    return UsageError(f"{key}={reprlib.repr(value)}: must be {rule}")


_READERS: dict[str, Callable[[str, object], object]] = {field.name: _rate for field in fields(Faults)} | {
    "late_after": _seconds,
    "deadline_after": _seconds,
    "token": _token,
    "tasks": _texts,
    "prefix": _text,
    "attempts": _numbers,
}
