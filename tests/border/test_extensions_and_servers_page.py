"""The tables of docs/extensions-and-servers.md say what the tests of this folder expect."""

from __future__ import annotations

from tests.border.extensions import EXTENSIONS
from tests.border.servers import SERVERS, Server
from tests.mirror import ROOT

PAGE = (ROOT / "docs" / "extensions-and-servers.md").read_text()


def rows(title: str) -> list[list[str]]:
    """The rows of the table under a heading, without the table's head."""
    section = PAGE.partition(f"\n## {title}\n")[2].partition("\n## ")[0]
    lines = [line.strip("| ") for line in section.splitlines() if line.startswith("|")]
    return [[cell.strip() for cell in line.split("|")] for line in lines[2:]]


def row(server: Server) -> list[str]:
    """What the table must say of a server."""
    chunks = server.reads_chunks and server.notices_torn_chunks
    return [
        f"`{server.name}`" if server.name.startswith("flask") else server.name,
        "read" if chunks else "411 `malformed`",
        "400 `malformed`" if server.passes_cut_bodies else "never reaches the app",
        "finishes" if server.finishes_on_sigterm else "dies; taken over after the lease",
    ]


def test_the_table_of_extensions_agrees_with_the_tests():
    assert [cells + [""] * (3 - len(cells)) for cells in rows("Extensions")] == [
        [name, "`completed`" if extension.reaches else "`intercepted`", extension.exemption]
        for name, extension in EXTENSIONS.items()
    ]


def test_the_table_of_servers_agrees_with_the_tests():
    assert rows("Servers") == [row(server) for server in SERVERS if server.command is not None]
