"""The page on storages shows the code of the example, and the example is as small as the page says."""

from __future__ import annotations

import ast
import io
import textwrap
import tokenize

import pytest

from tests.mirror import ROOT
from tests.pages import DOCS, blocks

EXAMPLE = (ROOT / "examples" / "table_ledger.py").read_text()
STEPS = (DOCS / "storages.md").read_text().partition("\n## A small one")[2].partition("\nThe app takes it")[0]
SHOWN = [
    piece
    for block in blocks(DOCS / "storages.md", "python")
    if block in STEPS
    for piece in block.strip().split("\n\n\n")
]
LAYOUT = {
    tokenize.COMMENT,
    tokenize.NL,
    tokenize.NEWLINE,
    tokenize.INDENT,
    tokenize.DEDENT,
    tokenize.ENDMARKER,
}


def lines_of_code() -> int:
    """The lines that are not blank and hold more than a comment or a docstring."""
    lines = set[int]()
    for token in tokenize.generate_tokens(io.StringIO(EXAMPLE).readline):
        if token.type not in {*LAYOUT, tokenize.COMMENT}:
            lines.update(range(token.start[0], token.end[0] + 1))
    for node in ast.walk(ast.parse(EXAMPLE)):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef) and ast.get_docstring(node):
            lines.difference_update(range(node.body[0].lineno, (node.body[0].end_lineno or 0) + 1))
    return len(lines)


@pytest.mark.parametrize("piece", SHOWN, ids=lambda piece: piece.partition("(")[0])
def test_every_step_of_the_page_is_in_the_example(piece: str):
    assert piece in EXAMPLE or textwrap.indent(piece, "    ") in EXAMPLE


def test_the_page_has_at_least_six_steps():
    assert len(SHOWN) >= 6


def test_the_example_has_at_most_as_many_lines_of_code_as_the_page_says():
    assert lines_of_code() <= 80
