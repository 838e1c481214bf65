"""Which of the project's folders may import which: benchmarks and examples import nothing of the tests.

What a benchmark measures must not change with a part of a test, and no test imports a benchmark. What both
use is in `examples`, which shows the package at work; a few lines may stand in each of them.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.mirror import ROOT

MAY_IMPORT = {
    "taskhandler": {"taskhandler"},
    "examples": {"taskhandler", "examples"},
    "benchmarks": {"taskhandler", "examples", "benchmarks"},
    "tests": {"taskhandler", "examples", "tests"},
}
"""By folder: the folders of this project that its files may import."""

STARTED_BY_NAME = {Path("tests", "test_benchmarks.py")}
"""Files that name a module of another folder, in order to run it in a process of its own."""

DOTTED = re.compile(rf"({'|'.join(MAY_IMPORT)})(\.\w+)+")


def modules_in(source: str) -> Iterator[str]:
    """Every module that a file imports, or names as a whole string."""
    for node in ast.walk(ast.parse(source)):
        match node:
            case ast.Import(names=names):
                yield from (alias.name for alias in names)
            case ast.ImportFrom(module=str(module)):
                yield module
            case ast.Constant(value=str(text)) if DOTTED.fullmatch(text):
                yield text
            case _:
                pass


def forbidden(folder: str, source: str) -> set[str]:
    """The modules in a file of `folder` that belong to a folder which it may not import."""
    others = MAY_IMPORT.keys() - MAY_IMPORT[folder]
    return {module for module in modules_in(source) if module.partition(".")[0] in others}


@pytest.mark.parametrize("folder", MAY_IMPORT)
def test_a_folder_imports_only_folders_that_it_may(folder: str):
    files = [path for path in (ROOT / folder).rglob("*.py") if path.relative_to(ROOT) not in STARTED_BY_NAME]
    found = {str(path): forbidden(folder, path.read_text()) for path in files}
    assert files
    assert not {path: modules for path, modules in found.items() if modules}


@pytest.mark.parametrize(
    "source",
    [
        "import tests.mirror",
        "from tests import mirror",
        "def late():\n    from tests.auth import issuer",
        "importlib.import_module('tests.auth.issuer')",
        "[sys.executable, '-m', 'tests.faults.oracle']",
    ],
)
def test_an_import_of_the_tests_in_a_benchmark_is_noticed(source: str):
    assert forbidden("benchmarks", source)
    assert not forbidden("tests", source)
