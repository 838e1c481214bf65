"""Forks, and prints on either side which registered hooks were called."""

from __future__ import annotations

import os
import sys

from taskhandler.forks import call_in_child, notify_of_forks


class Listener:
    """Remembers which of its hooks were called."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.heard: list[str] = []
        notify_of_forks(self)

    def before_fork(self) -> None:
        self.heard.append("before")
        if self.name == "kept":
            LATE.append(Listener("late"))

    def after_fork_in_parent(self) -> None:
        self.heard.append("parent")
        self.say()

    def after_fork_in_child(self) -> None:
        self.heard.append("child")
        self.say()

    def say(self) -> None:
        os.write(1, f"{self.name}: {', '.join(self.heard)}\n".encode())


class InChild:
    """Has one method called in a child."""

    def __init__(self, name: str) -> None:
        self.name = name
        call_in_child(self.begin_anew)

    def begin_anew(self) -> None:
        os.write(1, f"{self.name}: anew\n".encode())


LATE: list[Listener] = []
"""Made while the process forks: its hook before the fork was not called; nor must be that in the parent."""


def main() -> int:
    kept, method = Listener("kept"), InChild("method")
    Listener("dropped")
    InChild("dropped method")
    child = os.fork()
    if not child:
        os._exit(0)
    os.waitpid(child, 0)
    return 0 if kept.heard and method.name and LATE else 1


if __name__ == "__main__":
    sys.exit(main())
