"""Tracebacks for a log: bounded, and with messages that cannot pretend to be other lines of it."""

from __future__ import annotations

import builtins
import traceback
from itertools import islice
from typing import Any

from taskhandler.text import one_line, try_str

LONGEST_MESSAGE_CHARACTERS = 2_000
"""Characters of an error's message that are logged."""

LONGEST_LINE_CHARACTERS = 300
"""Characters of a line of source code that are logged."""

MOST_FRAMES = 60
"""Innermost frames of an error whose message had to be cleaned."""

MOST_LOGGED_ERRORS = 10
"""Errors of one chain that are logged. The others are counted."""

MOST_VISITED_ERRORS = 1_000
"""Errors of one chain that are looked at."""

_GROUP: Any = getattr(builtins, "BaseExceptionGroup", None)
"""Groups of errors, from Python 3.11 on."""

# Their own descriptors: a class of a user's may have something else of these names.
_CONTEXT: Any = BaseException.__dict__["__context__"]
_CAUSE: Any = BaseException.__dict__["__cause__"]


def list_chain(error: BaseException | None) -> list[BaseException]:
    """The error, and those that it stands for: causes, contexts, and the members of groups. Never raises."""
    chain: dict[int, BaseException] = {}
    left: list[object] = [error]
    while left and len(chain) < MOST_VISITED_ERRORS:
        one = left.pop()
        if isinstance(one, BaseException) and id(one) not in chain:
            chain[id(one)] = one
            left += [_CONTEXT.__get__(one), _CAUSE.__get__(one), *_list_members(one)]
    return list(chain.values())


def is_behind(error: BaseException | None, later: BaseException | None) -> bool:
    """Whether `later` is `error`, or stands for it: whatever shows `later` shows `error`, too."""
    return error is not None and any(error is one for one in list_chain(later))


def is_loggable(error: BaseException) -> bool:
    """Whether Python's own traceback of the error is fit for a log."""
    chain = list_chain(error)
    return len(chain) <= MOST_LOGGED_ERRORS and all(
        _is_plain(said) for one in chain for said in (one, *_list_notes(one))
    )


def clean_traceback(error: BaseException) -> str:
    """The traceback of the error and of its causes, each message on one line."""
    chain = list_chain(error)
    parts = [_clean_error(one) for one in reversed(chain[:MOST_LOGGED_ERRORS])]
    if len(chain) > MOST_LOGGED_ERRORS:
        parts.insert(0, f"({len(chain) - MOST_LOGGED_ERRORS} more errors before)")
    return "\n\nAnother error followed:\n\n".join(parts)


def _clean_error(error: BaseException) -> str:
    lines = "".join(traceback.format_tb(error.__traceback__, limit=-MOST_FRAMES)).splitlines()
    frames = "".join(f"{line[:LONGEST_LINE_CHARACTERS]}\n" for line in lines)
    message = one_line(error, limit=LONGEST_MESSAGE_CHARACTERS)
    return f"Traceback (most recent call last):\n{frames}{type(error).__qualname__}: {message}"


def _list_members(error: BaseException) -> list[object]:
    if _GROUP is None or not isinstance(error, _GROUP):
        return []
    return list(islice(_GROUP.exceptions.__get__(error), MOST_VISITED_ERRORS))


def _list_notes(error: BaseException) -> list[object]:
    try:
        notes = getattr(error, "__notes__", ())
        return list(islice(notes, MOST_LOGGED_ERRORS)) if isinstance(notes, list | tuple) else []
    except Exception as raised:  # noqa: BLE001 - of a class of the user's
        return [raised]


def _is_plain(said: object) -> bool:
    text = try_str(said)
    return text is not None and len(text) <= LONGEST_MESSAGE_CHARACTERS and text.isprintable()
