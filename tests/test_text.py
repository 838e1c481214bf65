"""Tests of `taskhandler.text`."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from taskhandler.errors import Interrupted
from taskhandler.text import mask_url, one_line


class UnprintableError(Exception):
    def __str__(self) -> str:
        raise RuntimeError


class EndingError(Exception):
    def __str__(self) -> str:
        raise self.args[0]


@pytest.mark.parametrize("end", [SystemExit(1), GeneratorExit(), Interrupted("fenced"), RecursionError()])
def test_a_text_whose_str_raises_cannot_be_printed_whatever_it_raises(end: BaseException) -> None:
    assert one_line(EndingError(end), limit=100) == "(it cannot be printed)"


def test_a_ctrl_c_within_a_str_is_raised() -> None:
    with pytest.raises(KeyboardInterrupt):
        one_line(EndingError(KeyboardInterrupt()), limit=100)


@pytest.mark.parametrize(
    ("said", "line"),
    [
        ("no such order", "no such order"),
        ("no such order A7\n2026-01-01 ERROR forged", "no such order A7 2026-01-01 ERROR forged"),
        ("\x1b[2J\x1b]0;title\x07", "?[2J?]0;title?"),
        ("a\u2028b\u2029c", "a b c"),
        ("\u202egnp.exe", "?gnp.exe"),
        ("half \ud800 surrogate", "half ? surrogate"),
        ("\x00", "?"),
        ("", ""),
        (ValueError("x\r\ny"), "x y"),
        (UnprintableError(), "(it cannot be printed)"),
    ],
)
def test_control_characters_are_replaced(said: object, line: str) -> None:
    assert one_line(said, limit=100) == line


def test_a_long_text_is_cut_and_says_so() -> None:
    assert one_line("x" * 200, limit=10) == "x" * 9 + "…"
    assert one_line(" " * 200 + "x", limit=10) == "…"


@given(st.text(st.characters(codec=None)), st.integers(1, 50))
def test_any_text_becomes_one_printable_line_within_the_limit(text: str, limit: int) -> None:
    line = one_line(text, limit=limit)
    assert line.isprintable()
    assert len(line) <= limit
    assert line.encode().decode() == line


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("sqlite:///var/ledger.db", "sqlite:///var/ledger.db"),
        (
            "sqlite:///var/a:b@c.db?mode=0600&synchronous=full",
            "sqlite:///var/a:b@c.db?mode=***&synchronous=***",
        ),
        ("postgres://user:secret@host/ledger", "postgres://user:***@host/ledger"),
        ("postgres://user:s/ec:r?e#t@x@host/ledger", "postgres://user:***@host/ledger"),
        ("postgres://:secret@host/", "postgres://***@host/"),
        ("firestore://token@project?key=a=b;other=c&flag", "firestore://***@project?key=***;other=***&flag"),
        ("https://host/?key=secret", "https://host/?key=***"),
        ("memory://", "memory://"),
        ("not a URL: 5 > 4", "not a URL: 5 > 4"),
        ("", ""),
    ],
)
def test_passwords_and_values_of_a_query_are_masked(url: str, shown: str) -> None:
    assert mask_url(url) == shown


@given(st.text(), st.text(st.characters(exclude_characters="&;#"), min_size=4))
def test_any_text_can_be_masked(text: str, secret: str) -> None:
    assert secret not in mask_url(f"https://host/?key={secret}&{text}").partition("&")[0].removeprefix(
        "https:"
    )
