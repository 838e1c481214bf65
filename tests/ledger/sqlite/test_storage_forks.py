"""The SQLite ledger outlives forks: nothing that a parent held open or locked reaches its children."""

from __future__ import annotations

from pathlib import Path

from taskhandler.ledger.sqlite.connections import Connections
from taskhandler.ledger.sqlite.file import Database, prepare
from tests.ledger.programs.start import output_of
from tests.ledger.sqlite.local_storage import raw_connection, wait


def test_a_child_forked_while_other_threads_write_is_not_held_up(path: Path):
    assert output_of("forking", f"sqlite://{path}", 4, 20) == "20 children, 4 threads"
    with raw_connection(path) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]


def test_nothing_is_open_when_the_process_forks(path: Path):
    prepare(str(path), wait=wait)
    connections = Connections(Database(str(path)))
    with connections.reader() as reader, connections.writer() as writer:
        assert reader.file == writer.file
    assert open_parts(path) == {"", "-wal", "-shm"}
    connections.before_fork()
    assert open_parts(path) == {""}
    connections.after_fork_in_parent()
    with connections.writer() as writer:
        writer.connection.execute("BEGIN IMMEDIATE")
        writer.connection.execute("COMMIT")
    connections.close()


def open_parts(path: Path) -> set[str]:
    """SQLite removes what stands beside the file when the last connection to it is closed."""
    return {part.name.removeprefix(path.name) for part in path.parent.glob(f"{path.name}*")}


def test_a_child_does_not_touch_connections_that_were_in_use_at_the_fork(path: Path):
    assert output_of("forking_early", path) == "child 0, parent goes on"
