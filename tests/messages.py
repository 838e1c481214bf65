"""Every text of the package that people may meet, in errors, logs and answers: `python -m tests.messages`.

A text is a string with a space in it that is neither a docstring nor SQL, nor of several lines, as
templates are. `{}` stands for a value.
"""

from __future__ import annotations

import ast
import re
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import NamedTuple

from tests.mirror import ROOT

SQL = re.compile(r"(SELECT|INSERT|UPDATE|DELETE|CREATE|PRAGMA|BEGIN|SAVEPOINT|ROLLBACK|RELEASE) ")
LEVELS = frozenset({"debug", "info", "warning", "error", "exception", "critical", "log"})


class Message(NamedTuple):
    """A text: where it stands, what it is (an error, a line of a log, or a part of one), and what it says."""

    place: str
    kind: str
    text: str

    def __str__(self) -> str:
        return f"{self.place}: {self.kind}: {self.text}"


def main() -> None:
    """Print the texts, by file."""
    for message in messages():
        line = f"{message}\n".encode(errors="backslashreplace")
        sys.stdout.buffer.write(line)


def messages() -> list[Message]:
    """The texts of the package, in the order of its files."""
    return [
        Message(f"{file.relative_to(ROOT)}:{line}", kind, text)
        for file, tree in trees()
        for line, kind, text in _texts(tree, "part")
        if " " in text.strip() and "\n" not in text.strip() and not SQL.match(text)
    ]


def trees() -> Iterator[tuple[Path, ast.Module]]:
    """Every file of the package, parsed."""
    for file in sorted((ROOT / "taskhandler").rglob("*.py")):
        yield file, ast.parse(file.read_text())


def _texts(node: ast.AST, kind: str) -> Iterator[tuple[int, str, str]]:
    match node:
        case ast.Expr(value=ast.Constant()):  # a docstring
            return
        case ast.Constant(value=str(text)):
            yield node.lineno, kind, text
        case ast.JoinedStr(values=parts):
            said = [str(part.value) if isinstance(part, ast.Constant) else "{}" for part in parts]
            yield node.lineno, kind, "".join(said)
            yield from _of_children(part for part in parts if isinstance(part, ast.FormattedValue))
        case ast.Raise(exc=ast.Call() as call):
            yield from _of_children(call.args, "error")
            yield from _of_children(call.keywords)
        case ast.Call(func=ast.Attribute(attr=level)) if level in LEVELS:
            yield from _of_children(node.args, "log")
        case _:
            yield from _of_children(ast.iter_child_nodes(node))


def _of_children(nodes: Iterable[ast.AST], kind: str = "part") -> Iterator[tuple[int, str, str]]:
    for node in nodes:
        yield from _texts(node, kind)


if __name__ == "__main__":
    main()
