"""Tracebacks for a log: bounded, and with messages that cannot pretend to be other lines of it."""

from __future__ import annotations

import traceback
from collections.abc import Iterator

from taskhandler.text import one_line

LONGEST_MESSAGE = 2_000
"""Characters of an error's message that are logged."""

MOST_FRAMES = 60
"""Innermost frames of an error whose message had to be cleaned."""


def chain_of(error: BaseException | None) -> list[BaseException]:
    """The error, and those that belong to it: causes, contexts, and the members of groups."""
    chain: list[BaseException] = []
    left = [error]
    while left:
        one = left.pop()
        if one is not None and not any(one is other for other in chain):
            chain.append(one)
            left += [one.__context__, one.__cause__, *getattr(one, "exceptions", ())]
    return chain


def is_behind(error: BaseException | None, later: BaseException | None) -> bool:
    """Whether `error` is `later`, or in its chain."""
    return error is not None and any(error is one for one in chain_of(later))


def is_loggable(error: BaseException) -> bool:
    """Whether Python's own traceback of the error is fit for a log."""
    return all(_is_plain(said) for one in chain_of(error) for said in (one, *_notes(one)))


def cleaned(error: BaseException) -> str:
    """The traceback of the error and of its causes, each message on one line."""
    parts = [_one(one) for one in reversed(chain_of(error))]
    return "\n\nAnother error followed:\n\n".join(parts)


def _one(error: BaseException) -> str:
    frames = "".join(traceback.format_tb(error.__traceback__, limit=-MOST_FRAMES))
    message = one_line(error, limit=LONGEST_MESSAGE)
    return f"Traceback (most recent call last):\n{frames}{type(error).__qualname__}: {message}"


def _notes(error: BaseException) -> Iterator[object]:
    notes = getattr(error, "__notes__", ())
    return iter(notes if isinstance(notes, list | tuple) else ())


def _is_plain(said: object) -> bool:
    try:
        text = str(said)
    except Exception:  # noqa: BLE001 - an error whose own __str__ raises is cleaned
        return False
    return len(text) <= LONGEST_MESSAGE and text.isprintable()
