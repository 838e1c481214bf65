"""Forks while a thread has the writer's connection and does not give it back in time.

Argument: the file of the ledger.
"""

from __future__ import annotations

import os
import sys
import threading

from taskhandler.forks import notify_of_forks
from taskhandler.ledger.sqlite.connections import Connections
from taskhandler.ledger.sqlite.file import Database, prepare


def write(connections: Connections) -> None:
    with connections.writer() as opened:
        opened.connection.execute("BEGIN IMMEDIATE")
        opened.connection.execute("DELETE FROM records")
        opened.connection.execute("COMMIT")


def hold(connections: Connections, held: threading.Event, let_go: threading.Event) -> None:
    with connections.writer() as opened:
        held.set()
        let_go.wait()
        opened.connection.execute("DELETE FROM records")


def forked(connections: Connections) -> int:
    child = os.fork()
    if child:
        return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    code = 1
    try:
        write(connections)
        connections.close()
        code = 0
    finally:
        os._exit(code)


def main(path: str) -> None:
    prepare(path, wait=lambda _: None)
    connections = Connections(Database(path), timeout=0.1)
    notify_of_forks(connections)
    held, let_go = threading.Event(), threading.Event()
    holder = threading.Thread(target=hold, args=(connections, held, let_go))
    holder.start()
    held.wait()
    code = forked(connections)
    let_go.set()
    holder.join()
    write(connections)
    connections.close()
    sys.stdout.write(f"child {code}, parent goes on\n")


if __name__ == "__main__":
    main(sys.argv[1])
