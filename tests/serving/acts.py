"""What a handler of the tests' app can be asked to do."""

from __future__ import annotations

import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from msgspec import Struct

from taskhandler import Reject, Retry, Task

LONGEST_WAIT_SECONDS = 20.0
"""Seconds before a handler gives up waiting for what its test forgot."""


class Asked(Struct, frozen=True):
    """An act that is asked for: by which task, with which argument, and where its gates are."""

    task: Task
    argument: str
    folder: Path


def _looks(seconds: float = LONGEST_WAIT_SECONDS) -> Iterator[None]:
    """Every hundredth of a second, for so long."""
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        yield
        threading.Event().wait(0.01)


def _wait(asked: Asked) -> None:
    """Until the test opens the gate: the task's own, unless another is named."""
    if not any(_is_open(asked) for _ in _looks()):
        raise TimeoutError("nobody opened the gate")


def _check(asked: Asked) -> None:
    """Work that can be stopped, until the gate opens."""
    for _ in _looks():
        asked.task.checkpoint()
        if _is_open(asked):
            return


def _is_open(asked: Asked) -> bool:
    return (asked.folder / f"{asked.argument or asked.task.id}.gate").exists()


def _last(asked: Asked) -> None:
    """For so many seconds."""
    for _ in _looks(float(asked.argument)):
        pass


def _fail(asked: Asked) -> None:
    raise ConnectionError(asked.argument)


def _reject(asked: Asked) -> None:
    raise Reject(asked.argument)


def _retry(asked: Asked) -> None:
    raise Retry(after=float(asked.argument))


def _exit(asked: Asked) -> None:
    os._exit(int(asked.argument or 1))


def _kill(_: Asked) -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def _leave(asked: Asked) -> None:
    sys.exit(int(asked.argument or 0))


def _interrupt(_: Asked) -> None:
    raise KeyboardInterrupt


def _recurse(asked: Asked) -> None:
    _recurse(asked)


def _thread(asked: Asked) -> None:
    """An error in a thread of the handler's own concerns only that thread."""
    thread = threading.Thread(target=_fail, args=(asked,))
    thread.start()
    thread.join()


ACTS: dict[str, Callable[[Asked], None]] = {
    "wait": _wait,
    "check": _check,
    "last": _last,
    "fail": _fail,
    "reject": _reject,
    "retry": _retry,
    "exit": _exit,
    "kill": _kill,
    "leave": _leave,
    "interrupt": _interrupt,
    "recurse": _recurse,
    "thread": _thread,
}
