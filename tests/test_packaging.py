"""What people get who install the project."""

from __future__ import annotations

import importlib.metadata
import re
import subprocess
import sys
from pathlib import Path

import pytest

import taskhandler
from tests.pages import PAGES, name_of

HEAVY = ("google.cloud", "grpc", "pydantic", "attrs", "requests")


def test_the_package_is_marked_as_typed():
    assert Path(taskhandler.__file__).with_name("py.typed").is_file()


def test_the_distribution_is_called_flask_taskhandler():
    assert importlib.metadata.metadata("flask-taskhandler")["Name"] == "flask-taskhandler"


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_no_page_says_to_install_a_package_of_another_name(page: Path):
    """`taskhandler` alone is another project's name on PyPI."""
    assert not re.search(r"\b(install|add) (-\S+ )*[\"']?taskhandler\b", page.read_text())


def test_importing_the_package_imports_nothing_heavy():
    code = f"import sys, taskhandler; print(*(name for name in {HEAVY} if name in sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert not done.stdout.split()
