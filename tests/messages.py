"""Every text of the package that people may meet, in errors, logs and answers: `python -m tests.messages`.

A text is a string with a space in it that is not a docstring, an SQL statement or a pattern; `{}` stands for
what a value fills in.
"""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from tests.mirror import ROOT


class Message(NamedTuple):
    """A text, and where it stands."""

    place: str
    text: str


def main() -> None:
    """Print the texts, by file."""
    for message in messages():
        sys.stdout.write(f"{message.place}: {message.text}\n")


def messages() -> list[Message]:
    """The texts of the package, in the order of its files."""
    files = sorted((ROOT / "taskhandler").rglob("*.py"))
    return [message for file in files for message in _in_file(file)]


def _in_file(file: Path) -> Iterator[Message]:
    tree = ast.parse(file.read_text())
    for node, text in _texts(tree):
        if " " in text.strip():
            yield Message(f"{file.relative_to(ROOT)}:{node.lineno}", text)


def _texts(node: ast.AST) -> Iterator[tuple[ast.expr, str]]:
    match node:
        case ast.Expr(value=ast.Constant()):  # a docstring
            return
        case ast.Constant(value=str(text)):
            yield node, text
        case ast.JoinedStr(values=parts):
            yield node, "".join(str(part.value) if isinstance(part, ast.Constant) else "{}" for part in parts)
            for part in parts:
                if isinstance(part, ast.FormattedValue):
                    yield from _texts(part.value)
        case _:
            for child in ast.iter_child_nodes(node):
                yield from _texts(child)


if __name__ == "__main__":
    main()
