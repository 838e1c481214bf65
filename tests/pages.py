"""The project's pages, and what stands in them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from tests.mirror import ROOT

DOCS = ROOT / "docs"
PAGES = [
    *(ROOT / name for name in ("README.md", "CONTRIBUTING.md", "SECURITY.md", "CHANGELOG.md")),
    *sorted(DOCS.glob("*.md")),
]
FENCE = re.compile(
    r"^(?P<fence>```+)(?P<language>\S*)[^\n]*\n(?P<text>.*?)^(?P=fence)$", re.MULTILINE | re.DOTALL
)
HEADING = re.compile(r"^#+ (.+)$", re.MULTILINE)
CONSOLE = re.compile(r"^\$ ((?:.*\\\n)*.*)$", re.MULTILINE)
GCLOUD = re.compile(r"^(gcloud (?:.*\\\n)*.*)$", re.MULTILINE)
SERVICE = re.compile(r"^ +command: (.*)$", re.MULTILINE)
INLINE = re.compile(r"make |python -m |flask (run|tasks) |gunicorn -|pip install |chgrp |sqlite3 ")
LINK = re.compile(r"\[([^]]*)\]\(([^)\s]+)\)")


def name_of(page: Path) -> str:
    """The page's path from the root of the project."""
    return str(page.relative_to(ROOT))


def prose(page: Path) -> str:
    """The page without its blocks of code."""
    return FENCE.sub("", page.read_text())


def blocks(page: Path, *languages: str) -> Iterator[str]:
    """The page's blocks of code in one of the languages."""
    for block in FENCE.finditer(page.read_text()):
        if block["language"] in languages:
            yield block["text"]


def links(page: Path) -> list[tuple[str, str]]:
    """The text and the target of each link of the page."""
    return LINK.findall(prose(page))


def anchors(page: Path) -> set[str]:
    """The anchors of a page's headings, as GitHub and MyST make them."""
    plain = (re.sub(r"[^\w\- ]", "", heading.lower()) for heading in HEADING.findall(prose(page)))
    return {heading.strip().replace(" ", "-") for heading in plain}


def commands(page: Path) -> list[str]:
    """Every command of the page, in its blocks and in its text, with the lines that continue it."""
    typed = CONSOLE.findall("".join(blocks(page, "console")))
    listed = GCLOUD.findall("".join(blocks(page, "sh")))
    services = SERVICE.findall("".join(blocks(page, "yaml")))
    spans = (" ".join(span.split()) for span in re.findall(r"`([^`]+)`", prose(page)))
    return [*typed, *listed, *services, *(span for span in spans if INLINE.match(span))]
