"""The Python on our pages runs as it stands there, from the top of a page to its end."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import pytest
from sybil import Sybil
from sybil.parsers.markdown import PythonCodeBlockParser, SkipParser

from tests.pages import PAGES, name_of

SYBIL = Sybil(parsers=[PythonCodeBlockParser(), SkipParser()], patterns=["*.md"])


@pytest.fixture
def module(tmp_path: Path) -> Iterator[ModuleType]:
    """A module for the page's code to live in: Flask wants to know where it is."""
    module = ModuleType("page")
    module.__file__ = str(tmp_path / "page.py")
    sys.modules[module.__name__] = module
    yield module
    del sys.modules[module.__name__]


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_the_examples_of_a_page_run(
    page: Path, module: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.chdir(tmp_path)
    document = SYBIL.parse(page)
    document.namespace = vars(module)
    for example in document.examples():
        example.evaluate()
