"""Every link between the pages leads somewhere, and every page can be found from the table of contents."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.mirror import ROOT
from tests.pages import DOCS, PAGES, anchors, blocks, links, name_of

TEXTS = {".md", ".py", ".toml", ".yml"}
FOLDERS = ("taskhandler", "tests", "examples", "benchmarks", "docs", ".github")


def broken(page: Path, link: str) -> bool:
    """Whether a link to a file of the project leads nowhere."""
    path, _, anchor = link.partition("#")
    target = page.parent / path if path else page
    return not target.exists() or bool(anchor and anchor not in anchors(target))


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_every_internal_link_of_a_page_leads_to_a_file_and_a_heading(page: Path):
    internal = [link for _, link in links(page) if "://" not in link]
    assert not [link for link in internal if broken(page, link)]


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_every_link_of_a_page_has_a_text(page: Path):
    """Sphinx fills an empty one with the page's title, GitHub shows nothing."""
    assert not [link for text, link in links(page) if not text.strip()]


def test_the_table_of_contents_lists_every_page_once():
    index = DOCS / "index.md"
    listed = [
        line
        for tree in blocks(index, "{toctree}")
        for line in tree.splitlines()
        if line and not line.startswith(":")
    ]
    assert sorted(listed) == sorted(page.stem for page in DOCS.glob("*.md") if page != index)


def test_the_readme_leads_to_every_page():
    linked = {link for _, link in links(ROOT / "README.md")}
    found_from_others = {"README.md", "docs/index.md", "docs/api.md"}
    assert not {name_of(page) for page in PAGES} - linked - found_from_others


def test_every_page_that_a_file_names_exists():
    files = [file for folder in FOLDERS for file in (ROOT / folder).rglob("*") if file.suffix in TEXTS]
    named = {
        (str(file.relative_to(ROOT)), page)
        for file in [*files, *PAGES]
        if "_build" not in file.parts
        for page in re.findall(r"\bdocs/[a-z-]+\.md\b", file.read_text())
    }
    assert not {(file, page) for file, page in named if not (ROOT / page).is_file()}
