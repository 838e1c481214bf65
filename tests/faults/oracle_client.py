"""Reports to the oracle what happens, and does what it orders."""

from __future__ import annotations

import contextlib
import ctypes
import os
import signal
import socket
import threading
from typing import Any

from tests.faults import journal
from tests.faults.journal import Answer, Event, Report, Request
from tests.faults.random_faults import RandomFaults


class OracleClient:
    """A connection to the oracle for each thread that has something to say.

    Args:
        port: of the oracle, on this machine.
    """

    def __init__(self, port: int) -> None:
        self.port = port
        self._of = threading.local()

    def ask(self, request: Request) -> Answer:
        """Send one request and wait for its answer."""
        file = getattr(self._of, "file", None)
        if file is None:
            with socket.create_connection(("127.0.0.1", self.port)) as link:
                file = self._of.file = link.makefile("rwb")
        file.write(journal.encode(request) + b"\n")
        file.flush()
        return journal.answers.decode(file.readline())

    def hang_up(self) -> None:
        """Close this thread's connection."""
        with contextlib.suppress(AttributeError):
            self._of.file.close()
            del self._of.file


class Reporter:
    """Reports to the oracle from within a worker.

    Args:
        port: of the oracle.
        random_faults: what happens by chance.
    """

    def __init__(self, port: int, random_faults: RandomFaults) -> None:
        self._line = OracleClient(port)
        self._random_faults = random_faults

    def report(self, what: str, task: str = "", **more: Any) -> str:  # noqa: ANN401 - the fields of Event
        """Report, do what the oracle orders, and return the order (or the fenced resource's answer)."""
        event = Event(what=what, task=task, pid=os.getpid(), act=self._random_faults.act(what, task), **more)
        return obey(self._line.ask(Report(event)).act)


def obey(act: str) -> str:
    """Crash, stop, wait or hold the interpreter's lock, if `act` says so; other acts are for the caller."""
    word, _, seconds = act.partition(":")
    match word:
        case "crash":
            os.kill(os.getpid(), signal.SIGKILL)
        case "stop":
            # to this thread: else it goes on until another one has noticed
            signal.pthread_kill(threading.get_ident(), signal.SIGSTOP)
        case "slow":
            threading.Event().wait(float(seconds))
        case "hog":  # a PyDLL keeps the lock, so that no other thread of the process runs
            ctypes.PyDLL(None).usleep(ctypes.c_uint(int(float(seconds) * 1e6)))
        case _:
            pass
    return act
