"""Forks, and says on either side what those were told who asked to be."""

from __future__ import annotations

import os
import sys

from taskhandler.ledger.forks import tell_of_forks


class Listener:
    """Remembers what it is told."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.heard: list[str] = []
        tell_of_forks(self)

    def before_fork(self) -> None:
        self.heard.append("before")

    def after_fork_in_parent(self) -> None:
        self.heard.append("parent")
        self.say()

    def after_fork_in_child(self) -> None:
        self.heard.append("child")
        self.say()

    def say(self) -> None:
        os.write(1, f"{self.name}: {', '.join(self.heard)}\n".encode())


def main() -> int:
    kept = Listener("kept")
    Listener("dropped")
    child = os.fork()
    if not child:
        os._exit(0)
    os.waitpid(child, 0)
    return 0 if kept.heard else 1


if __name__ == "__main__":
    sys.exit(main())
