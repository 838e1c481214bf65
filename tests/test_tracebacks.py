"""Tracebacks for a log: Python's own where it is fit for one, else with cleaned messages."""

from __future__ import annotations

import builtins
import itertools
import sys
from typing import Any

import pytest

from taskhandler.tracebacks import (
    LONGEST_MESSAGE_CHARACTERS,
    clean_traceback,
    is_behind,
    is_loggable,
    list_chain,
)


class UnprintableError(Exception):
    def __str__(self) -> str:
        raise RuntimeError


def caught(*errors: Exception) -> Exception:
    """The last of the errors, each raised while the one before was handled."""
    for before, error in itertools.pairwise(errors):
        error.__context__ = before
    with pytest.raises(type(errors[-1])) as found:
        raise_it(errors[-1])
    return found.value


def raise_it(error: Exception) -> None:
    raise error


@pytest.mark.parametrize("error", [ValueError("no"), ValueError(), KeyError("a\nb")])
def test_an_ordinary_error_is_loggable_as_it_is(error: Exception):
    assert is_loggable(caught(error))


@pytest.mark.parametrize(
    "error",
    [
        ValueError("a\nb"),
        ValueError("\x1b[2J"),
        ValueError("x" * (LONGEST_MESSAGE_CHARACTERS + 1)),
        UnprintableError(),
    ],
)
def test_a_message_that_could_forge_a_log_line_is_cleaned_anywhere_in_the_chain(error: Exception):
    for chain in ([error], [error, KeyError("later")]):
        later = caught(*chain)
        assert not is_loggable(later)
        text = clean_traceback(later)
        assert len(text) < 3 * LONGEST_MESSAGE_CHARACTERS
        assert text.replace("\n", "").isprintable()
        assert "in raise_it" in text
        assert type(error).__name__ in text


def test_a_note_of_an_error_is_cleaned_too():
    error = caught(ValueError("no"))
    error.__notes__ = ["a\nb"]  # type: ignore[attr-defined]  # as add_note does, from Python 3.11 on
    assert not is_loggable(error)


def test_the_chain_of_an_error_has_all_its_causes_and_contexts():
    first, second, third = ValueError(), KeyError(), TypeError()
    second.__context__ = first
    third.__cause__ = second
    first.__context__ = third  # a ring
    assert set(list_chain(third)) == {first, second, third}
    assert list_chain(None) == []
    assert is_behind(first, third)
    assert not is_behind(None, third)
    assert not is_behind(ValueError(), third)


def test_a_recursion_error_becomes_a_bounded_text():
    def down() -> None:
        down()

    with pytest.raises(RecursionError) as found:
        down()
    assert len(clean_traceback(found.value).splitlines()) < 200


class OddError(Exception):
    """One whose class has something else where errors have their causes, members and notes."""

    exceptions = 5
    __context__ = 7  # type: ignore[assignment]  # odd
    __cause__ = "no"  # type: ignore[assignment]  # odd

    @property
    def __notes__(self) -> list[str]:
        raise RuntimeError


def test_an_error_of_an_odd_class_is_logged_cleaned():
    error = OddError("x")
    assert list_chain(error) == [error]
    assert is_behind(error, error)
    assert is_loggable(error)
    assert clean_traceback(error).endswith("OddError: x")


def test_an_endless_chain_of_errors_becomes_a_bounded_text_in_bounded_time():
    error: Exception = ValueError("x" * LONGEST_MESSAGE_CHARACTERS)
    for _ in range(5_000):
        later = ValueError("x" * LONGEST_MESSAGE_CHARACTERS)
        later.__context__ = error
        error = later
    assert not is_loggable(error)
    assert len(clean_traceback(error)) < 30_000
    assert "more errors before" in clean_traceback(error)


@pytest.mark.skipif(sys.version_info < (3, 11), reason="groups came with Python 3.11")
def test_a_group_of_thousands_of_errors_becomes_a_bounded_text():
    group_of: Any = getattr(builtins, "ExceptionGroup", None)
    group = group_of("many", [ValueError(f"line\n{number}") for number in range(12_000)])
    assert not is_loggable(group)
    assert len(clean_traceback(group)) < 30_000
    assert is_behind(group.exceptions[500], group)
